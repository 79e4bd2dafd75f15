"""`hogsend backup`, `hogsend restore` and `hogsend unfence`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from ..clock import SystemClock
from ..config.settings import SECRET_FILE, Settings, prepare_data, with_kept_secret
from ..errors import HogsendError, StartError
from ..store import audit, send_hold
from ..store import backup as copies
from ..store.backup import Backup
from ..store.db import is_sqlite, sqlite_path
from ..store.migrations import pending
from .instance import Instance, current_settings, has_database, on_instance
from .output import json_option, show_json

file_argument = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.command()
@file_argument
@json_option
def backup(file: Path, as_json: bool) -> None:
    """Copy the data into one file while the server runs.

    The file holds personal data and the secret: keep it as safe as the server itself.
    """
    settings = with_kept_secret(current_settings())
    database = _sqlite_file(settings)
    if not has_database(settings):
        raise StartError(f"There is no database {database} yet.", "There is nothing to back up.")
    from_file = settings.origins["HOGSEND_SECRET"] == str(settings.data / SECRET_FILE)
    secret = ",".join(settings.secrets) if from_file else None
    made = copies.back_up(database, file, secret, SystemClock().now())
    if as_json:
        show_json(_json(made))
        return
    click.echo(f"Backed up {made.contacts} contacts and {made.events} events to {file}, checked.")
    if secret is None:
        click.echo("HOGSEND_SECRET is a setting of yours and not in it: keep that as well.")


@click.command()
@file_argument
@json_option
def restore(file: Path, as_json: bool) -> None:
    """Put a backup in place while the server is stopped.

    The database that is replaced is moved into the data folder's `backups`. A server that is
    started on the restored one sends no mail until `hogsend unfence`.
    """
    settings = current_settings()
    database = _sqlite_file(settings)
    found = copies.read_backup(file)
    asyncio.run(pending(f"sqlite://{file.absolute()}"))
    _check_secret(settings, found)
    if found.secret and not (settings.data / SECRET_FILE).exists():
        _write_secret(settings, found.secret)
    settings = prepare_data(settings)
    moved = copies.restore(found, database, settings.data / "backups", SystemClock().now())
    if as_json:
        show_json({**_json(found), "database": database, "replaced": moved})
        return
    click.echo(f"Restored {found.contacts} contacts and {found.events} events of {found.made_at}.")
    if moved:
        click.echo(f"The database that was here before is {moved} now.")
    click.echo("It is fenced, so it sends no mail: see `hogsend unfence --help`.")


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def unfence(yes: bool, as_json: bool) -> None:
    """Let a restored copy send mail.

    Mails that waited when the copy was made leave then. Only say so when the instance that it was
    copied from is gone and has not sent them since. The server has to be started anew.
    """

    async def look(instance: Instance) -> tuple[str | None, int]:
        why, held = await instance.database.read(send_hold.standing(), send_hold.held_back())
        return why, held

    async def lift(instance: Instance) -> None:
        now = instance.clock.now()
        change = audit.record("cli", "unfence", "sending", now, before={"fence": why})
        async with instance.database.transaction() as transaction:
            await transaction.apply([send_hold.lift(), change])

    why, held = on_instance(look)
    if why is not None:
        question = f"This is a {why}; {held} mails wait. May it send?"
        if not yes and not click.confirm(question, err=True):
            raise HogsendError("The fence stays, and no mail is sent.")
        on_instance(lift)
    if as_json:
        show_json({"wasFenced": why is not None, "waiting": held})
    elif why is None:
        click.echo("There is no fence: mail is sent.")
    else:
        click.echo("The fence is lifted. Start the server anew, and mail leaves.")


def _sqlite_file(settings: Settings) -> Path:
    if not is_sqlite(settings.database_url):
        raise HogsendError(
            "The data is in Postgres, which has its own tools for this.",
            "Use `pg_dump` and `pg_restore`, and keep HOGSEND_SECRET or the data folder's secret.",
        )
    return sqlite_path(settings.database_url)


def _check_secret(settings: Settings, found: Backup) -> None:
    """Refuse to mix data with another instance's secret: its links would all be dead."""
    current = with_kept_secret(settings)
    if found.secret and current.secrets and found.secret not in ",".join(current.secrets):
        raise HogsendError(
            "The backup was made with another secret than the one here, so links in mails that "
            "were sent would stop working.",
            f"Move {settings.data / SECRET_FILE} away, or add the old one to HOGSEND_SECRET, then "
            "restore again.",
        )


def _write_secret(settings: Settings, secret: str) -> None:
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = settings.data / SECRET_FILE
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secret + "\n")
    except OSError as error:
        raise StartError(
            f"The secret cannot be written to {settings.data}: {error.strerror}.",
            "Let the server's user own that folder.",
        ) from None


def _json(backup: Backup) -> dict[str, object]:
    return {
        "file": backup.file,
        "madeAt": backup.made_at,
        "contacts": backup.contacts,
        "events": backup.events,
        "hasSecret": backup.secret is not None,
    }
