"""API keys are shown once, found by their digest and revoked at once."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.errors import CorruptRow, InvalidInput, NotFound
from hogsend.store import keys
from hogsend.store.db import Database, Query, Write
from hogsend.store.rows import read_column
from tests.databases import opened


async def test_a_key_is_found_by_its_text_and_its_text_is_nowhere(
    database: Database, clock: ManualClock
) -> None:
    key, text = await keys.create(database, name="shop", scopes=["ingest"], now=clock.now())

    assert await keys.find(database, keys.compute_digest(text)) == key
    rows = await database.read_one(Query("SELECT * FROM api_keys", [], list))
    assert text not in str([tuple(row) for row in rows])
    (scopes,) = await database.read_one(Query("SELECT scopes FROM api_keys", [], read_column(str)))
    assert scopes == '["ingest"]'
    assert key.prefix == text[:8]


def test_keys_are_as_the_wire_says() -> None:
    assert re.fullmatch(r"hsk_[A-Za-z0-9_-]{43}", keys.make())
    assert re.fullmatch(r"pk_[A-Za-z0-9_-]{43}", keys.make("publishable"))
    assert keys.make() != keys.make()


async def test_a_text_that_is_no_key_is_found_nowhere(database: Database) -> None:
    for text in ("", "hsk_wrong", "\x00", "\ud800", "x" * 100_000):
        assert await keys.find(database, keys.compute_digest(text)) is None


async def test_a_revoked_key_is_shown_as_revoked_and_stays_so(
    database: Database, clock: ManualClock
) -> None:
    key, text = await keys.create(database, name="shop", scopes=["ingest"], now=clock.now())
    first = clock.now() + timedelta(minutes=1)

    await keys.revoke(database, key.id, first)
    again = await keys.revoke(database, key.id, first + timedelta(days=1))

    assert again.revoked_at == first
    revoked_key = await keys.find(database, keys.compute_digest(text))
    assert revoked_key is not None and revoked_key.status(first) == "revoked"


async def test_revoking_an_unknown_key_is_an_error(database: Database, clock: ManualClock) -> None:
    with pytest.raises(NotFound, match="There is no key"):
        await keys.revoke(database, UUID(int=7), clock.now())


async def test_a_key_expires(database: Database, clock: ManualClock) -> None:
    end = clock.now() + timedelta(days=30)
    await keys.create(database, name="trial", scopes=["ingest"], now=clock.now(), expires_at=end)

    (key,) = await keys.list_keys(database)

    assert key.status(end - timedelta(microseconds=1)) == "active"
    assert key.status(end) == "expired"


async def test_only_full_admin_implies_other_scopes(database: Database, clock: ManualClock) -> None:
    admin, _ = await keys.create(database, name="a", scopes=["full-admin"], now=clock.now())
    reader, _ = await keys.create(database, name="r", scopes=["read"], now=clock.now())

    assert admin.allows("ingest") and admin.allows("read")
    assert reader.allows("read") and not reader.allows("ingest")


async def test_a_publishable_key_has_origins_and_no_other_scope(
    database: Database, clock: ManualClock
) -> None:
    key, text = await keys.create(
        database,
        name="web",
        scopes=["ingest-public"],
        origins=["https://example.com/"],
        now=clock.now(),
    )
    assert text.startswith("pk_") and key.publishable
    assert key.origins == ("https://example.com",)

    for scopes, origins in [
        (["ingest-public"], []),
        (["ingest-public", "ingest"], ["https://example.com"]),
        (["ingest"], ["https://example.com"]),
        (["everything"], []),
        ([], []),
    ]:
        with pytest.raises(InvalidInput):
            await keys.create(database, name="web", scopes=scopes, origins=origins, now=clock.now())
    assert len(await keys.list_keys(database)) == 1


async def test_a_known_text_can_be_registered(database: Database, clock: ManualClock) -> None:
    assert not await keys.any_key(database)
    text = keys.make()

    key, same = await keys.create(
        database, name="mine", scopes=["ingest"], now=clock.now(), text=text
    )

    assert same == text
    assert await keys.find(database, keys.compute_digest(text)) == key
    assert await keys.any_key(database)


async def test_keys_are_listed_newest_first_with_their_last_use(
    database: Database, clock: ManualClock
) -> None:
    old, _ = await keys.create(database, name="old", scopes=["ingest"], now=clock.now())
    clock.set(clock.now() + timedelta(hours=1))
    new, _ = await keys.create(database, name="new", scopes=["ingest"], now=clock.now())

    await keys.record_use(database, old.id, clock.now())

    listed = await keys.list_keys(database)
    assert [key.id for key in listed] == [new.id, old.id]
    assert [key.last_used_at for key in listed] == [None, clock.now()]


async def test_a_corrupt_key_is_refused_and_named_and_the_others_still_work(
    sqlite_url: str, clock: ManualClock
) -> None:
    # Postgres takes no invalid JSON.
    async with opened(sqlite_url) as database:
        corrupt, corrupt_text = await keys.create(
            database, name="a", scopes=["ingest"], now=clock.now()
        )
        key, text = await keys.create(database, name="b", scopes=["ingest"], now=clock.now())
        async with database.transaction() as transaction:
            damage = "UPDATE api_keys SET scopes = '[' WHERE id = ?"
            await transaction.apply([Write(damage, [(corrupt.id,)])])

        assert await keys.find(database, keys.compute_digest(text)) == key
        with pytest.raises(CorruptRow, match=str(corrupt.id)):
            await keys.find(database, keys.compute_digest(corrupt_text))


def test_origins_are_stored_as_browsers_send_them_and_checked(clock: ManualClock) -> None:
    origins = {
        "HTTPS://Shop.Example:443/": "https://shop.example",
        "http://localhost:3000": "http://localhost:3000",
        "https://bücher.example": "https://xn--bcher-kva.example",
        "http://[::1]:8080": "http://[::1]:8080",
        "capacitor://localhost": "capacitor://localhost",
    }
    key, _ = keys.new_key(
        name="shop", scopes=[keys.INGEST_PUBLIC], origins=[*origins], now=clock.now()
    )
    assert list(key.origins) == list(origins.values())
    for text in (
        "*", "null", "shop.example", "https://*.shop.example", "https://shop.example/path",
        "https://a@shop.example", "https://a b.example", "https://a.example:99999", "https://[::1",
        "javascript:alert(1)", "https://a.example?x", "https://" + "ü" * 80 + ".example",
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match="web origin"):
            keys.new_key(name="x", scopes=[keys.INGEST_PUBLIC], origins=[text], now=clock.now())
