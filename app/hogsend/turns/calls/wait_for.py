"""`ctx.wait_for` and `ctx.wait_for_any`: wait for the first of some events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from ...domain.enrollment import Wait
from ...domain.event import Event, EventMatch
from ...domain.journal import Step
from ..argument_checks import (
    OPTIONAL_DURATION,
    OPTIONAL_INSTANT,
    ArgumentCheck,
    check_event,
    check_events,
)
from ..turn_state import TurnState
from .call import Suspension
from .description import Description, RecordedCall, Wording, build_event_links, read_object
from .events import EventList, filter_by_look_back, find_first_number, resolve_matches
from .registry import register
from .wait import WaitCall, encode_event

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ..static_analysis.call_site import CallSite


@register
@dataclass(frozen=True, slots=True)
class WaitFor(WaitCall):
    """Wait for the first of some events.

    Args:
        matches: filters; the first event that passes one of them ends the wait.
        timeout: the longest wait; None without a limit.
        since: look back to this instant instead of to the end of the wait before.
    """

    kind: ClassVar[str] = "wait"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("wait_for",), ("wait_for_any",))
    argument_checks: ClassVar[Mapping[str, ArgumentCheck]] = {
        "event": check_event,
        "events": check_events,
        "timeout": OPTIONAL_DURATION,
        "since": OPTIONAL_INSTANT,
    }
    reads_merged_contacts: ClassVar[bool] = True

    matches: tuple[EventMatch, ...]
    timeout: timedelta | None
    since: datetime | None

    def describe(self) -> str:
        events = ", ".join(map(str, self.matches))
        return f"{events}, timeout {self.timeout}, since {self.since}"

    def start(self, turn: TurnState, key: str) -> Any:
        return Suspension.NEEDS_INPUT

    def skip(self, turn: TurnState, key: str) -> Any:
        return None

    def build_read(self, turn: TurnState, key: str, contact_ids: Sequence[UUID]) -> EventList:
        names = tuple(match.event for match in self.matches)
        after = find_first_number(turn, contact_ids) if self.since is None else 0
        return EventList(contact_ids, names, after, partial(self._first_match, turn))

    def _first_match(self, turn: TurnState, events: Sequence[Event]) -> Event | None:
        matches = resolve_matches(turn, self.matches)
        return next(iter(filter_by_look_back(turn, events, matches, self.since)), None)

    def complete(self, turn: TurnState, key: str, value: Event | None) -> Any:
        if value is None:
            until = turn.compute_end(self.timeout) if self.timeout is not None else None
            if until is None or until > turn.now:
                return self.pause(turn, key, Wait(key, until, resolve_matches(turn, self.matches)))
            return self.record(turn, key, None)
        turn.depth = max(turn.depth, value.depth)
        turn.set_look_back(value, None, turn.result.look_back)
        return self.record(turn, key, encode_event(value))

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        if record.step.waiting:
            if record.is_first:
                yield _describe_pause(record, wording)
        else:
            yield _describe_end(record)

    @classmethod
    def summarize(cls, step: Step) -> str:
        return str(step.answer["name"]) if step.answer else "not received"

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        what, name = _read_events(site)
        timeout = site.format_argument(-1, "timeout")
        span = f"up to {timeout}" if timeout and timeout != "None" else ""
        return replace(
            site.build_step(cls.kind, what, name, span=span),
            caption=f"wait · {span}" if span else "wait",
            text=f"wait for {what}, {span}" if span else f"wait for {what}",
            is_wait=True,
            ends_turn=True,
            condition=f"{what} received",
        )


def _read_events(site: CallSite) -> tuple[str, str | None]:
    """Return the events of a wait as text, and the wait's name in the journal."""
    if site.path == ("wait_for",):
        return site.format_argument(0, "event"), site.evaluate_text(0, "event")
    value = site.evaluate(0, "events")
    events = cast("list[Any]", value) if isinstance(value, list) else []
    if not events or not all(isinstance(event, str) for event in events):
        return site.format_argument(0, "events"), None
    name = " or ".join(events)
    return name, name


def _describe_pause(record: RecordedCall, wording: Wording) -> Description:
    step, until = record.step, record.pause.until
    names = " or ".join(str(match) for match in _parse_matches(step)) or step.label
    limit = "" if until is None else f"up to {wording.format_duration(until - record.at)}"
    label = step.label if step.label not in names else ""
    if record.pause.ended is None:
        return Description(f"Waiting for {names}", "now", notes=(limit, label))
    return Description(f"Waited for {names}", "wait", notes=(limit, label))


def _describe_end(record: RecordedCall) -> Description:
    step, event = record.step, read_object(record.step.answer)
    if event:
        title = f"{event.get('name', step.label)} received"
        return Description(title, "act", links=build_event_links(event.get("id")))
    if record.pause.was_cut_short:
        return Description(f"Woken before {step.label} was received", "wait", "woken", "run")
    return Description(f"{step.label} not received in time", "wait")


def _parse_matches(step: Step) -> list[EventMatch]:
    stored = (step.detail or {}).get("events", ())
    return [EventMatch(m) if isinstance(m, str) else EventMatch.from_json(m) for m in stored]
