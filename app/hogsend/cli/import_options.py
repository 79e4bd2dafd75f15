"""The options of commands that import and export files, and how they show progress and results."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import click

from ..domain.ids import new_id
from ..errors import Conflict, HogsendError, NotFound
from ..services.actor import COMMAND_LINE
from ..services.exports import export_remarks
from ..services.import_leases import LeaseLost
from ..services.import_runs import run_import
from ..services.import_uploads import ImportChoices, ImportFormat, ImportKind, create_import
from ..services.import_uploads import start_import as start
from ..services.imports import ImportJob, ImportRemark, get_import, list_remarks
from ..services.journey_context import JourneyContext
from .instance import run_with_journeys
from .output import format_count, make_printable, print_json

_CHUNK = 1024 * 1024
_SHOWN_REMARKS = 10
# Without a terminal, a long import prints a line every so many seconds.
_SECONDS_BETWEEN_LINES = 10.0

format_option = click.option(
    "--format",
    "file_format",
    type=click.Choice(["csv", "jsonl"]),
    help="The format; found out from the file or its name unless given.",
)
refused_option = click.option(
    "--refused",
    "refused_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the rows that were refused to this CSV file, with the reasons.",
)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Count what would be imported, and import nothing."
)


def import_file(
    kind: ImportKind,
    file: Path,
    file_format: ImportFormat | None,
    choices: ImportChoices,
    *,
    dry_run: bool,
) -> tuple[ImportJob, list[ImportRemark]]:
    """Import a file, or standard input for `-`, and show the progress.

    Returns:
        The import, and its first remarks.
    """

    async def run(context: JourneyContext) -> tuple[ImportJob, list[ImportRemark]]:
        with _open(file) as source:
            job = await create_import(
                context,
                COMMAND_LINE,
                kind,
                "standard input" if source is sys.stdin.buffer else file.name,
                _read_chunks(source),
                format=file_format,
                import_choices=choices,
            )
        job = await start(context, COMMAND_LINE, job.id, dry_run=dry_run, background=False)
        return await _run(context, job.id)

    return run_with_journeys(run)


def resume_import(import_id: UUID) -> tuple[ImportJob, list[ImportRemark]]:
    """Go on with an import that was interrupted, at the row where it stopped."""

    async def run(context: JourneyContext) -> tuple[ImportJob, list[ImportRemark]]:
        job = await get_import(context, COMMAND_LINE, import_id)
        if job.has_ended or job.status == "draft":
            raise Conflict(f"This import is {job.status}.", "Import the file again.")
        return await _run(context, import_id)

    return run_with_journeys(run)


async def _run(context: JourneyContext, import_id: UUID) -> tuple[ImportJob, list[ImportRemark]]:
    try:
        with _show_progress() as on_progress:
            holder = new_id(context.clock.now())
            job = await run_import(context, import_id, holder, on_progress)
    except LeaseLost:
        raise Conflict(
            "Another process runs this import.", "Wait a quarter of a minute, or cancel it."
        ) from None
    except (asyncio.CancelledError, HogsendError):
        click.echo(
            f"The import stopped. Go on with `--resume {import_id}`.",
            err=True,
        )
        raise
    return job, await list_remarks(context, COMMAND_LINE, import_id, _SHOWN_REMARKS)


def write_refused(import_id: UUID, path: Path) -> None:
    """Write the refused rows of an import to a CSV file."""

    async def run(context: JourneyContext) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            async for chunk in await export_remarks(context, COMMAND_LINE, import_id):
                file.write(chunk)

    run_with_journeys(run)


def show_result(job: ImportJob, remarks: list[ImportRemark], *, as_json: bool) -> None:
    """Print what an import did.

    Raises:
        HogsendError: the import failed.
    """
    if as_json:
        print_json(_to_json(job, remarks))
    else:
        for line in _describe(job, remarks):
            click.echo(line)
    if job.status == "failed":
        raise HogsendError(f"The import failed: {job.problem}")


def _describe(job: ImportJob, remarks: list[ImportRemark]) -> list[str]:
    noun, plural = ("contact", "contacts") if job.kind == "contacts" else ("address", "addresses")
    verb = "Would import" if job.is_dry_run else "Imported"
    rows = format_count(job.rows, "row")
    done = format_count(job.created + job.updated + job.unchanged, noun, plural)
    lines = [
        f"{verb} {done} of {rows}: {job.created:,} new, {job.updated:,} changed, "
        f"{job.unchanged:,} unchanged, {job.refused:,} refused."
    ]
    for remark in remarks:
        prefix = "Refused" if remark.is_refused else "Note"
        reason = make_printable(remark.reason)
        lines.append(f"{prefix}: row {remark.row:,} (line {remark.line:,}): {reason}.")
    left = job.refused + job.noted - len(remarks)
    if left > 0:
        lines.append(f"… and {left:,} more. Write all to a file with `--refused FILE`.")
    if job.status == "cancelled":
        lines.append("The import was cancelled; what it has imported stays.")
    return lines


def _to_json(job: ImportJob, remarks: list[ImportRemark]) -> Mapping[str, object]:
    return {
        "jobId": job.id,
        "status": job.status,
        "dryRun": job.is_dry_run,
        "rows": job.rows,
        "created": job.created,
        "updated": job.updated,
        "unchanged": job.unchanged,
        "refused": job.refused,
        "noted": job.noted,
        "problem": job.problem,
        "columns": dict(job.options.get("columns", [])),
        "preset": job.options.get("preset") or None,
        "remarks": [
            {
                "row": remark.row,
                "line": remark.line,
                "reason": remark.reason,
                "refused": remark.is_refused,
            }
            for remark in remarks
        ],
    }


@contextmanager
def _open(file: Path) -> Generator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        source = file.open("rb")
    except FileNotFoundError:
        raise NotFound(f"There is no file {file}.", "Check its path.") from None
    except OSError as error:
        raise HogsendError(f"The file {file} cannot be read: {error.strerror}.") from None
    with source:
        yield source


async def _read_chunks(source: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(source.read, _CHUNK):
        yield chunk


@contextmanager
def _show_progress() -> Generator[Callable[[ImportJob], None]]:
    """Show the progress: a bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _ProgressLines().show
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Importing", total=1.0)

        def show(job: ImportJob) -> None:
            verb = "Checking" if job.is_dry_run else "Importing"
            refused = f", {job.refused:,} refused" if job.refused else ""
            bar.update(
                task, description=f"{verb}: {job.rows:,} rows{refused}", completed=job.share_done
            )

        yield show


