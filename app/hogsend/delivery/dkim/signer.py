"""Signs the mails of the domains that have active keys."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from uuid import UUID

from ...clock import Clock
from ...config.encryption import Encryption
from ...domain.dkim_key import DkimKey, select_signing_domain
from ...errors import HogsendError
from ...store import dkim_keys
from ...store.change_feed import DKIM_KEYS, ChangeFeed
from ...store.db import Database
from ..message import Message
from .private_keys import load_private_key
from .signature import SigningKey, sign_mail

log = logging.getLogger("hogsend.mail")


class DkimSigner:
    """Signs mails with all active keys of the sender's domain.

    Keys are read and parsed once, and again when the change feed says that they have changed.

    Args:
        database: holds the keys.
        clock: gives the time of a signature.
        changes: says whether the keys have changed.
        secrets: decrypt the keys.
    """

    def __init__(
        self, database: Database, clock: Clock, changes: ChangeFeed, secrets: Sequence[str]
    ) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes
        self._secrets = secrets
        self._parsed: dict[UUID, SigningKey] = {}
        self._by_domain: dict[str, list[SigningKey]] = {}
        self._loaded_change: int | None = None

    async def sign(self, message: Message) -> bytes:
        """Return the bytes of a mail, with signatures if its sender's domain has active keys."""
        change = self._changes.get_number(DKIM_KEYS)
        if change != self._loaded_change:
            await self._load()
            self._loaded_change = change
        content = message.mime_bytes
        if not self._by_domain:
            return content
        sender = message.from_.email.rpartition("@")[2]
        domain = select_signing_domain(sender, self._by_domain.keys())
        if domain is None:
            return content
        return sign_mail(content, self._by_domain[domain], int(self._clock.now().timestamp()))

    async def _load(self) -> None:
        keys = await dkim_keys.list_active(self._database)
        encryption = Encryption(self._secrets) if keys else None
        parsed: dict[UUID, SigningKey] = {}
        by_domain: dict[str, list[SigningKey]] = {}
        for key in keys:
            signing_key = self._parsed.get(key.id)
            if signing_key is None and encryption is not None:
                signing_key = _open_key(key, encryption)
            if signing_key is not None:
                parsed[key.id] = signing_key
                by_domain.setdefault(key.domain, []).append(signing_key)
        self._parsed, self._by_domain = parsed, by_domain


def _open_key(key: DkimKey, encryption: Encryption) -> SigningKey | None:
    """Return a key that can sign; None for one that cannot be decrypted, which is logged.

    Mails without the signature are better than none: the other key may sign.
    """
    try:
        pem = encryption.decrypt(key.private_key)
        sign = build_sign_function(pem.encode("ascii"))
    except (HogsendError, ValueError) as error:
        log.error("The DKIM key %s of %s cannot sign: %s", key.selector, key.domain, error)
        return None
    return SigningKey(key.domain, key.selector, key.algorithm, sign)


def build_sign_function(pem: bytes) -> Callable[[bytes], bytes]:
    """Return a function that signs a text with a private key.

    Raises:
        ValueError: the key cannot be read.
    """
    import hashlib

    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256

    key = load_private_key(pem)
    if isinstance(key, RSAPrivateKey):
        padding, algorithm = PKCS1v15(), SHA256()
        return lambda text: key.sign(text, padding, algorithm)
    # RFC 8463 §3: PureEdDSA signs the digest.
    return lambda text: key.sign(hashlib.sha256(text).digest())
