"""`hogsend suppressions`."""

from __future__ import annotations

from pathlib import Path

import click

from ..services.actor import COMMAND_LINE
from ..services.exports import export_suppressions
from ..services.import_uploads import ImportChoices, ImportFormat
from ..services.installation import Installation
from .import_options import (
    choose_format,
    dry_run_option,
    format_option,
    import_file,
    refused_option,
    show_result,
    write_export,
    write_refused,
)
from .instance import run_with_installation
from .output import json_option, print_json


@click.group()
def suppressions() -> None:
    """Import and export the addresses that must not get mail."""


@suppressions.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@format_option
@dry_run_option
@refused_option
@json_option
def import_(
    file: Path,
    file_format: ImportFormat | None,
    dry_run: bool,
    refused_file: Path | None,
    as_json: bool,
) -> None:
    """Import addresses that must not get mail.

    The columns are email and reason: unsubscribed (the default), bounced or complained.
    """
    job, remarks = import_file("suppressions", file, file_format, ImportChoices(), dry_run=dry_run)
    if refused_file is not None:
        write_refused(job.id, refused_file)
    show_result(job, remarks, as_json=as_json)


@suppressions.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@format_option
@json_option
def export(file: Path, file_format: ImportFormat | None, as_json: bool) -> None:
    """Export the suppressed addresses to a CSV or JSON Lines file."""
    chosen = choose_format(file, file_format)

    async def run(installation: Installation) -> int:
        chunks = await export_suppressions(installation, COMMAND_LINE, chosen)
        return await write_export(chunks, file)

    size = run_with_installation(run)
    if str(file) == "-":
        return
    if as_json:
        print_json({"file": file, "format": chosen, "bytes": size})
    else:
        click.echo(f"Exported the suppressed addresses to {file}. Only you can read this file.")
