"""`hogsend migrate`."""

from __future__ import annotations

import asyncio
from pathlib import PurePath

import click

from ..config.secret import prepare_data
from ..errors import StartError
from ..store.migrations import bring_up_to_date, pending
from .instance import current_settings
from .output import json_option, show_json


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; fail when something is to be done.")
@json_option
def migrate(check: bool, as_json: bool) -> None:
    """Bring the database's schema up to date.

    A SQLite file is copied into the data folder's `backups` first.
    """
    settings = current_settings()
    if check:
        missing = _names(asyncio.run(pending(settings.database_url)))
        if as_json:
            show_json({"pending": missing})
        if missing:
            raise StartError(
                f"The schema lacks {len(missing)} migration(s): {', '.join(missing)}.",
                "Run `hogsend migrate`.",
            )
        if not as_json:
            click.echo("The schema is up to date.")
        return
    settings = prepare_data(settings)
    work = bring_up_to_date(settings.database_url, backups=settings.data / "backups")
    applied = _names(asyncio.run(work))
    if as_json:
        show_json({"applied": applied})
    elif applied:
        click.echo(f"Applied {', '.join(applied)}. The schema is up to date.")
    else:
        click.echo("The schema is up to date.")


def _names(migrations: list[str]) -> list[str]:
    return [PurePath(name).stem for name in migrations]
