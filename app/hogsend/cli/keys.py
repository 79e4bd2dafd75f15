"""`hogsend keys`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import click

from ..store import keys as key_store
from ..store.keys import Key
from .instance import Instance, note, on_instance
from .output import json_option, show_facts, show_json, show_table


@click.group()
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command()
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(key_store.SCOPES),
    help="What the key may do; may be given several times.",
)
@click.option("--name", default="command line", show_default=True, help="What people call it.")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="A web origin that a publishable key may be used from; may be given several times.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="Expire after so many days.")
@json_option
def create(
    scopes: tuple[str, ...], name: str, origins: tuple[str, ...], days: int | None, as_json: bool
) -> None:
    """Make a key and show it, this once.

    The scope `ingest-public` alone makes a publishable key, which needs an --origin.
    """

    async def work(instance: Instance) -> tuple[Key, str]:
        now = instance.clock.now()
        key, text = await key_store.create(
            instance.database,
            name=name,
            scopes=scopes,
            origins=origins,
            now=now,
            expires_at=None if days is None else now + timedelta(days=days),
        )
        await note(instance, "create key", key.name, {"id": str(key.id), "scopes": list(scopes)})
        return key, text

    key, text = on_instance(work)
    if as_json:
        show_json({"key": text, **_json(key)})
    else:
        facts = {"id": key.id, "name": key.name, "scopes": ", ".join(sorted(key.scopes))}
        show_facts({"key": text, **facts, "expires": key.expires_at or "never"})
        click.echo("It is not shown again: keep it now.", err=True)


@keys.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the keys, newest first."""

    async def work(instance: Instance) -> tuple[list[Key], list[str]]:
        listed = await key_store.list_keys(instance.database)
        now = instance.clock.now()
        return listed, [key.status(now) for key in listed]

    listed, statuses = on_instance(work)
    if as_json:
        pairs = zip(listed, statuses, strict=True)
        show_json([{**_json(key), "status": status} for key, status in pairs])
        return
    show_table(
        ["id", "begins", "name", "scopes", "status", "made", "last used"],
        [
            (
                k.id,
                k.prefix,
                k.name,
                ", ".join(sorted(k.scopes)),
                status,
                k.created_at,
                k.last_used_at,
            )
            for k, status in zip(listed, statuses, strict=True)
        ],
        "There are no keys. `hogsend keys create --scope ingest` makes one.",
    )


@keys.command()
@click.argument("key_id", metavar="ID", type=click.UUID)
@json_option
def revoke(key_id: UUID, as_json: bool) -> None:
    """Revoke a key; the running server refuses it at once."""

    async def work(instance: Instance) -> Key:
        key = await key_store.revoke(instance.database, key_id, instance.clock.now())
        await note(instance, "revoke key", key.name, {"id": str(key.id)})
        return key

    key = on_instance(work)
    if as_json:
        show_json(_json(key))
    else:
        click.echo(f"The key {key.prefix}… ({key.name}) is revoked.")


def _json(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": sorted(key.scopes),
        "origins": list(key.origins),
        "createdAt": key.created_at,
        "expiresAt": key.expires_at,
        "lastUsedAt": key.last_used_at,
        "revokedAt": key.revoked_at,
    }
