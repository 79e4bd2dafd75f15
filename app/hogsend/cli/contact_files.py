"""`hogsend contacts import` and `hogsend contacts export`."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from ..services.actor import COMMAND_LINE
from ..services.exports import export_contacts
from ..services.import_uploads import PRESETS, ImportChoices, ImportFormat
from ..services.installation import Installation
from .import_options import (
    choose_format,
    dry_run_option,
    format_option,
    import_file,
    refused_option,
    resume_import,
    show_result,
    write_export,
    write_refused,
)
from .instance import run_with_installation
from .output import json_option, print_json


def _parse_columns(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    columns: dict[str, str] = {}
    for text in values:
        name, separator, target = text.rpartition("=")
        if not separator or not name or not target:
            raise click.BadParameter("write it as COLUMN=TARGET, such as Plan=property:plan.")
        columns[name] = target
    return columns


@click.command("import")
@click.argument(
    "file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    required=False,
)
@format_option
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="COLUMN=TARGET",
    callback=_parse_columns,
    help="What a column is imported as: email, userId, anonymousId, property:NAME, "
    "property:NAME:number (or :boolean, :json), properties, list:ID, subscribed, unsubscribed, "
    "status, firstSeenAt, ignore, … May be given several times.",
)
@click.option(
    "--preset",
    type=click.Choice([*PRESETS, "none"]),
    help="The product whose export this is; found out from the columns unless given.",
)
@click.option(
    "--list", "lists", multiple=True, metavar="ID", help="Subscribe every contact to this list."
)
@click.option(
    "--resubscribe",
    is_flag=True,
    help="Also subscribe contacts who have unsubscribed: only with their consent.",
)
@click.option(
    "--event",
    metavar="NAME",
    default="",
    help="Submit this event for each contact, which starts its journeys.",
)
@click.option("--encoding", default="", help="The encoding; found out unless given.")
@click.option("--separator", default="", help="What separates the cells; found out unless given.")
@dry_run_option
@refused_option
@click.option(
    "--resume", type=click.UUID, metavar="JOB", help="Go on with an import that was interrupted."
)
@json_option
def import_(  # noqa: PLR0917 - the options of the command, which click passes by name
    file: Path | None,
    file_format: ImportFormat | None,
    columns: dict[str, str],
    preset: str | None,
    lists: tuple[str, ...],
    resubscribe: bool,
    event: str,
    encoding: str,
    separator: str,
    dry_run: bool,
    refused_file: Path | None,
    resume: UUID | None,
    as_json: bool,
) -> None:
    """Import contacts from a CSV or JSON Lines file.

    No journey starts, unless --event names an event. `-` reads standard input.
    """
    if (file is None) == (resume is None):
        raise click.UsageError("Give a file, or --resume with the id of an import.")
    if file is None:
        assert resume is not None  # noqa: S101
        job, remarks = resume_import(resume)
    else:
        choices = ImportChoices(
            columns=columns,
            preset=preset or "",
            encoding=encoding,
            separator="\t" if separator in ("tab", "\\t") else separator,
            lists=lists,
            resubscribe=resubscribe,
            event=event,
        )
        job, remarks = import_file("contacts", file, file_format, choices, dry_run=dry_run)
    if refused_file is not None:
        write_refused(job.id, refused_file)
    show_result(job, remarks, as_json=as_json)


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@format_option
@json_option
def export(file: Path, file_format: ImportFormat | None, as_json: bool) -> None:
    """Export all contacts to a JSON Lines or CSV file.

    JSON Lines loses nothing; CSV is for spreadsheets. `-` writes to standard output.
    """
    chosen = choose_format(file, file_format)

    async def run(installation: Installation) -> int:
        chunks = await export_contacts(installation, COMMAND_LINE, chosen)
        return await write_export(chunks, file)

    size = run_with_installation(run)
    if str(file) == "-":
        return
    if as_json:
        print_json({"file": file, "format": chosen, "bytes": size})
    else:
        click.echo(f"Exported the contacts to {file}. Only you can read this file.")
