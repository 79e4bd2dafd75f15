"""`ctx.sleep_until(prop(…))`: wait for an instant that a property of the contact names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from ...domain.enrollment import Wait
from ...domain.following import IMPORT, MERGE, RETRY, Following, Move, Moves
from ...domain.journal import Step
from ...domain.property_instant import PropertyInstant
from ...domain.times import get_zone_name
from ...errors import JourneyCodeError
from ..turn_state import TurnState
from .description import Description, Link, Wording
from .wait import WaitCall

_REASONS = {
    IMPORT.name: "changed by an import",
    MERGE.name: "contacts were merged",
    RETRY.name: "retried by an operator",
}


@dataclass(frozen=True, slots=True)
class FollowProperty(WaitCall):
    """Wait for an instant that a property of the contact names, wherever it moves.

    In the journal it is a sleep, so that a sleep of a fixed length can become one that follows.

    Args:
        instant: the instant.
        timeout: how long to wait while the property names no instant; None when that is an error.
    """

    kind: ClassVar[str] = "sleep"

    instant: PropertyInstant
    timeout: timedelta | None

    def describe(self) -> str:
        return f"{self.instant}, timeout {self.timeout}"

    def replay(self, answer: Any) -> bool:
        # A sleep of a fixed length has the answer None.
        return answer is not False

    def start(self, turn: TurnState, key: str) -> Any:
        zone = get_zone_name(turn.resolve_time_zone())
        following = Following(self.instant, zone, self.timeout).resolve(turn.contact.properties)
        turn.result.followed.append(following)
        self._check(following, self.timeout)
        until = following.compute_end(turn.now)
        if until <= turn.now:
            detail = {"until": (following.at or until).isoformat(), "follows": str(self.instant)}
            return self.record(turn, key, following.problem is None, detail)
        return self.pause(turn, key, Wait(key, until, following=following))

    def skip(self, turn: TurnState, key: str) -> bool:
        return False

    def resume(self, turn: TurnState, key: str) -> Any:
        enrollment = turn.inputs.enrollment
        wait = enrollment.wait
        following = wait.following if wait else None
        turn.set_look_back(None, wait.until if wait else None, enrollment.look_back)
        if wait is None or following is None:
            return self.record(turn, key, None)
        # Code that gets a timeout later helps people for whom there was none.
        self._check(following, self.timeout if following.timeout is None else following.timeout)
        return self.record(turn, key, following.problem is None, build_detail(wait, following))

    def _check(self, following: Following, timeout: timedelta | None) -> None:
        """Raise when the property names no instant, unless there is a timeout.

        Raises:
            JourneyCodeError: there is neither an instant nor a timeout.
        """
        if following.problem is not None and timeout is None:
            raise JourneyCodeError(
                f"ctx.sleep_until({self.instant}): {following.problem}.",
                "Give timeout=, how long to wait for the property, or send it as a date, such as "
                "2026-01-31, or as an instant with a time zone, such as 2026-01-31T09:00:00Z.",
            )

    def build_pause_detail(self, wait: Wait) -> dict[str, Any]:
        detail = WaitCall.build_pause_detail(self, wait)
        return detail if wait.following is None else detail | build_detail(wait, wait.following)


def build_detail(wait: Wait, following: Following) -> dict[str, Any]:
    """Return what the journal records of a wait that follows a property, for the timeline."""
    detail = {
        "until": wait.until.isoformat() if wait.until else None,
        "follows": str(following.instant),
    }
    problem = {"problem": following.problem} if following.problem else {}
    return detail | problem | following.moves.to_json()


def describe_moves(moves: Moves, follows: str, wording: Wording) -> Iterator[Description]:
    """Describe how the end of a wait has moved, for the timeline; a description for each move.

    Args:
        moves: the moves.
        follows: what the wait follows, such as `trial_ends_at - 2 days`.
        wording: formats values for the reader.
    """
    earlier = moves.count - len(moves.latest)
    for number, move in enumerate(moves.latest):
        is_cut = earlier and not number
        more = f"after {wording.pluralize(earlier, 'earlier move')}" if is_cut else ""
        yield _describe_move(move, follows, more, wording)


def _describe_move(move: Move, follows: str, more: str, wording: Wording) -> Description:
    def show(instant: datetime) -> str:
        return wording.format_time_beside(instant, move.at)

    cause = move.cause
    reason = _REASONS.get(cause.name, f"changed by {cause.name}")
    links = (Link("event", cause.event_id, "view event"),) if cause.event_id else ()
    before = f"was {show(move.before)}"
    if move.problem is not None:
        title, notes = "No instant to wait for", (move.problem, f"until {show(move.after)}")
    else:
        title, notes = f"Sleep moved to {show(move.after)}", (follows,)
    return Description(title, "wait", notes=(before, *notes, reason, more), links=links, at=move.at)


def read_moves(step: Step) -> Moves:
    """Return the moves that the end of a wait has recorded; none for other entries."""
    return Moves.from_json(step.detail or {})
