"""The keys of the database sign the mails of their domains, as soon as they are active."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes

import pytest

from hogsend.clock import ManualClock
from hogsend.config.encryption import Encryption
from hogsend.delivery.dkim.private_keys import KeyPair
from hogsend.delivery.dkim.signer import DkimSigner
from hogsend.delivery.message import Address
from hogsend.domain.dkim_key import DkimKey
from hogsend.domain.ids import new_id
from hogsend.errors import StartError
from hogsend.store import dkim_keys
from hogsend.store.change_feed import DKIM_KEYS, ChangeFeed
from hogsend.store.db import Database
from tests.delivery.dkim.test_signature import make_message

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRET = "s" * 43


def read_selectors(content: bytes) -> list[str]:
    """Return the domain and the selector of each signature of a mail."""
    signatures = message_from_bytes(content).get_all("DKIM-Signature", [])
    tags = [
        dict(tag.strip().split("=", 1) for tag in "".join(signature.split()).split(";"))
        for signature in signatures
    ]
    return [f"{tag['d']}/{tag['s']}" for tag in tags]


async def test_keys_sign_from_their_activation_until_they_are_retired(
    database: Database, clock: ManualClock, key_pairs: tuple[KeyPair, KeyPair]
) -> None:
    changes = ChangeFeed()
    signer = DkimSigner(database, clock, changes, [SECRET])
    names = [("example.org", "old", 0), ("example.org", "new", 1), ("news.example.org", "news", 1)]
    keys = {
        selector: DkimKey(
            id=new_id(NOW),
            domain=domain,
            selector=selector,
            algorithm=key_pairs[pair].algorithm,
            private_key=Encryption([SECRET]).encrypt(key_pairs[pair].pem),
            public_key=key_pairs[pair].public_key,
            created_at=NOW,
        )
        for domain, selector, pair in names
    }
    async with database.transaction() as transaction:
        for key in keys.values():
            await dkim_keys.insert(transaction, key)

    async def sign(sender: str = "ada@example.org") -> list[str]:
        return read_selectors(await signer.sign(make_message(from_=Address(sender))))

    async def change(*, activate: str | None = None, retire: str | None = None) -> None:
        async with database.transaction() as transaction:
            if activate:
                await dkim_keys.activate(transaction, keys[activate].id, NOW)
            if retire:
                await dkim_keys.retire(transaction, keys[retire].id, NOW)
        changes.publish(DKIM_KEYS)

    assert await sign() == []
    await change(activate="old")
    assert await sign() == ["example.org/old"]
    await change(activate="new")
    assert await sign() == ["example.org/old", "example.org/new"]
    await change(retire="old")
    assert await sign() == ["example.org/new"]

    # A subdomain is signed by its own keys, and without any by those of the domain above it.
    assert await sign("ada@News.example.org") == ["example.org/new"]
    await change(activate="news")
    assert await sign("ada@news.example.org") == ["news.example.org/news"]
    assert await sign("ada@badexample.org") == []


async def test_a_key_of_another_secret_does_not_stop_the_mail(
    sqlite_url: str,
    clock: ManualClock,
    key_pairs: tuple[KeyPair, KeyPair],
    caplog: pytest.LogCaptureFixture,
) -> None:
    from tests.databases import opened

    async with opened(sqlite_url) as database:
        async with database.transaction() as transaction:
            encrypted = Encryption(["t" * 43]).encrypt(key_pairs[0].pem)
            key = DkimKey(
                new_id(NOW), "example.org", "s", "rsa", encrypted, "p", NOW, activated_at=NOW
            )
            await dkim_keys.insert(transaction, key)

        signed = await DkimSigner(database, clock, ChangeFeed(), [SECRET]).sign(make_message())

    assert signed == make_message().mime_bytes
    assert "HOGSEND_SECRET" in caplog.text


def test_stored_secrets_stay_readable_while_the_secret_is_replaced() -> None:
    encrypted = Encryption(["old" * 20]).encrypt("key")

    assert "key" not in encrypted
    assert Encryption(["new" * 20, "old" * 20]).decrypt(encrypted) == "key"
    with pytest.raises(StartError, match="HOGSEND_SECRET"):
        Encryption(["new" * 20]).decrypt(encrypted)
