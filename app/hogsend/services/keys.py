"""API keys: listed, created and shown once, revoked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from ..errors import NotFound
from ..store import keys
from ..store.keys import FULL_ADMIN, INGEST, INGEST_PUBLIC, Key
from .actor import Actor, Permission
from .audit import apply_audited
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
        lifetime: how long it is accepted; for ever when None.

    Returns:
        The key, and its text, which is not stored.

    Raises:
        Forbidden: the actor may not administer.
        InvalidInput: a scope is unknown, or scopes and origins do not fit together.
    """
    actor.require(Permission.ADMINISTER)
    now = installation.clock.now()
    key, text = keys.new_key(
        name=name,
        scopes=scopes,
        origins=origins,
        now=now,
        expires_at=None if lifetime is None else now + lifetime,
    )
    after = {"id": str(key.id), "name": key.name, "scopes": sorted(key.scopes)}
    await apply_audited(
        installation,
        actor,
        [keys.insert(key, text)],
        "create key",
        f"key {key.prefix}",
        after=after,
    )
    return key, text


async def revoke_key(installation: Installation, actor: Actor, key_id: UUID) -> Key:
    """Revoke a key; servers refuse it from now on.

    Raises:
        Forbidden: the actor may not administer.
        NotFound: there is no such key.
    """
    actor.require(Permission.ADMINISTER)
    key = await installation.database.read_one(keys.by_id(key_id))
    if key is None:
        raise NotFound(f"There is no key {key_id}.", "`hogsend keys list` shows those that exist.")
    write = keys.mark_revoked(key_id, installation.clock.now())
    await apply_audited(installation, actor, [write], "revoke key", f"key {key.prefix}")
    return key


async def find_key(installation: Installation, text: str) -> Key | None:
    """Return the key with this text, expired ones included; None when it is unknown or revoked."""
    key = await keys.find(installation.database, keys.digest_of(text)) if text else None
    return None if key is None or key.revoked_at is not None else key


async def note_use(installation: Installation, key: Key) -> None:
    """Record that a key is used now."""
    async with installation.database.transaction() as transaction:
        await transaction.apply([keys.note_uses({key.id: installation.clock.now()})])


async def find_key_by_text(installation: Installation, actor: Actor, text: str) -> Key | None:
    """Return the key with this text, revoked and expired ones included.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    return await keys.find(installation.database, keys.digest_of(text))


def generate_text() -> str:
    """Return the text of a new secret key, to be registered with `register_key`."""
    return keys.make()


async def register_key(installation: Installation, actor: Actor, *, name: str, text: str) -> Key:
    """Register an ingest key whose text exists already, such as in a setting.

    Raises:
        Forbidden: the actor may not administer.
    """
    actor.require(Permission.ADMINISTER)
    key, _ = await keys.create(
        installation.database,
        name=name,
        scopes=[keys.INGEST],
        now=installation.clock.now(),
        text=text,
    )
    after = {"id": str(key.id), "name": key.name, "scopes": sorted(key.scopes)}
    await apply_audited(installation, actor, [], "create key", f"key {key.prefix}", after=after)
    return key
