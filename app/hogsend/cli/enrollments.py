"""`hogsend enrollments`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, get_args
from uuid import UUID

import click

from ..clock import Clock
from ..domain.enrollment import State
from ..errors import HogsendError, NotFound
from ..ingest import Ingest, OperatorAction
from ..ingest.rules import load_rules
from ..services.actor import COMMAND_LINE
from ..services.enrollments import (
    BulkResult,
    IngestContext,
    replay_missed_triggers,
    run_action,
    run_action_on_all,
)
from ..services.installation import Installation
from ..store import counters
from ..store.change_feed import ChangeFeed
from ..store.db import Database
from ..store.read_models import journeys as screen
from ..store.read_models.counts import Bounded
from ..turns.folder_loader import load
from .instance import current_settings, with_installation
from .output import json_option, plain, show_json, show_table

Command = TypeVar("Command", bound=Callable[..., Any])
BY = "cli"
STATES: tuple[str, ...] = get_args(State)
STUCK = ("drifted", "failed", "parked")
_PAST = {"continue": "Continued", "restart": "Restarted", "exit": "Ended", "retry": "Reopened"}


@click.group()
def enrollments() -> None:
    """Show who is in a journey, and help those who are stuck."""


@enrollments.command("list")
@click.option("--journey", "journey_id", required=True, metavar="ID", help="In which journey.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES),
    help="In which state; drifted, failed and parked by default. May be given several times.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="How many at most.",
)
@json_option
def list_(journey_id: str, states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List the people in a journey, those who entered last first: the stuck ones, if not told."""
    wanted = states or STUCK

    async def work(instance: Installation) -> list[screen.Person]:
        database = instance.database
        query = screen.people_ids(journey_id, wanted, (), None, limit)
        return await screen.people(database, await database.read_one(query))

    rows = [_row(person) for person in with_installation(work)]
    if as_json:
        show_json(rows)
        return
    columns = ("id", "contact", "state", "wait", "wakesAt", "why")
    show_table(
        columns,
        [[row[name] for name in columns] for row in rows],
        "Nobody who is stuck; name others with --state." if not states else "Nobody.",
    )


def _row(person: screen.Person) -> dict[str, Any]:
    one = person.enrollment
    error = (one.error or "").strip().rsplit("\n", 1)[-1]
    return {
        "id": one.id,
        "contact": person.contact.label,
        "contactId": one.contact_id,
        "state": one.state,
        "wait": one.wait.key if one.wait else None,
        "enteredAt": one.entered_at,
        "wakesAt": one.wake_at,
        "endedAt": one.ended_at,
        "attempt": one.attempt,
        "version": one.code_hash,
        "why": error or one.end_reason,
    }


