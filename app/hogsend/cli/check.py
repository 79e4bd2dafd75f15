"""`hogsend journeys check`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ..errors import HogsendError
from ..services.actor import COMMAND_LINE
from .instance import load_current_settings
from .output import format_count, json_option, make_printable, print_json

if TYPE_CHECKING:
    from ..services.journey_code import FolderCheck


@click.command()
@click.option("--strict", is_flag=True, help="Fail on warnings as well.")
@json_option
def check(strict: bool, as_json: bool) -> None:
    """Check every journey, list and mail template, without running anything.

    Errors will break a journey sooner or later: a file that does not load, the clock, randomness
    or the network outside of ctx.step, a mail or a list that does not exist. Warnings may be
    intended.
    """
    # Imports templates, which other commands on journeys do not need.
    from ..services.journey_code import check_folder

    result = check_folder(load_current_settings().journeys, COMMAND_LINE)
    if as_json:
        print_json([asdict(finding) for finding in result.findings])
    else:
        for finding in result.findings:
            click.echo(make_printable(str(finding)))
    problems = [finding for finding in result.findings if strict or finding.severity == "error"]
    if problems:
        files = len({finding.file for finding in problems})
        raise HogsendError(
            f"{format_count(len(problems), 'problem')} in {format_count(files, 'file')}.",
            "Fix them and run the check again.",
        )
    if not as_json:
        click.echo(_summarize(result))


def _summarize(result: FolderCheck) -> str:
    journeys = format_count(len(result.folder.registry.journeys), "journey")
    templates = format_count(len(result.folder.templates.by_key), "mail template")
    warnings = len(result.findings)
    outcome = f"no errors, {format_count(warnings, 'warning')}" if warnings else "no problems found"
    return f"Checked {journeys} and {templates}: {outcome}."
