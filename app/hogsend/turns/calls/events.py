"""Reads of contacts' events, shared by the calls that count, list, collect or await events.

The database counts events when there is no condition on their properties. All other reads load the
events by name, and filter them in memory with the conditions that ingest uses as well.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from ...domain.entry_key import is_for_entry
from ...domain.event import Event, EventMatch
from ...domain.trigger_conditions import resolve_match
from ..turn_state import TurnState
from .read import Read

if TYPE_CHECKING:
    from ...store.db import Query


@dataclass(frozen=True, slots=True)
class EventCount(Read):
    """The number of a contact's events of one name.

    Args:
        contact_ids: the contact, followed by the contacts that were merged into it.
        name: the name of the events.
        since: only events from this instant on.
    """

    contact_ids: Sequence[UUID]
    name: str
    since: datetime | None

    @property
    def group(self) -> Hashable:
        return self.since

    @classmethod
    def build_query(cls, reads: Sequence[EventCount]) -> Query[dict[tuple[UUID, str], int]]:
        from ...store import events as stored_events

        names = sorted({read.name for read in reads})
        return stored_events.count_by_names(_all_contact_ids(reads), names, reads[0].since)

    @classmethod
    def extract_answers(
        cls, reads: Sequence[EventCount], result: Mapping[tuple[UUID, str], int]
    ) -> Iterable[int]:
        for read in reads:
            yield sum(result.get((contact_id, read.name), 0) for contact_id in read.contact_ids)


@dataclass(frozen=True, slots=True)
class EventList(Read):
    """A contact's events of some names.

    Args:
        contact_ids: the contact, followed by the contacts that were merged into it.
        names: the names of the events.
        after: only events with a greater number; 0 for all.
        choose: returns the answer; gets the contact's events in the order of their arrival,
            among them events of other names that the same query has loaded.
    """

    contact_ids: Sequence[UUID]
    names: Sequence[str]
    after: int
    choose: Callable[[Sequence[Event]], Any]

    _NONE: ClassVar[Sequence[Event]] = ()

    @property
    def group(self) -> Hashable:
        return self.after

    @classmethod
    def build_query(cls, reads: Sequence[EventList]) -> Query[list[Event]]:
        from ...store import events as stored_events

        names = sorted({name for read in reads for name in read.names})
        return stored_events.find_by_names(_all_contact_ids(reads), names, reads[0].after)

    @classmethod
    def extract_answers(cls, reads: Sequence[EventList], result: Sequence[Event]) -> Iterable[Any]:
        survivors = {
            contact_id: read.contact_ids[0] for read in reads for contact_id in read.contact_ids
        }
        events_by_contact: dict[UUID, list[Event]] = {}
        for event in result:
            if event.contact_id is not None:
                events_by_contact.setdefault(survivors[event.contact_id], []).append(event)
        for read in reads:
            yield read.choose(events_by_contact.get(read.contact_ids[0], cls._NONE))


def _all_contact_ids(reads: Sequence[EventCount] | Sequence[EventList]) -> list[UUID]:
    return [contact_id for read in reads for contact_id in read.contact_ids]


def find_first_number(turn: TurnState, contact_ids: Sequence[UUID]) -> int:
    """Return the number of the contact's last event before the look-back.

    The number is 0 when contacts were merged into this one, because the events of each contact are
    numbered separately.
    """
    return turn.result.look_back.seq if len(contact_ids) == 1 else 0


def resolve_matches(turn: TurnState, matches: Sequence[EventMatch]) -> tuple[EventMatch, ...]:
    """Return filters with the trigger's values where their conditions name the trigger."""
    trigger = turn.inputs.trigger.properties
    return tuple(resolve_match(match, trigger) for match in matches)


def filter_by_look_back(
    turn: TurnState,
    events: Iterable[Event],
    matches: Sequence[EventMatch],
    since: datetime | None = None,
) -> list[Event]:
    """Return the matching events that a wait looks back to and that concern its enrollment.

    Args:
        turn: the turn that waits.
        events: events of the turn's contact, in the order of their arrival.
        matches: resolved filters; an event has to pass one of them.
        since: the instant to look back to, instead of the end of the wait before.
    """
    contact_id, look_back = turn.contact.id, turn.result.look_back
    journey, entry_key = turn.journey, turn.inputs.enrollment.entry_key
    matching: list[Event] = []
    for event in events:
        at = event.received_at
        is_in_time = look_back.can_see(event, contact_id) if since is None else at >= since
        if (
            is_in_time
            and any(match.matches(event.name, event.properties, at) for match in matches)
            and is_for_entry(event, journey, entry_key)
        ):
            matching.append(event)
    return matching
