"""`hogsend journeys results`."""

from __future__ import annotations

import click

from ..domain.results import (
    MIN_ENTERED,
    MIN_REACHED,
    VERDICTS,
    Comparison,
    GroupResult,
    Interval,
    JourneyResults,
)
from ..services.actor import COMMAND_LINE
from ..services.results import get_results
from .instance import run_with_journeys
from .not_found import suggest_journeys
from .output import json_option, make_printable, print_fields, print_json, print_table


@click.command()
@click.argument("journey_id", metavar="ID")
@json_option
def results(journey_id: str, as_json: bool) -> None:
    """Show what a journey brings: goal, holdout and arms, with 95 % intervals."""
    with suggest_journeys():
        shown = run_with_journeys(lambda context: get_results(context, COMMAND_LINE, journey_id))
    if as_json:
        print_json(shown.to_json())
        return
    if shown.goal is None:
        click.echo(
            f"{journey_id} has no goal, so nothing can be compared. "
            'Name one with `goal="order.paid"` in @journey(…).'
        )
        return
    _print_results(shown)


def _print_results(shown: JourneyResults) -> None:
    entered = shown.entered
    rate = f", {_format_share(entered.rate, shown.interval)}" if entered.entered else ""
    print_fields(
        {
            "goal": shown.goal,
            "entered": f"{entered.entered:,}",
            "reached": f"{entered.reached:,}{rate}",
        }
    )
    for comparison in shown.comparisons:
        click.echo()
        _print_comparison(comparison)
    click.echo()
    click.echo(
        f"Differences are in percentage points, shown from {MIN_ENTERED} people in each group and "
        f"{MIN_REACHED} goals on."
    )


def _print_comparison(comparison: Comparison) -> None:
    name = "holdout" if comparison.key is None else f"variant {make_printable(comparison.key)}"
    click.echo(name)
    print_table(
        ["group" if comparison.key is None else "arm", "entered", "reached", "rate", "difference"],
        [
            (
                group.name.replace("_", " ") if comparison.key is None else group.name,
                f"{group.count.entered:,}",
                f"{group.count.reached:,}",
                _format_share(group.count.rate, group.interval),
                _describe_difference(group),
            )
            for group in comparison.groups
        ],
        "No one has entered yet.",
    )


def _format_share(rate: float | None, interval: Interval | None) -> str:
    if rate is None or interval is None:
        return ""
    return f"{rate * 100:.1f} % ({interval.low * 100:.1f} to {interval.high * 100:.1f})"


def _describe_difference(group: GroupResult) -> str:
    if group.is_control:
        return "control"
    difference = group.difference
    if difference is not None:
        low, high = difference.interval.low * 100, difference.interval.high * 100
        verdict = VERDICTS[difference.verdict]
        return f"{difference.value * 100:+.1f} ({low:+.1f} to {high:+.1f}): {verdict}"
    if group.verdict is not None:
        return VERDICTS[group.verdict]
    return "not compared" if group.is_current else "not compared: no longer in the code"
