"""`hogsend migrate-data`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..clock import SystemClock
from ..config.parsing import masked
from ..config.secret import SECRET_FILE, with_stored_secret
from ..config.settings import Settings
from ..errors import HogsendError, StartError
from ..services.installation import has_database
from ..store.db import is_sqlite, sqlite_path
from .instance import current_settings
from .output import json_option, show_json, show_table

if TYPE_CHECKING:
    from ..store.data_migration.copying import CopiedTable, Progress

_DOING = {"check": "Checking", "copy": "Copying", "compare": "Comparing"}
_DONE = {"check": "Checked", "copy": "Copied", "compare": "Compared"}
# Where there is no terminal, a table that takes long has a line every so many seconds.
_LINE_EVERY = 10.0


@click.command("migrate-data")
@click.option(
    "--to",
    "url",
    metavar="URL",
    required=True,
    help="The empty Postgres, as postgres://user:password@host:port/name.",
)
@json_option
def migrate_data(url: str, as_json: bool) -> None:
    """Copy a stopped server's data into an empty Postgres.

    Every row is copied and every value compared. The SQLite file stays as it is. When the copy is
    cut off, run it again: it goes on where it was.
    """
    if not url.startswith(("postgres://", "postgresql://")):
        raise click.BadParameter(
            "write it as postgres://user:password@host:port/name.", param_hint="'--to'"
        )
    settings = with_stored_secret(current_settings())
    file = _source(settings)
    begun = time.monotonic()
    with _no_worker(settings.data), _progress() as told:
        from ..store.data_migration.copying import copy

        copied = asyncio.run(copy(file, url, SystemClock().now(), told))
    seconds = time.monotonic() - begun
    if as_json:
        show_json(_json(file, url, copied, seconds))
        return
    show_table(
        ["table", "rows", "seconds"],
        [(one.table.name, f"{one.rows:,}", f"{one.seconds:.1f}") for one in copied if one.rows],
        "No table has a row.",
    )
    click.echo()
    rows = sum(one.rows for one in copied)
    click.echo(f"Copied {rows:,} rows in {seconds:.1f} s; every value is there as it is here.")
    for line in _next(settings, file, url):
        click.echo(line)


def _source(settings: Settings) -> Path:
    if not is_sqlite(settings.database_url):
        raise HogsendError(
            "HOGSEND_DATABASE_URL names a Postgres, so there is no SQLite file to copy.",
            "Take it out of the settings for the copy, and put it back afterwards.",
        )
    file = sqlite_path(settings.database_url)
    if not has_database(settings):
        raise StartError(f"There is no database {file}.", "Run this from the project's folder.")
    return file


@contextmanager
def _no_worker(folder: Path) -> Generator[None]:
    """Keep workers off the data folder."""
    from ..process.worker import WorkerLock

    try:
        lock = WorkerLock(folder)
    except StartError:
        raise StartError(f"A server is at work on {folder}.", "Stop it, then copy.") from None
    except OSError as error:
        raise StartError(
            f"The data folder {folder} cannot be used: {error.strerror}.",
            "Run the command as the user that the server runs as.",
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _progress() -> Generator[Callable[[Progress], None]]:
    """Show how far it is: a bar on a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield _ProgressLines().tell
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description:<28}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Opening", total=None)

        def tell(now: Progress) -> None:
            what = f"{_DOING[now.work]} {now.table}"
            bar.update(task, description=what, completed=now.done, total=now.total)

        yield tell


class _ProgressLines:
    """Progress for a log."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()

    def tell(self, now: Progress) -> None:
        """Tell of a table that is done, and of one that takes long."""
        at = time.monotonic()
        if now.of and now.rows == now.of:
            click.echo(f"{_DONE[now.work]} {now.table}: {now.rows:,} rows", err=True)
        elif now.rows and at - self._told_at >= _LINE_EVERY:
            click.echo(f"{_DOING[now.work]} {now.table}: {now.rows:,} of {now.of:,} rows", err=True)
        else:
            return
        self._told_at = at


def _next(settings: Settings, file: Path, url: str) -> list[str]:
    """Say what is to be done now."""
    if settings.origins["HOGSEND_SECRET"] == str(settings.data / SECRET_FILE):
        secret = f"Keep {settings.data}: it has the secret that links in sent mails are signed with"
    else:
        secret = "Keep HOGSEND_SECRET as it is: links in sent mails are signed with it"  # noqa: S105
    return [
        "",
        f"Next: set HOGSEND_DATABASE_URL to {masked(url)} and start the server.",
        f"{secret}.",
        f"Start no server on {file} any more: both would send the same mails.",
    ]


def _json(file: Path, url: str, copied: Sequence[CopiedTable], seconds: float) -> dict[str, object]:
    return {
        "from": file,
        "to": masked(url),
        "rows": sum(one.rows for one in copied),
        "seconds": round(seconds, 3),
        "tables": [
            {
                "table": one.table.name,
                "rows": one.rows,
                "added": one.added,
                "seconds": round(one.seconds, 3),
                "checksum": one.checksum,
            }
            for one in copied
        ],
    }
