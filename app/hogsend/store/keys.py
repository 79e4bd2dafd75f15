"""API keys: create, find and revoke them. Only the digest of a key's text is stored.

Functions that change something take a transaction in place of the database when they are to be
committed with other changes, such as an entry of the audit log.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Literal
from uuid import UUID

from ..domain.hosts import to_web_origin
from ..domain.ids import new_id
from ..errors import InvalidInput, NotFound
from .db import Database, Transaction
from .json_text import from_json, to_json
from .models import KeyRow
from .rows import RowMapper
from .stored import Stored

KeyKind = Literal["secret", "publishable"]

INGEST = "ingest"
INGEST_PUBLIC = "ingest-public"
FULL_ADMIN = "full-admin"
SCOPES = (INGEST, INGEST_PUBLIC, "read", "journey-admin", FULL_ADMIN)

_BEGINNINGS: Mapping[KeyKind, str] = {"secret": "hsk_", "publishable": "pk_"}
_SHOWN_CHARACTERS = 8


@dataclass(frozen=True, slots=True)
class Key:
    """An API key, without its text.

    Args:
        id: our id.
        name: the name that an operator gave it.
        prefix: the first eight characters of its text, which identify it on screens.
        scopes: what it permits.
        origins: the web origins that a publishable key may be used from.
        created_at: when it was created.
        expires_at: when it stops being accepted; None for never.
        last_used_at: when it was last used, to the minute; None for never.
        revoked_at: when it was revoked; None when it was not.
    """

    id: UUID
    name: str
    prefix: str
    scopes: frozenset[str]
    created_at: datetime
    origins: tuple[str, ...] = ()
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def publishable(self) -> bool:
        """Whether its text may be public, such as in a web page."""
        return self.prefix.startswith(_BEGINNINGS["publishable"])

    def allows(self, scope: str) -> bool:
        """Return whether the key has a scope; `full-admin` includes all others."""
        return scope in self.scopes or FULL_ADMIN in self.scopes

    def status(self, now: datetime) -> Literal["active", "expired", "revoked"]:
        """Return whether the key is accepted at an instant."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "active"


def compute_digest(text: str) -> bytes:
    """Return the SHA-256 that is stored in place of a key, a cookie or a link's token."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def make(kind: KeyKind = "secret") -> str:
    """Return the text of a new key: `hsk_` or `pk_` and 32 random bytes as 43 characters."""
    return _BEGINNINGS[kind] + token_urlsafe(32)


async def create(
    database: Database,
    *,
    name: str,
    scopes: Collection[str],
    now: datetime,
    origins: Sequence[str] = (),
    expires_at: datetime | None = None,
    text: str | None = None,
) -> tuple[Key, str]:
    """Store a new key; see `new_key` for the arguments and errors."""
    key, text = new_key(
        name=name, scopes=scopes, now=now, origins=origins, expires_at=expires_at, text=text
    )
    await insert(database, key, text)
    return key, text


def new_key(
    *,
    name: str,
    scopes: Collection[str],
    now: datetime,
    origins: Sequence[str] = (),
    expires_at: datetime | None = None,
    text: str | None = None,
) -> tuple[Key, str]:
    """Create a key, to be stored with `insert`.

    Args:
        name: the name that an operator gave it.
        scopes: what it permits; `ingest-public` alone makes a publishable key.
        now: the current time.
        origins: the web origins of a publishable key, such as `https://example.com`.
        expires_at: when it stops being accepted; None for never.
        text: the text of an existing key to register; None generates one.

    Returns:
        The key and its text.

    Raises:
        InvalidInput: a scope is unknown, an origin is none, or the scopes and the origins
            contradict each other.
    """
    _check(name, scopes, origins)
    kind: KeyKind = "publishable" if INGEST_PUBLIC in scopes else "secret"
    text = text or make(kind)
    key = Key(
        id=new_id(now),
        name=name.strip(),
        prefix=text[:_SHOWN_CHARACTERS],
        scopes=frozenset(scopes),
        origins=tuple(map(_to_origin, origins)),
        created_at=now,
        expires_at=expires_at,
    )
    return key, text


def _to_origin(text: str) -> str:
    try:
        return to_web_origin(text)
    except ValueError:
        raise InvalidInput(
            f"{text!r} is not a web origin.",
            "An origin is scheme, host and port, such as https://example.com, without wildcards.",
        ) from None


def _check(name: str, scopes: Collection[str], origins: Sequence[str]) -> None:
    if not name.strip() or len(name.strip()) > 100:
        raise InvalidInput("A key needs a name of 1 to 100 characters.")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        problem = f"There is no scope {unknown[0]!r}." if unknown else "A key needs a scope."
        raise InvalidInput(problem, f"Scopes are: {', '.join(SCOPES)}.")
    if INGEST_PUBLIC in scopes and len(set(scopes)) > 1:
        raise InvalidInput(
            "A publishable key cannot have a scope other than ingest-public.",
            "Create a second, secret key for the other scopes.",
        )
    if (INGEST_PUBLIC in scopes) != bool(origins):
        raise InvalidInput(
            "A publishable key needs web origins, and a secret key must not have any.",
            "Use an origin such as https://example.com together with the scope ingest-public.",
        )


def _read_scopes(stored: Any) -> frozenset[str]:
    return frozenset(from_json(stored))


def _write_scopes(scopes: Collection[str]) -> str:
    return to_json(sorted(scopes))


def _read_origins(stored: Any) -> tuple[str, ...]:
    return tuple(from_json(stored))


def _write_origins(origins: Sequence[str]) -> str:
    return to_json(list(origins))


_KEYS = RowMapper(
    Key,
    KeyRow,
    scopes=Stored(_read_scopes, _write_scopes),
    origins=Stored(_read_origins, _write_origins),
)


async def insert(store: Database | Transaction, key: Key, text: str) -> None:
    """Store a key, with the digest of its text."""
    async with store.transaction() as transaction:
        await KeyRow.create(
            using_db=await transaction.models(),
            digest=compute_digest(text),
            **_KEYS.to_columns(key),
        )


async def find(database: Database, digest: bytes) -> Key | None:
    """Return the key with this digest, even if it is revoked or expired."""
    with database.reading_connection() as connection:
        row = await KeyRow.get_or_none(digest=digest, using_db=connection)
    return None if row is None else _KEYS.from_model(row)


async def list_keys(database: Database) -> list[Key]:
    """Return every key, newest first, including revoked and expired ones."""
    with database.reading_connection() as connection:
        rows = await KeyRow.all().using_db(connection).order_by("-id")
    return list(map(_KEYS.from_model, rows))


async def any_key(database: Database) -> bool:
    """Return whether a key exists, even if it is revoked."""
    with database.reading_connection() as connection:
        return await KeyRow.all().using_db(connection).exists()


async def revoke(store: Database | Transaction, key_id: UUID, now: datetime) -> Key:
    """Revoke a key and return it; a key that is revoked already keeps its instant.

    Raises:
        NotFound: there is no such key.
    """
    async with store.transaction() as transaction:
        connection = await transaction.models()
        accepted = KeyRow.filter(id=key_id, revoked_at__isnull=True).using_db(connection)
        await accepted.update(revoked_at=now)
        row = await KeyRow.get_or_none(id=key_id, using_db=connection)
    if row is None:
        raise NotFound(f"There is no key {key_id}.")
    return _KEYS.from_model(row)


async def record_use(database: Database, key_id: UUID, now: datetime) -> None:
    """Record that a key is used now."""
    async with database.transaction() as transaction:
        await KeyRow.filter(id=key_id).using_db(await transaction.models()).update(last_used_at=now)
