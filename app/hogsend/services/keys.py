"""API keys: list, create, find and revoke them.

Every change is committed together with its entry in the audit log.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from ..domain.journal import to_storable_text
from ..store import keys
from ..store.keys import FULL_ADMIN, INGEST, INGEST_PUBLIC, Key
from .actor import Actor, Permission
from .audit import build_audit_entry
from .installation import Installation

SCOPES = keys.SCOPES

__all__ = [
    "FULL_ADMIN",
    "INGEST",
    "INGEST_PUBLIC",
    "Key",
    "create_key",
    "find_key",
    "list_keys",
    "note_use",
    "revoke_key",
]


async def list_keys(installation: Installation, actor: Actor) -> Sequence[Key]:
    """Return every key, newest first, revoked and expired ones included.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    return await keys.list_keys(installation.database)


async def create_key(
    installation: Installation,
    actor: Actor,
    *,
    name: str,
    scopes: Collection[str],
    origins: Sequence[str] = (),
    lifetime: timedelta | None = None,
) -> tuple[Key, str]:
    """Create a key.

    Args:
        installation: where the key is stored.
        actor: who creates it.
        name: what people call it.
        scopes: what it may do; `ingest-public` alone makes a publishable key.
        origins: the web origins that a publishable key may be used from.
        lifetime: how long it is accepted; without end when None.

    Returns:
        The key, and its text, which is not stored.

    Raises:
        Forbidden: the actor may not administer.
        InvalidInput: a scope is unknown, or scopes and origins do not fit together.
    """
    actor.require(Permission.ADMINISTER)
    now = installation.clock.now()
    key, text = keys.new_key(
        name=to_storable_text(name),
        scopes=scopes,
        origins=origins,
        now=now,
        expires_at=None if lifetime is None else now + lifetime,
    )
    await _insert(installation, actor, key, text)
    return key, text


async def revoke_key(installation: Installation, actor: Actor, key_id: UUID) -> Key:
    """Revoke a key; servers refuse it from now on.

    Raises:
        Forbidden: the actor may not administer.
        NotFound: there is no such key.
    """
    actor.require(Permission.ADMINISTER)
    for key in await keys.list_keys(installation.database):
        if key.id == key_id and key.revoked_at is not None:
            return key
    async with installation.database.transaction() as transaction:
        key = await keys.revoke(transaction, key_id, installation.clock.now())
        entry = build_audit_entry(installation, actor, "revoke key", f"key {key.prefix}")
        await transaction.apply([entry])
    return key


async def find_key(installation: Installation, text: str) -> Key | None:
    """Return the key with this text, even if it expired; None when it is unknown or revoked."""
    key = await keys.find(installation.database, keys.compute_digest(text)) if text else None
    return None if key is None or key.revoked_at is not None else key


async def note_use(installation: Installation, key: Key) -> None:
    """Record that a key is used now."""
    await keys.record_use(installation.database, key.id, installation.clock.now())


async def find_key_by_text(installation: Installation, actor: Actor, text: str) -> Key | None:
    """Return the key with this text, revoked and expired ones included.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    return await keys.find(installation.database, keys.compute_digest(text))


def generate_text() -> str:
    """Return the text of a new secret key, to be registered with `register_key`."""
    return keys.make()


async def register_key(installation: Installation, actor: Actor, *, name: str, text: str) -> Key:
    """Register an ingest key whose text exists already, such as in a setting.

    Raises:
        Forbidden: the actor may not administer.
    """
    actor.require(Permission.ADMINISTER)
    key, _ = keys.new_key(name=name, scopes=[keys.INGEST], now=installation.clock.now(), text=text)
    await _insert(installation, actor, key, text)
    return key


async def _insert(installation: Installation, actor: Actor, key: Key, text: str) -> None:
    after = {"id": str(key.id), "name": key.name, "scopes": sorted(key.scopes)}
    entry = build_audit_entry(installation, actor, "create key", f"key {key.prefix}", after=after)
    async with installation.database.transaction() as transaction:
        await keys.insert(transaction, key, text)
        await transaction.apply([entry])
