"""`hogsend enrollments`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, get_args
from uuid import UUID

import click

from ..domain.enrollment import State
from ..domain.failure_filter import ALL_FAILURES, RETRYING, FailureFilter
from ..errors import HogsendError
from ..services import bulk_actions
from ..services import enrollments as service
from ..services.actor import COMMAND_LINE
from ..services.bulk_actions import BulkResult
from ..services.enrollment_actions import ActionName, run_action
from ..services.enrollments import EnrollmentWithContact
from ..services.journeys import count_missed_triggers, get_journey
from .failure_options import failure_options
from .instance import run_with_installation, run_with_journeys
from .not_found import suggest_journeys
from .output import confirm, format_count, json_option, make_printable, print_json, print_table

if TYPE_CHECKING:
    from ..services.journey_context import JourneyContext

STATES: tuple[str, ...] = get_args(State)
STUCK_STATES = ("drifted", "failed", "parked")
_PAST_TENSES: dict[ActionName, str] = {
    "continue": "Continued",
    "restart": "Restarted",
    "exit": "Exited",
    "retry": "Retried",
}
# How many different reasons are printed.
_MAX_REASONS = 20


@click.group()
def enrollments() -> None:
    """Show enrollments, and act on those that are stuck."""


@enrollments.command("list")
@click.option("--journey", "journey_id", required=True, metavar="ID", help="The journey.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice((*STATES, RETRYING)),
    help="Only this state. Repeat it for several states. By default: drifted, failed and parked.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="How many to show at most.",
)
@failure_options
@json_option
def list_(
    journey_id: str,
    states: tuple[str, ...],
    limit: int,
    failures: FailureFilter,
    as_json: bool,
) -> None:
    """List the enrollments of a journey, latest first. By default, only those that are stuck."""
    people = run_with_installation(
        lambda installation: service.list_enrollments(
            installation,
            COMMAND_LINE,
            journey_id,
            states=states or STUCK_STATES,
            failures=failures,
            limit=limit,
        )
    )
    if not people:
        _check_journey(journey_id)
    rows = [_to_json(person) for person in people]
    if as_json:
        print_json(rows)
        return
    empty = f"No one in {journey_id} is stuck. Use --state to list other enrollments."
    if states or failures:
        states = states or STUCK_STATES
        empty = f"No one in {journey_id} {' or '.join(map(_describe_state, states))}"
        empty += " like that." if failures else "."
    fields = ("id", "contact", "state", "wait", "wakesAt", "why")
    print_table(
        ["id", "contact", "state", "wait", "wakes at", "reason"],
        [[row[field] for field in fields] for row in rows],
        empty,
    )


def _check_journey(journey_id: str) -> None:
    """Check that a journey exists, or that people have been in it.

    Raises:
        NotFound: neither is the case; the id is probably mistyped.
    """

    async def check(context: JourneyContext) -> None:
        latest = await service.list_enrollments(
            context, COMMAND_LINE, journey_id, states=STATES, limit=1
        )
        if not latest:
            await get_journey(context, COMMAND_LINE, journey_id)

    with suggest_journeys():
        run_with_journeys(check)


def _describe_state(state: str) -> str:
    """Return a state as the end of a sentence about a person: `has failed`, `is waiting`."""
    verb = "has" if state in ("drifted", "failed", "completed", "exited") else "is"
    return f"{verb} {state.replace('_', ' ')}"


def _to_json(person: EnrollmentWithContact) -> dict[str, Any]:
    enrollment = person.enrollment
    last_line_of_error = (enrollment.error or "").strip().rsplit("\n", 1)[-1]
    wait = enrollment.wait if enrollment.state != "exited" else None
    following = wait.following if wait else None
    return {
        "id": enrollment.id,
        "contact": person.contact.label,
        "contactId": enrollment.contact_id,
        "state": enrollment.state,
        "wait": wait.key if wait else None,
        "follows": str(following.instant) if following else None,
        "enteredAt": enrollment.entered_at,
        "wakesAt": enrollment.wake_at,
        "endedAt": enrollment.ended_at,
        "attempt": enrollment.attempt,
        "version": enrollment.code_hash,
        "why": last_line_of_error
        or enrollment.end_reason
        or (following.problem if following else None),
    }


@dataclass(frozen=True, slots=True)
class Selection:
    """The enrollments that a command is to act on, and how it answers.

    Args:
        ids: the enrollments; empty when `journey_id` is given.
        journey_id: the journey whose enrollments in some state are meant.
        is_confirmed: whether to act on a whole journey without asking.
        as_json: whether to print JSON.
    """

    ids: Sequence[UUID]
    journey_id: str | None
    is_confirmed: bool
    as_json: bool


yes_option = click.option(
    "--yes", "is_confirmed", is_flag=True, help="Do not ask for confirmation."
)
reason_option = click.option("--reason", default="", help="A note for the timeline.")


def selects_enrollments(command: Callable[..., None]) -> Callable[..., None]:
    """Add the arguments that select enrollments to a command, whose first parameter they become."""

    @click.argument("ids", nargs=-1, type=click.UUID, metavar="[ENROLLMENT]...")
    @click.option(
        "--journey",
        "journey_id",
        metavar="ID",
        help="Act on all enrollments of this journey whose state allows it.",
    )
    @yes_option
    @json_option
    @wraps(command)
    def with_selection(
        ids: tuple[UUID, ...],
        journey_id: str | None,
        is_confirmed: bool,
        as_json: bool,
        **options: Any,
    ) -> None:
        if bool(ids) == bool(journey_id):
            raise click.UsageError("Give either the ids of enrollments or --journey.")
        command(Selection(ids, journey_id, is_confirmed, as_json), **options)

    return with_selection


@enrollments.command("continue")
@selects_enrollments
def continue_(selection: Selection) -> None:
    """Continue drifted enrollments, as if the wait that the code no longer has were over."""
    _run("continue", selection, "drifted")


@enrollments.command()
@selects_enrollments
@reason_option
def restart(selection: Selection, reason: str) -> None:
    """Restart drifted enrollments from the beginning, with the same trigger."""
    _run("restart", selection, "drifted", reason)


@enrollments.command("exit")
@selects_enrollments
@click.option(
    "--state",
    type=click.Choice(("active", "waiting", "drifted", "parked")),
    default="drifted",
    show_default=True,
    help="With --journey: act on enrollments in this state.",
)
@reason_option
def exit_(selection: Selection, state: str, reason: str) -> None:
    """End enrollments now, and cancel their mails that have not been sent."""
    _run("exit", selection, state, reason)


@enrollments.command()
@selects_enrollments
@click.option(
    "--state",
    type=click.Choice(("failed", RETRYING)),
    default="failed",
    show_default=True,
    help="With --journey: those that have failed for good, or those that wait for the next try.",
)
@failure_options
def retry(selection: Selection, state: str, failures: FailureFilter) -> None:
    """Retry enrollments: run the turn that failed again now, with the current code."""
    if failures and selection.journey_id is None:
        raise click.UsageError("--error and --since need --journey.")
    _run("retry", selection, state, failures=failures)


@enrollments.command()
@click.option("--journey", "journey_id", required=True, metavar="ID", help="The journey.")
@yes_option
@json_option
def replay(journey_id: str, is_confirmed: bool, as_json: bool) -> None:
    """Start a journey for the triggers that it missed while its code was gone or broken."""
    missed = run_with_installation(
        lambda installation: count_missed_triggers(installation, COMMAND_LINE, journey_id)
    )
    if not missed:
        _check_journey(journey_id)
        _show_nothing("replay", f"{journey_id} has missed no trigger", as_json=as_json)
        return
    noun = "trigger" if missed.count == 1 else "triggers"
    if not is_confirmed and not confirm(f"Start {journey_id} for {missed} missed {noun}?"):
        raise click.Abort
    result = run_with_journeys(
        lambda context: bulk_actions.replay_missed_triggers(context, COMMAND_LINE, journey_id)
    )
    _show_result(result, "Enrolled", as_json=as_json)


def _run(
    action: ActionName,
    selection: Selection,
    state: str,
    note: str = "",
    failures: FailureFilter = ALL_FAILURES,
) -> None:
    """Run an action on the selected enrollments, and print its result.

    Args:
        action: what to do.
        selection: what the person has selected.
        state: of a whole journey, only the enrollments in this state.
        note: why, for the timeline.
        failures: of a whole journey, only the enrollments that failed like this.
    """
    journey_id = selection.journey_id
    if journey_id is None:
        result = run_with_journeys(
            lambda context: _run_on_each(context, action, selection.ids, note)
        )
    else:
        if action == "retry":
            with suggest_journeys():
                run_with_journeys(
                    lambda context: bulk_actions.check_retry(context, COMMAND_LINE, journey_id)
                )
        number = run_with_installation(
            lambda installation: service.count_enrollments(
                installation, COMMAND_LINE, journey_id, state, failures
            )
        )
        if not number:
            _check_journey(journey_id)
            reason = f"no one in {journey_id} {_describe_state(state)}"
            reason += " like that" if failures else ""
            _show_nothing(action, reason, as_json=selection.as_json)
            return
        if not selection.is_confirmed:
            enrollments = format_count(number, f"{state} enrollment")
            question = f"{action.capitalize()} {enrollments} in {journey_id}?"
            if not confirm(question):
                raise click.Abort
        result = run_with_journeys(
            lambda context: bulk_actions.run_action_on_all(
                context, COMMAND_LINE, action, journey_id, state, note=note, failures=failures
            )
        )
    _show_result(result, _PAST_TENSES[action], as_json=selection.as_json)


async def _run_on_each(
    context: JourneyContext, action: ActionName, ids: Sequence[UUID], note: str
) -> BulkResult:
    result = BulkResult()
    for enrollment_id in ids:
        try:
            await run_action(context, COMMAND_LINE, action, enrollment_id, note=note)
        except HogsendError as error:
            result.kept[f"{enrollment_id}: {error}"] += 1
        else:
            result.done += 1
    return result


def _show_nothing(action: str, reason: str, *, as_json: bool) -> None:
    """Print that there is nothing to do, and why."""
    if as_json:
        print_json(BulkResult().to_json())
    else:
        click.echo(f"Nothing to {action}: {reason}.")


def _show_result(result: BulkResult, past_tense: str, *, as_json: bool) -> None:
    """Print what was done.

    Raises:
        HogsendError: some of the enrollments were skipped.
    """
    if as_json:
        print_json(result.to_json())
    else:
        click.echo(f"{past_tense} {format_count(result.done, 'enrollment')}.")
    if result.kept:
        for reason, number in result.kept.most_common(_MAX_REASONS):
            click.echo(make_printable(f"Skipped {number:,}: {reason}"), err=True)
        raise HogsendError(f"{format_count(result.kept.total(), 'enrollment')} skipped.")
