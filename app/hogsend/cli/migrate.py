"""`hogsend migrate`."""

from __future__ import annotations

import asyncio

import click

from ..config.secret import prepare_data
from ..errors import StartError
from ..services import schema
from ..services.actor import COMMAND_LINE
from .instance import load_current_settings
from .output import format_count, json_option, print_json


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; fail when migrations are pending.")
@json_option
def migrate(check: bool, as_json: bool) -> None:
    """Bring the database's schema up to date.

    A SQLite file is copied into the data folder's `backups` first.
    """
    if check:
        _check(as_json=as_json)
        return
    settings = prepare_data(load_current_settings())
    applied = asyncio.run(schema.migrate(settings, COMMAND_LINE))
    if as_json:
        print_json({"applied": applied})
    elif applied:
        click.echo(f"Applied {', '.join(applied)}. The schema is up to date.")
    else:
        click.echo("The schema is up to date.")


def _check(*, as_json: bool) -> None:
    missing = asyncio.run(schema.list_pending_migrations(load_current_settings()))
    if as_json:
        print_json({"pending": missing})
    if missing:
        raise StartError(
            f"The schema lacks {format_count(len(missing), 'migration')}: {', '.join(missing)}.",
            "Run `hogsend migrate`.",
        )
    if not as_json:
        click.echo("The schema is up to date.")
