"""`hogsend journeys plan`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import HogsendError
from ..services.actor import COMMAND_LINE
from .instance import load_current_settings, run_with_installation
from .output import format_count, json_option, make_printable, print_json, print_table

if TYPE_CHECKING:
    from ..services.journey_code import FolderPlan, JourneyPlan

# How many different reasons are printed for a journey.
_MAX_REASONS = 10


@click.command()
@click.option(
    "--against",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The folder whose code is tried. By default: HOGSEND_JOURNEYS.",
)
@json_option
def plan(against: Path | None, as_json: bool) -> None:
    """Show what would happen to the people in journeys if this code were used.

    Writes and sends nothing, so it can run beside a server. The exit status is 1 when someone who
    continues now would drift, fail or be parked.
    """
    # Imports templates, which other commands on journeys do not need.
    from ..services.journey_code import plan_folder

    path = against or load_current_settings().journeys
    with _progress_bar() as on_progress:
        result = run_with_installation(
            lambda installation: plan_folder(installation, COMMAND_LINE, path, on_progress)
        )
    if as_json:
        print_json(_to_json(result))
    else:
        _show(result)
    for broken in result.folder.broken:
        click.echo(make_printable(str(broken)), err=True)
    if result.endangered:
        raise HogsendError(
            f"{format_count(result.endangered, 'enrollment')} would not continue with the "
            f"code in {path}.",
            "docs/changing-journeys.md explains what to do.",
        )


@contextmanager
def _progress_bar() -> Generator[Callable[[int, int], None]]:
    """Show a progress bar on a terminal; nothing elsewhere."""
    bar = click.progressbar(
        length=0,
        label="Replaying journals",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    )

    def show(done: int, total: int) -> None:
        bar.length = total
        bar.update(done - bar.pos)

    with bar:
        yield show


def _to_json(result: FolderPlan) -> dict[str, Any]:
    return {
        "folder": result.folder.path,
        "people": result.people,
        "endangered": result.endangered,
        "journeys": [journey.to_json() for journey in result.plans],
        "broken": [str(broken) for broken in result.folder.broken],
    }


def _show(result: FolderPlan) -> None:
    print_table(
        ["journey", "people", "unchanged", "continue", "drift", "fail", "park", "stuck already"],
        [
            (
                journey.journey_id,
                journey.people,
                journey.identical,
                journey.moved,
                journey.drifted,
                journey.failing,
                journey.parked,
                f"{journey.stuck} ({journey.freed} could continue)"
                if journey.freed
                else journey.stuck,
            )
            for journey in result.plans
        ],
        "No one is in a journey.",
    )
    for journey in result.plans:
        for line in _explain(journey):
            click.echo(make_printable(line))


def _explain(journey: JourneyPlan) -> list[str]:
    """Return why people of a journey would drift, fail or be parked, and what they would miss."""
    lines = [f"{number:,}: {reason}" for reason, number in _most_common(journey.reasons)]
    if journey.parked:
        lines.append(
            f"{journey.parked:,} would be parked: the journey is not in this folder, or its file "
            "is broken"
        )
    lines += [
        f"{key} is skipped for {format_count(number, 'person', 'people')} already past it"
        for key, number in _most_common(journey.behind)
    ]
    outcomes = {"drifted": "would drift", "failing": "would fail", "parked": "would be parked"}
    lines += [
        f"{outcome}, for example: {', '.join(map(str, journey.samples[name]))}"
        for name, outcome in outcomes.items()
        if name in journey.samples
    ]
    if not lines:
        return []
    return ["", f"{journey.journey_id}:", *(f"  {line}" for line in lines)]


def _most_common(numbers: Counter[str]) -> list[tuple[str, int]]:
    return numbers.most_common(_MAX_REASONS)
