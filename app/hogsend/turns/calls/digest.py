"""`ctx.digest`: collect events for a while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from ...domain.conditions import AllOf, Condition
from ...domain.enrollment import Wait
from ...domain.event import Event, EventMatch, to_stored_event
from ...domain.journal import decode, encode
from ...domain.trigger_conditions import resolve_match
from ..argument_checks import AT_LEAST_ONE, OPTIONAL_EVENT, ArgumentCheck, check_span
from ..turn_state import TurnState
from .call import Suspension
from .description import Description, RecordedCall, Wording, format_answer
from .events import EventList, filter_by_look_back, find_first_number
from .registry import register
from .wait import WaitCall

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ..static_analysis.call_site import CallSite


@register
@dataclass(frozen=True, slots=True)
class Digest(WaitCall):
    """Collect matching events until the window ends, or until `max_events` have arrived.

    Args:
        match: the filter of events; None for events with the name of the trigger.
        where: a further condition on the events.
        window: how long events are collected.
        max_events: the number of events that ends the window early.
    """

    kind: ClassVar[str] = "digest"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("digest",),)
    argument_checks: ClassVar[Mapping[str, ArgumentCheck]] = {
        "window": check_span,
        "event": OPTIONAL_EVENT,
        "max_events": AT_LEAST_ONE,
    }
    reads_merged_contacts: ClassVar[bool] = True

    match: EventMatch | None
    where: Condition | None
    window: timedelta
    max_events: int

    def describe(self) -> str:
        where = f" where {self.where.to_json()}" if self.where is not None else ""
        return f"{self.match}{where}, {self.window}, at most {self.max_events}"

    def replay(self, answer: Any) -> Any:
        # The answer is None when an operator ended the wait: no events were collected then.
        return [] if answer is None else decode(answer)

    def start(self, turn: TurnState, key: str) -> Any:
        return Suspension.NEEDS_INPUT

    def skip(self, turn: TurnState, key: str) -> Any:
        return []

    def resume(self, turn: TurnState, key: str) -> Any:
        return Suspension.NEEDS_INPUT

    def build_read(self, turn: TurnState, key: str, contact_ids: Sequence[UUID]) -> EventList:
        match, wait = self._event_match(turn), turn.inputs.enrollment.wait
        # A window that begins with this turn has no end yet.
        until = wait.until if wait is not None and turn.is_resuming(key) else None
        collect = partial(self._collect, turn, match, until)
        return EventList(contact_ids, (match.event,), find_first_number(turn, contact_ids), collect)

    def complete(self, turn: TurnState, key: str, value: list[Event]) -> Any:
        """Record the events when the window has ended; start the window if it has not begun."""
        wait = turn.inputs.enrollment.wait
        if turn.is_resuming(key) and wait is not None:
            event = turn.inputs.enrollment.wait_result
            turn.set_look_back(event, wait.until, turn.result.look_back)
        elif len(value) < self.max_events:
            until = turn.compute_end(self.window)
            match, remaining = self._event_match(turn), self.max_events - len(value)
            own_numbers = (event.seq for event in value if event.contact_id == turn.contact.id)
            turn.result.last_counted_seq = max(own_numbers, default=0)
            return self.pause(turn, key, Wait(key, until, (match,), remaining=remaining))
        else:
            turn.set_look_back(value[self.max_events - 1], None, turn.result.look_back)
        events = [to_stored_event(event) for event in value[: self.max_events]]
        return self.record(turn, key, encode(events))

    def _event_match(self, turn: TurnState) -> EventMatch:
        """Return the filter: `match` or the name of the trigger, combined with `where`."""
        match = self.match or EventMatch(turn.inputs.trigger.name)
        if self.where is not None:
            where = self.where if match.where is None else AllOf((match.where, self.where))
            match = EventMatch(match.event, where)
        return resolve_match(match, turn.inputs.trigger.properties)

    def _collect(
        self,
        turn: TurnState,
        match: EventMatch,
        until: datetime | None,
        events: Sequence[Event],
    ) -> list[Event]:
        """Return the matching events that arrived before `until`, the oldest first."""
        matching = filter_by_look_back(turn, events, (match,))
        if self._includes_trigger(turn):
            matching.insert(0, turn.inputs.trigger)
        return [event for event in matching if until is None or event.received_at < until]

    def _includes_trigger(self, turn: TurnState) -> bool:
        """Return whether the trigger is collected: when the first wait is for its name."""
        look_back = turn.result.look_back
        is_first = look_back.at is None and look_back.event == turn.inputs.trigger.id
        return self.match is None and is_first

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        step, until = record.step, record.pause.until
        if not step.waiting:
            yield Description(f"Digest {step.label}", tag=format_answer(step.answer, wording))
        elif record.is_first and record.pause.ended is None:
            limit = "" if until is None else f"until {wording.format_time_beside(until, record.at)}"
            yield Description(f"Collecting {step.label}", "now", notes=(limit,))
        elif record.is_first:
            limit = "" if until is None else f"up to {wording.format_duration(until - record.at)}"
            yield Description(f"Collected {step.label}", "wait", notes=(limit,))

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        what, span = (
            site.format_argument(1, "event") or site.trigger,
            site.format_argument(0, "window"),
        )
        name = site.evaluate_text(1, "event") or site.trigger or None
        return replace(
            site.build_step(cls.kind, what, name, span=span),
            caption=f"digest · {span}" if span else "digest",
            text=f"digest of {what} over {span}" if span else f"digest of {what}",
            is_wait=True,
            ends_turn=True,
            condition=f"{what} received",
        )
