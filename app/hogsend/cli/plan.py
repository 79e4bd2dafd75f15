"""`hogsend journeys plan`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from ..domain.journey import BrokenFile
from ..errors import HogsendError
from ..services.installation import Installation
from ..turns.folder_loader import load
from ..turns.plan import JourneyPlan, journeys_with_people
from ..turns.plan import plan as rehearse
from ..turns.turn_inputs import JourneyCode, TurnLimits
from .instance import current_settings, with_installation
from .output import json_option, plain, show_json, show_table


@click.command()
@click.option(
    "--against",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The folder whose code is tried; HOGSEND_JOURNEYS by default.",
)
@json_option
def plan(against: Path | None, as_json: bool) -> None:
    """Say what would become of everyone in a journey if this code were used.

    Nothing is written and nothing sent, so it can run beside a server. Status 1 when anybody would
    drift, fail or be parked who goes on now.
    """
    settings = current_settings()
    folder = against or settings.journeys
    code, broken = _code(folder)
    limits = TurnLimits(timedelta(seconds=settings.turn_time_limit), settings.turn_step_limit)

    async def work(instance: Installation) -> list[JourneyPlan]:
        counts = await journeys_with_people(instance.database)
        bar = click.progressbar(
            length=sum(counts.values()),
            label="Playing journals",
            file=sys.stderr,
            hidden=not sys.stderr.isatty(),
        )
        with bar:
            return await rehearse(
                instance.database,
                instance.clock,
                code,
                sorted(counts),
                limits=limits,
                told=lambda played: bar.update(played - bar.pos),
            )

    plans = [one for one in with_installation(work) if one.people]
    endangered = sum(one.endangered for one in plans)
    if as_json:
        show_json(_as_json(folder, plans, broken))
    else:
        _show(plans)
    for file in broken:
        click.echo(plain(str(file)), err=True)
    if endangered:
        noun = "person" if endangered == 1 else "people"
        raise HogsendError(
            f"{endangered:,} {noun} would not go on with the code in {folder}.",
            "docs/changing-journeys.md says what to do.",
        )


def _code(folder: Path) -> tuple[JourneyCode, Sequence[BrokenFile]]:
    from ..delivery.templates import Templates

    registry = load(folder)
    templates = Templates.load(folder, list(registry.lists))
    lists = {key: templates.get(key).list_id for key in templates.keys()}  # noqa: SIM118
    return JourneyCode(registry, lists), [*registry.broken, *templates.broken]


def _as_json(
    folder: Path, plans: Sequence[JourneyPlan], broken: Sequence[BrokenFile]
) -> dict[str, Any]:
    return {
        "folder": folder,
        "people": sum(one.people for one in plans),
        "endangered": sum(one.endangered for one in plans),
        "journeys": [one.to_json() for one in plans],
        "broken": [str(file) for file in broken],
    }


def _show(plans: Sequence[JourneyPlan]) -> None:
    show_table(
        ["journey", "people", "identical", "moved on", "drift", "fail", "parked", "stuck before"],
        [
            (
                one.journey_id,
                one.people,
                one.identical,
                one.moved,
                one.drifted,
                one.failing,
                one.parked,
                f"{one.stuck} ({one.freed} could go on)" if one.freed else one.stuck,
            )
            for one in plans
        ],
        "Nobody is in a journey.",
    )
    for one in plans:
        for line in _where(one):
            click.echo(plain(line))


def _where(one: JourneyPlan) -> list[str]:
    """Say where people of a journey would drift or fail, and what would lie behind them."""
    lines = [f"{count:,}: {reason}" for reason, count in _few(one.reasons)]
    if one.parked:
        why = "the journey is not in this folder, or its file is broken"
        lines.append(f"{one.parked:,} would be parked: {why}")
    lines += [
        f"{key} lies behind {count:,} and is not done for them" for key, count in _few(one.behind)
    ]
    samples = [
        f"{told}, such as {', '.join(map(str, one.samples[name]))}"
        for name, told in (("drifted", "drift"), ("failing", "fail"), ("parked", "parked"))
        if name in one.samples
    ]
    if not lines:
        return []
    return ["", f"{one.journey_id}:", *(f"  {line}" for line in (*lines, *samples))]


def _few(counts: Counter[str]) -> list[tuple[str, int]]:
    return counts.most_common(10)
