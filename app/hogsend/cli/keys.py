"""`hogsend keys`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import click

from ..services.actor import COMMAND_LINE
from ..services.installation import Installation
from ..services.keys import SCOPES, Key, create_key, list_keys, revoke_key
from .instance import run_with_installation
from .not_found import suggest_list
from .output import json_option, print_fields, print_json, print_table


@click.group()
def keys() -> None:
    """Create, list and revoke API keys."""


@keys.command()
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(SCOPES),
    help="What the key may do. Repeat it for several scopes.",
)
@click.option(
    "--name", default="command line", show_default=True, help="A name to recognise it by."
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="A web origin that a publishable key may be used from. Repeat it for several origins.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="Expire after this many days.")
@json_option
def create(
    scopes: tuple[str, ...], name: str, origins: tuple[str, ...], days: int | None, as_json: bool
) -> None:
    """Create a key and show it once.

    The scope `ingest-public` alone makes a publishable key, which needs an --origin.
    """
    key, text = run_with_installation(
        lambda installation: create_key(
            installation,
            COMMAND_LINE,
            name=name,
            scopes=scopes,
            origins=origins,
            lifetime=None if days is None else timedelta(days=days),
        )
    )
    if as_json:
        print_json({"key": text, **_to_json(key)})
        return
    print_fields(
        {
            "key": text,
            "id": key.id,
            "name": key.name,
            "scopes": ", ".join(sorted(key.scopes)),
            "expires": key.expires_at or "never",
        }
    )
    click.echo("Copy the key now: it is not shown again.", err=True)


@keys.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List all keys, newest first."""
    rows = run_with_installation(_list_with_status)
    if as_json:
        print_json([{**_to_json(key), "status": status} for key, status in rows])
        return
    print_table(
        ["id", "prefix", "name", "scopes", "status", "created", "last used"],
        [
            (
                key.id,
                key.prefix,
                key.name,
                ", ".join(sorted(key.scopes)),
                status,
                key.created_at,
                key.last_used_at,
            )
            for key, status in rows
        ],
        "No API keys yet. Create one with `hogsend keys create --scope ingest`.",
    )


async def _list_with_status(installation: Installation) -> list[tuple[Key, str]]:
    now = installation.clock.now()
    return [(key, key.status(now)) for key in await list_keys(installation, COMMAND_LINE)]


@keys.command()
@click.argument("key_id", metavar="ID", type=click.UUID)
@json_option
def revoke(key_id: UUID, as_json: bool) -> None:
    """Revoke a key. A running server refuses it at once."""
    with suggest_list("keys", "hogsend keys list"):
        key = run_with_installation(
            lambda installation: revoke_key(installation, COMMAND_LINE, key_id)
        )
    if as_json:
        print_json(_to_json(key))
    else:
        click.echo(f"Revoked the key {key.prefix}… ({key.name}).")


def _to_json(key: Key) -> dict[str, Any]:
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
