"""Reading the events of contacts, shared by the calls that count, list, collect or await them.

Events without a condition that are only counted are counted by the database. All others are loaded
by name, and chosen in memory with the same conditions that ingest uses.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from ...domain.event import Event, EventMatch
from ..turn_state import TurnState
from .read import Read

if TYPE_CHECKING:
    from ...store.db import Query


@dataclass(frozen=True, slots=True)
class EventCount(Read):
    """How many events of a name a contact had.

    Args:
        contact_ids: the contact, and those who were merged into it.
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
    def query(cls, reads: Sequence[EventCount]) -> Query[dict[tuple[UUID, str], int]]:
        from ...store import events as stored_events

        names = sorted({read.name for read in reads})
        return stored_events.counts(_all_contact_ids(reads), names, reads[0].since)

    @classmethod
    def answers(
        cls, reads: Sequence[EventCount], result: Mapping[tuple[UUID, str], int]
    ) -> Iterable[int]:
        for read in reads:
            yield sum(result.get((contact_id, read.name), 0) for contact_id in read.contact_ids)


@dataclass(frozen=True, slots=True)
class EventList(Read):
    """Events of some names of a contact, and what is chosen from them.

    Args:
        contact_ids: the contact, and those who were merged into it.
        names: the names of the events.
        after: only events with a greater number; 0 for all.
        choose: makes the answer of the contact's events, in the order of their arrival. It
            also gets events of other names.
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
    def query(cls, reads: Sequence[EventList]) -> Query[list[Event]]:
        from ...store import events as stored_events

        names = sorted({name for read in reads for name in read.names})
        return stored_events.named(_all_contact_ids(reads), names, reads[0].after)

    @classmethod
    def answers(cls, reads: Sequence[EventList], result: Sequence[Event]) -> Iterable[Any]:
        owner = {cid: read.contact_ids[0] for read in reads for cid in read.contact_ids}
        by_contact: dict[UUID, list[Event]] = {}
        for event in result:
            if event.contact_id is not None:
                by_contact.setdefault(owner[event.contact_id], []).append(event)
        for read in reads:
            yield read.choose(by_contact.get(read.contact_ids[0], cls._NONE))


def _all_contact_ids(reads: Sequence[EventCount] | Sequence[EventList]) -> list[UUID]:
    return [contact_id for read in reads for contact_id in read.contact_ids]


def first_number(turn: TurnState, contact_ids: Sequence[UUID]) -> int:
    """Return the number of the contact's events after which a look back begins.

    It is 0 when others were merged into the contact: their events are numbered apart.
    """
    return turn.result.look_back.seq if len(contact_ids) == 1 else 0


def events_after_look_back(
    turn: TurnState,
    events: Iterable[Event],
    matches: Sequence[EventMatch],
    since: datetime | None = None,
) -> list[Event]:
    """Return the events that match, from the point on to which a wait looks back.

    Args:
        turn: the turn that waits.
        events: events of its contact, in the order of their arrival.
        matches: which events are meant; one of them is enough.
        since: the instant to look back to, instead of the end of the wait before.
    """
    contact_id, look_back = turn.contact.id, turn.result.look_back
    chosen: list[Event] = []
    for event in events:
        at = event.received_at or turn.now
        in_time = look_back.sees(event, contact_id) if since is None else at >= since
        if in_time and any(m.matches(event.name, event.properties, at) for m in matches):
            chosen.append(event)
    return chosen
