"""`hogsend backup`, `hogsend restore` and `hogsend resume-sending`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from ..clock import SystemClock
from ..errors import HogsendError
from ..services import send_hold
from ..services.actor import COMMAND_LINE
from ..services.backups import Backup, create_backup, restore_backup
from .instance import load_current_settings, run_with_installation
from .output import confirm, format_count, json_option, print_json

file_argument = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.command()
@file_argument
@json_option
def backup(file: Path, as_json: bool) -> None:
    """Copy the data into one file while the server runs.

    The file holds personal data and the secret: protect it as you protect the server.
    """
    created = create_backup(load_current_settings(), COMMAND_LINE, file, SystemClock().now())
    if as_json:
        print_json(_to_json(created))
        return
    click.echo(f"Backed up {_contents(created)} to {file} and verified the copy.")
    if created.secret is None:
        click.echo("The file does not contain HOGSEND_SECRET. Keep a copy of that setting as well.")


@click.command()
@file_argument
@json_option
def restore(file: Path, as_json: bool) -> None:
    """Restore a backup while the server is stopped.

    The current database is moved into the data folder's `backups`. The restored one is on hold:
    a server started on it sends no mail until you run `hogsend resume-sending`.
    """
    now = SystemClock().now()
    restored = asyncio.run(restore_backup(load_current_settings(), COMMAND_LINE, file, now))
    if as_json:
        backup = _to_json(restored.backup)
        print_json({**backup, "database": restored.database, "replaced": restored.replaced})
        return
    click.echo(
        f"Restored {_contents(restored.backup)} from the backup of {restored.backup.created_at}."
    )
    if restored.replaced:
        click.echo(f"The previous database is now {restored.replaced}.")
    click.echo("Sending is on hold. When it is safe to send, run `hogsend resume-sending`.")


@click.command("resume-sending")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
def resume_sending(yes: bool, as_json: bool) -> None:
    """Let a restored copy send mail.

    Mails that were queued when the copy was made are sent then. Run this only when the server that
    it was copied from is gone and has not sent them since, and restart the server afterwards.
    """
    hold = run_with_installation(
        lambda installation: send_hold.get_send_hold(installation, COMMAND_LINE)
    )
    if hold.reason is not None:
        question = (
            f"This database is a {hold.reason}. Mails in the queue: {hold.queued:,}. Send them?"
        )
        if not yes and not confirm(question):
            raise HogsendError("Sending stays on hold.")
        run_with_installation(
            lambda installation: send_hold.resume_sending(installation, COMMAND_LINE)
        )
    if as_json:
        # Keys of the first release, in which a hold was called a fence.
        print_json({"wasFenced": hold.reason is not None, "waiting": hold.queued})
    elif hold.reason is None:
        click.echo("Sending is not on hold. Nothing to do.")
    else:
        click.echo("The hold is lifted. Restart the server to send the queued mails.")


def _contents(backup: Backup) -> str:
    return f"{format_count(backup.contacts, 'contact')} and {format_count(backup.events, 'event')}"


def _to_json(backup: Backup) -> dict[str, object]:
    return {
        "file": backup.file,
        "madeAt": backup.created_at,
        "contacts": backup.contacts,
        "events": backup.events,
        "hasSecret": backup.secret is not None,
    }
