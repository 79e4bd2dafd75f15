"""`ctx.history` of events: whether, how often and when they happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from ...domain.conditions import Condition
from ...domain.event import Event, to_stored_event
from ...domain.trigger_conditions import resolve_trigger
from ..argument_checks import AT_LEAST_ONE, OPTIONAL_PAST, ArgumentCheck, check_text
from ..turn_state import TurnState
from .description import Description, RecordedCall, Wording, format_answer
from .events import EventCount, EventList
from .read import Read, ReadCall
from .registry import register

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ..static_analysis.call_site import CallSite

_RECORDED = "recorded, so a replay sees the same"


@dataclass(frozen=True, slots=True)
class EventRead(ReadCall):
    """A read of the contact's events of one name.

    Args:
        event: the name.
        where: a condition on the events' properties.
        since: only events from this instant on, or within this period before the turn.
        limit: the number of events to return; 0 for calls that return none.
    """

    reads_merged_contacts: ClassVar[bool] = True
    # The title on the timeline; `{}` stands for the label.
    title: ClassVar[str]
    argument_checks: ClassVar[Mapping[str, ArgumentCheck]] = {
        "event": check_text,
        "since": OPTIONAL_PAST,
        "limit": AT_LEAST_ONE,
    }

    event: str
    where: Condition | None = None
    since: datetime | timedelta | None = None
    limit: int = 0

    def describe(self) -> str:
        where = f" where {self.where.to_json()}" if self.where is not None else ""
        return f"{self.event}{where}, since {self.since}, {self.limit}"

    def build_read(self, turn: TurnState, key: str, contact_ids: Sequence[UUID]) -> Read:
        return EventList(contact_ids, (self.event,), 0, partial(self.choose, turn))

    def choose(self, turn: TurnState, events: Sequence[Event]) -> Any:
        """Return the answer.

        Args:
            turn: the turn that makes the call.
            events: the contact's events, in the order of their arrival.
        """
        newest = self.filter_events(turn, events)[-self.limit :]
        return [to_stored_event(event) for event in reversed(newest)]

    def filter_events(self, turn: TurnState, events: Sequence[Event]) -> list[Event]:
        """Return the events that match the name, the condition and the period of this call."""
        now, since, where = turn.now, self.compute_since(turn), self.where
        if where is not None:
            where = resolve_trigger(where, turn.inputs.trigger.properties)
        return [
            event
            for event in events
            if event.name == self.event
            and (since is None or event.occurred_at >= since)
            and (where is None or where.matches(event.properties, now))
        ]

    def compute_since(self, turn: TurnState) -> datetime | None:
        """Return the instant from which on events count; None for all events."""
        return turn.now - self.since if isinstance(self.since, timedelta) else self.since

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        tag = format_answer(record.step.answer, wording)
        yield Description(cls.title.format(record.step.label), tag=tag)

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        return site.build_question(
            cls.kind, site.format_argument(0, "event"), site.evaluate_text(0, "event")
        )


class EventCountRead(EventRead):
    """A read that only needs the number of events."""

    __slots__ = ()

    def build_read(self, turn: TurnState, key: str, contact_ids: Sequence[UUID]) -> Read:
        if self.where is not None:
            return EventList(contact_ids, (self.event,), 0, partial(self.choose, turn))
        return EventCount(contact_ids, self.event, self.compute_since(turn))

    def choose(self, turn: TurnState, events: Sequence[Event]) -> int:
        return len(self.filter_events(turn, events))

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        tag = format_answer(record.step.answer, wording)
        yield Description(cls.title.format(record.step.label), tag=tag, notes=(_RECORDED,))


@register
class HasEvent(EventCountRead):
    """Whether an event ever happened."""

    __slots__ = ()
    kind: ClassVar[str] = "has_event"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("history", "has_event"),)
    title: ClassVar[str] = "Checked for {}"

    def complete(self, turn: TurnState, key: str, value: int) -> Any:
        return self.record(turn, key, value > 0)


@register
class CountEvents(EventCountRead):
    """How often an event happened."""

    __slots__ = ()
    kind: ClassVar[str] = "count"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("history", "count"),)
    title: ClassVar[str] = "Counted {}"


@register
class ListEvents(EventRead):
    """The newest events of a name, newest first."""

    __slots__ = ()
    kind: ClassVar[str] = "events"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("history", "events"),)
    title: ClassVar[str] = "Listed {}"


@register
class LastEvent(EventRead):
    """The newest event of a name, as a list of at most one."""

    __slots__ = ()
    kind: ClassVar[str] = "last_event"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("history", "last_event"),)
    title: ClassVar[str] = "Looked up the last {}"

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        tag = format_answer(record.step.answer, wording) or "none"
        yield Description(cls.title.format(record.step.label), tag=tag)