class _ProgressLines:
    """Progress as lines of a log."""

    def __init__(self) -> None:
        self._printed_at = time.monotonic()

    def show(self, job: ImportJob) -> None:
        """Print a line when the last one is long ago."""
        now = time.monotonic()
        if now - self._printed_at >= _SECONDS_BETWEEN_LINES:
            self._printed_at = now
            click.echo(f"{job.share_done:.0%}: {job.rows:,} rows", err=True)


async def write_export(chunks: AsyncIterable[bytes], file: Path) -> int:
    """Write an export to a file for its owner alone, or to standard output for `-`.

    Returns:
        How many bytes there are.

    Raises:
        HogsendError: the file cannot be written.
    """
    if str(file) == "-":
        return await _copy(chunks, sys.stdout.buffer)
    part = file.with_name(f".{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            size = await _copy(chunks, target)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise HogsendError(f"{file} cannot be written: {error.strerror}.") from None
    return size


async def _copy(chunks: AsyncIterable[bytes], target: BinaryIO) -> int:
    size = lines = 0
    with _show_lines() as show:
        async for chunk in chunks:
            target.write(chunk)
            size, lines = size + len(chunk), lines + chunk.count(b"\n")
            show(lines)
    target.flush()
    return size


@contextmanager
def _show_lines() -> Generator[Callable[[int], None]]:
    """Show how many lines are written, on a terminal."""
    if not sys.stderr.isatty():
        yield lambda lines: None
        return
    from rich.console import Console
    from rich.status import Status

    with Status("Exporting", console=Console(stderr=True)) as status:
        yield lambda lines: status.update(f"Exporting: {lines:,} lines")


def choose_format(file: Path, given: ImportFormat | None) -> ImportFormat:
    """Return the format of an export: as it was given, or as the name of the file says."""
    return given or ("csv" if file.suffix.lower() == ".csv" else "jsonl")
