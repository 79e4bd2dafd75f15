"""`hogsend journeys`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from ..domain.journey import Journey, count_files
from ..errors import HogsendError, NotFound
from ..services.actor import COMMAND_LINE
from ..services.installation import has_database
from ..services.journey_context import JourneyContext, load_journeys
from ..services.journeys import (
    JourneySummary,
    count_waiting,
    enroll_contact,
    list_journeys,
    set_enabled,
)
from .check import check
from .contact_options import identity_options, parse_properties, property_option, require_identity
from .graph_text import render_graph
from .instance import load_current_settings, run_with_journeys
from .not_found import suggest_journeys
from .output import format_count, json_option, print_fields, print_json, print_table
from .plan import plan
from .results import results

_COLUMNS = ("active", "waiting", "drifted", "parked", "completed", "exited", "failed")
_STATES: tuple[str, ...] = (*_COLUMNS, "held_out")


@click.group()
def journeys() -> None:
    """Show, check, enable and disable journeys."""


journeys.add_command(check)
journeys.add_command(plan)
journeys.add_command(results)


@dataclass(frozen=True, slots=True)
class JourneyFigures:
    """A journey of the folder, with what the database knows about it.

    Args:
        journey: its definition.
        is_switched_on: whether operators let it enroll people.
        people: how many people are in each state.
    """

    journey: Journey
    is_switched_on: bool
    people: Mapping[str, int]

    @classmethod
    def from_summary(cls, summary: JourneySummary) -> JourneyFigures:
        """Return the figures of a journey that the database knows."""
        people = {state: summary.by_state[state] for state in _STATES}
        return cls(summary.journey, summary.is_switched_on, people)

    @property
    def is_enabled(self) -> bool:
        """Whether it enrolls people: neither its code nor an operator has disabled it."""
        return self.journey.enabled and self.is_switched_on

    def to_json(self) -> dict[str, Any]:
        """Return the journey as JSON."""
        return {
            "id": self.journey.id,
            **self.journey.to_json(),
            "enabled": self.is_enabled,
            "version": self.journey.code_hash,
            "people": dict(self.people),
        }


@journeys.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the journeys, with the number of people in each state."""
    settings = load_current_settings()
    rows = _read_figures()
    if as_json:
        print_json([row.to_json() for row in rows])
        return
    print_table(
        ["id", "trigger", "enabled", *_COLUMNS],
        [
            (
                row.journey.id,
                row.journey.trigger,
                row.is_enabled,
                *(row.people[state] for state in _COLUMNS),
            )
            for row in rows
        ],
        f"No journeys in {settings.journeys}. `hogsend init` writes five examples.",
    )
    broken = load_journeys(settings).broken
    if broken:
        files = format_count(count_files(broken), "file")
        click.echo(f"{files} cannot be used. Run `hogsend journeys check`.", err=True)


@journeys.command()
@click.argument("journey_id", metavar="ID")
@json_option
def show(journey_id: str, as_json: bool) -> None:
    """Show one journey: what starts and ends it, its steps, and how many people wait where."""
    settings = load_current_settings()
    row = next((row for row in _read_figures() if row.journey.id == journey_id), None)
    if row is None:
        raise NotFound(
            f"There is no usable journey {journey_id!r} in {settings.journeys}.",
            "List the journeys with `hogsend journeys list`, and find broken files with "
            "`hogsend journeys check`.",
        )
    graph = load_journeys(settings).graphs.get(journey_id)
    waiting: Mapping[str, int] = {}
    if has_database(settings):
        waiting = run_with_journeys(
            lambda context: count_waiting(context, COMMAND_LINE, journey_id)
        )
    if as_json:
        nodes = graph.to_json(waiting) if graph else None
        print_json({**row.to_json(), "graph": nodes, "waiting": waiting})
        return
    print_fields(_describe(row))
    if graph is not None:
        click.echo()
        for line in render_graph(graph, row.journey.trigger.event, waiting):
            click.echo(line)


@journeys.command()
@click.argument("journey_id", metavar="ID")
def enable(journey_id: str) -> None:
    """Let a journey enroll people again."""
    with suggest_journeys():
        run_with_journeys(
            lambda context: set_enabled(context, COMMAND_LINE, journey_id, enabled=True)
        )
    click.echo(f"{journey_id} is enabled.")


@journeys.command()
@click.argument("journey_id", metavar="ID")
def disable(journey_id: str) -> None:
    """Stop a journey from enrolling people. People who are in it continue."""
    with suggest_journeys():
        run_with_journeys(
            lambda context: set_enabled(context, COMMAND_LINE, journey_id, enabled=False)
        )
    click.echo(f"{journey_id} is disabled. People who are in it continue.")


@journeys.command()
@click.argument("journey_id", metavar="ID")
@identity_options
@property_option
@json_option
def enroll(
    journey_id: str,
    user_id: str | None,
    email: str | None,
    properties: tuple[str, ...],
    as_json: bool,
) -> None:
    """Enroll one person in one journey, by the same rules as an event.

    The properties are those of the event that the journey gets as its trigger.
    """
    require_identity(user_id, email)
    values = parse_properties(properties)
    with suggest_journeys():
        decision = run_with_journeys(
            lambda context: enroll_contact(
                context, COMMAND_LINE, journey_id, user_id=user_id, email=email, properties=values
            )
        )
    if as_json:
        print_json(dict(decision.to_json))
    if decision.enrollment_id is None:
        raise HogsendError(
            f"{journey_id} did not enroll this person: {decision.reason}.",
            "The journey's page in the dashboard explains each reason.",
        )
    if not as_json:
        click.echo(f"Enrolled. The enrollment's id is {decision.enrollment_id}.")


def _read_figures() -> list[JourneyFigures]:
    """Return the journeys of the folder; without a database, no one is in them."""
    settings = load_current_settings()
    if not has_database(settings):
        no_people = dict.fromkeys(_STATES, 0)
        return [
            JourneyFigures(journey, is_switched_on=True, people=no_people)
            for journey in load_journeys(settings).journeys.values()
        ]

    async def read(context: JourneyContext) -> Sequence[JourneySummary]:
        return await list_journeys(context, COMMAND_LINE)

    return [
        JourneyFigures.from_summary(summary)
        for summary in run_with_journeys(read)
        if not summary.is_unavailable
    ]


def _describe(row: JourneyFigures) -> dict[str, object]:
    """Return the fields of a journey as people read them; optional ones only where they are set."""
    journey = row.journey
    people = ", ".join(
        f"{number:,} {state.replace('_', ' ')}" for state, number in row.people.items() if number
    )
    optional: dict[str, object] = {
        "goal": journey.goal,
        "holdout": f"{journey.holdout:g} %" if journey.holdout else None,
        "time zone": journey.time_zone,
        "send window": "{} to {}".format(*journey.send_window) if journey.send_window else None,
    }
    return {
        "id": journey.id,
        "name": journey.name,
        "description": journey.description,
        "trigger": journey.trigger,
        "entry": journey.entry,
        "exits on": ", ".join(map(str, journey.exit_on)) or "nothing",
        **{name: value for name, value in optional.items() if value is not None},
        "list": journey.list_id,
        "file": f"{journey.file}:{journey.line}",
        "version": journey.code_hash,
        "enabled": row.is_enabled,
        "people": people or "none yet",
    }