def _whom(command: Command) -> Command:
    """Give a command its arguments: enrollments by id, or everyone in a state of a journey."""
    options = (
        click.argument("ids", nargs=-1, type=click.UUID, metavar="[ENROLLMENT]..."),
        click.option("--journey", "journey_id", metavar="ID", help="Everyone of this journey."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        json_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


@enrollments.command("continue")
@_whom
def continue_(**given: Any) -> None:
    """Let drifted people go on, as if the wait that the code has lost were over."""
    _carry_out(OperatorAction("continue", BY), "drifted", **given)


@enrollments.command()
@_whom
@click.option("--reason", default="", help="Why, for the timeline.")
def restart(reason: str, **given: Any) -> None:
    """Let drifted people begin anew, with the same trigger."""
    _carry_out(OperatorAction("restart", BY, reason), "drifted", **given)


@enrollments.command("exit")
@_whom
@click.option(
    "--state",
    type=click.Choice(("active", "waiting", "drifted", "parked")),
    default="drifted",
    show_default=True,
    help="With --journey: those in this state.",
)
@click.option("--reason", default="", help="Why, for the timeline.")
def exit_(state: str, reason: str, **given: Any) -> None:
    """End enrollments at once, and cancel their mails that have not left."""
    _carry_out(OperatorAction("exit", BY, reason), state, **given)


@enrollments.command()
@_whom
def retry(**given: Any) -> None:
    """Reopen failed enrollments: their turn is played again, with the code as it is now."""
    _carry_out(OperatorAction("retry", BY), "failed", **given)


@enrollments.command()
@click.option("--journey", "journey_id", required=True, metavar="ID", help="Which journey.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def replay(journey_id: str, yes: bool, as_json: bool) -> None:
    """Let triggers that came while a journey was gone or broken start it now."""
    found: Bounded = with_installation(lambda one: one.database.read_one(screen.missed(journey_id)))
    if found and not yes:
        noun = "trigger" if found.count == 1 else "triggers"
        click.confirm(f"Let {found} {noun} start {journey_id} now?", abort=True, err=True)
    outcome = _on_orders(lambda context: replay_missed_triggers(context, COMMAND_LINE, journey_id))
    _say(outcome, "Enrolled", as_json)


def _carry_out(
    order: OperatorAction,
    state: str,
    *,
    ids: Sequence[UUID],
    journey_id: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    if bool(ids) == bool(journey_id):
        raise click.UsageError("Name enrollments by their ids, or a journey with --journey.")
    past = _PAST[order.act]
    if journey_id is None:
        _say(_on_orders(partial(_one_by_one, order, ids)), past, as_json)
        return
    _expect(journey_id)
    if not yes:
        count = _count(journey_id, state)
        people = f"{count:,} {state} {'person' if count == 1 else 'people'}"
        click.confirm(f"{order.act.capitalize()} {people} of {journey_id}?", abort=True, err=True)
    outcome = _on_orders(
        lambda context: run_action_on_all(
            context, COMMAND_LINE, order.act, journey_id, state, note=order.note
        )
    )
    _say(outcome, past, as_json)


async def _one_by_one(
    order: OperatorAction, ids: Sequence[UUID], context: IngestContext
) -> BulkResult:
    outcome = BulkResult()
    for one in ids:
        try:
            await run_action(context, COMMAND_LINE, order.act, one, note=order.note)
        except HogsendError as problem:
            outcome.kept[f"{one}: {problem}"] += 1
        else:
            outcome.done += 1
    return outcome


@dataclass(frozen=True, slots=True)
class _Context:
    """What an action on enrollments needs."""

    database: Database
    clock: Clock
    ingest: Ingest


def _on_orders(work: Callable[[IngestContext], Awaitable[BulkResult]]) -> BulkResult:
    """Do something with the database and the code of the journeys' folder."""
    settings = current_settings()
    registry = load(settings.journeys)

    async def run(instance: Installation) -> BulkResult:
        rules = await load_rules(
            instance.database, registry.journeys, registry.lists, settings.late_event_limit
        )
        ingest = Ingest(instance.database, instance.clock, rules, ChangeFeed())
        return await work(_Context(instance.database, instance.clock, ingest))

    return with_installation(run)


def _expect(journey_id: str) -> None:
    """Refuse a journey that nobody has ever been in: its name is mistyped."""
    everyone = screen.people_ids(journey_id, STATES, (), None, 1)
    if not with_installation(lambda one: one.database.read_one(everyone)):
        raise NotFound(
            f"Nobody has ever been in a journey {journey_id}.",
            "`hogsend journeys list` names them all.",
        )


def _count(journey_id: str, state: str) -> int:
    name = counters.enrollments_in_state(journey_id, state)
    query = counters.values([name])
    return with_installation(lambda one: one.database.read_one(query)).get(name, 0)


def _say(outcome: BulkResult, past: str, as_json: bool) -> None:
    """Say what was done; status 1 when there is somebody to whom it was not."""
    if as_json:
        show_json(outcome.to_json())
    else:
        click.echo(f"{past} {outcome.done:,} {'person' if outcome.done == 1 else 'people'}.")
    if outcome.kept:
        for why, count in outcome.kept.most_common(20):
            click.echo(plain(f"{count:,}: {why}"), err=True)
        raise HogsendError(f"{outcome.kept.total():,} were left as they were.")
