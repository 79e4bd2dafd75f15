"""`hogsend migrate-data`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from ..clock import SystemClock
from ..config.parsing import mask_credentials
from ..config.secret import SECRET_FILE, load_stored_secret
from ..config.settings import Settings
from ..errors import StartError
from ..services.actor import COMMAND_LINE
from ..services.data_migration import Progress, TableCopy, copy_to_postgres, find_source_file
from .instance import load_current_settings
from .output import json_option, print_json, print_table

_PRESENT = {"check": "Checking", "copy": "Copying", "compare": "Comparing"}
_PAST = {"check": "Checked", "copy": "Copied", "compare": "Compared"}
# Without a terminal, a table that takes long gets a line every so many seconds.
_SECONDS_BETWEEN_LINES = 10.0


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

    Copies every row and compares every value. The SQLite file does not change. If the copy is
    interrupted, run it again: it continues where it was.
    """
    if not url.startswith(("postgres://", "postgresql://")):
        raise click.BadParameter(
            "write it as postgres://user:password@host:port/name.", param_hint="'--to'"
        )
    settings = load_stored_secret(load_current_settings())
    file = find_source_file(settings)
    started_at = time.monotonic()
    with _exclude_workers(settings.data), _show_progress() as on_progress:
        now = SystemClock().now()
        tables = asyncio.run(copy_to_postgres(settings, COMMAND_LINE, url, now, on_progress))
    seconds = time.monotonic() - started_at
    if as_json:
        print_json(_to_json(file, url, tables, seconds))
        return
    print_table(
        ["table", "rows", "seconds"],
        [
            (copied.table.name, f"{copied.rows:,}", f"{copied.seconds:.1f}")
            for copied in tables
            if copied.rows
        ],
        "All tables are empty.",
    )
    rows = sum(copied.rows for copied in tables)
    click.echo()
    click.echo(f"Copied {rows:,} rows in {seconds:.1f} s. Every value in the copy is the same.")
    for line in _describe_next_steps(settings, file, url):
        click.echo(line)


@contextmanager
def _exclude_workers(folder: Path) -> Generator[None]:
    """Keep workers off the data folder."""
    from ..process.worker_lock import WorkerLock

    try:
        lock = WorkerLock(folder)
    except StartError:
        raise StartError(
            f"A server is running on {folder}.", "Stop it, then run the command again."
        ) from None
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
def _show_progress() -> Generator[Callable[[Progress], None]]:
    """Show the progress: a bar on a terminal, lines elsewhere."""
    if not sys.stderr.isatty():
        yield _ProgressLines().show
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

        def show(current: Progress) -> None:
            description = f"{_PRESENT[current.phase]} {current.table}"
            bar.update(
                task, description=description, completed=current.all_done, total=current.all_total
            )

        yield show


class _ProgressLines:
    """Progress as lines of a log."""

    def __init__(self) -> None:
        self._printed_at = time.monotonic()

    def show(self, current: Progress) -> None:
        """Print a line for a table that is done, or that takes long."""
        now = time.monotonic()
        table, rows, total = current.table, current.table_done, current.table_total
        if total and rows == total:
            line = f"{_PAST[current.phase]} {table}: {rows:,} rows"
        elif rows and now - self._printed_at >= _SECONDS_BETWEEN_LINES:
            line = f"{_PRESENT[current.phase]} {table}: {rows:,} of {total:,} rows"
        else:
            return
        click.echo(line, err=True)
        self._printed_at = now


def _describe_next_steps(settings: Settings, file: Path, url: str) -> list[str]:
    if settings.origins["HOGSEND_SECRET"] == str(settings.data / SECRET_FILE):
        secret = f"Keep {settings.data}: it contains the secret that signs the links in sent mails"
    else:
        secret = "Keep HOGSEND_SECRET as it is: it signs the links in sent mails"  # noqa: S105
    return [
        "",
        f"Next: set HOGSEND_DATABASE_URL to {mask_credentials(url)} and start the server.",
        f"{secret}.",
        f"Do not start a server on {file} again: both would send the same mails.",
    ]


def _to_json(
    file: Path, url: str, tables: Sequence[TableCopy], seconds: float
) -> dict[str, object]:
    return {
        "from": file,
        "to": mask_credentials(url),
        "rows": sum(copied.rows for copied in tables),
        "seconds": round(seconds, 3),
        "tables": [
            {
                "table": copied.table.name,
                "rows": copied.rows,
                "added": copied.added,
                "seconds": round(copied.seconds, 3),
                "checksum": copied.checksum,
            }
            for copied in tables
        ],
    }
