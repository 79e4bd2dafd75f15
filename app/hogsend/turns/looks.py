"""Answers what turns want to read, all turns of a round with one query per kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.event import Event
from ..store import contacts, events
from ..store.db import Database, Query
from ..store.events import to_stored_event
from .play import Play, since_instant
from .requests import Look, WaitFor


async def answer_looks(
    database: Database, plays: Sequence[Play], now: datetime
) -> list[tuple[Play, Any]]:
    """Return each play with the answer to its `need`: a plain value, for a wait the event or None.

    Args:
        database: read on the connection that never waits behind the writer.
        plays: turns that need a read.
        now: the present instant.
    """
    ids = {play.facts.contact.id for play in plays}
    merged = await database.read_one(contacts.family_of(list(ids)))
    family = {contact_id: [contact_id] for contact_id in ids}
    for loser, survivor in merged.items():
        family[survivor].append(loser)
    since = await _since(database, plays, family)
    counted, listed = _questions(plays, family, now)
    answers = await database.read(*(query for _, query in (*counted, *listed)))
    answered: list[tuple[Play, Any]] = []
    for (group, _), counts in zip(counted, answers, strict=False):
        answered.extend((play, _count(play, family, counts)) for play in group)
    for (group, _), found in zip(listed, answers[len(counted) :], strict=True):
        by_contact = _by_contact(found, family)
        answered.extend(
            (play, _choose(play, by_contact.get(play.facts.contact.id, ()), now, since))
            for play in group
        )
    return answered


async def _since(
    database: Database, plays: Sequence[Play], family: dict[UUID, list[UUID]]
) -> dict[Play, datetime]:
    """Return, for waits of those whom others were merged into, when what they look back to came.

    The others' events are numbered apart, so that only the time tells which came after it.
    """
    merged = [
        play
        for play in plays
        if _looks_by_number(play.need)
        and len(family[play.facts.contact.id]) > 1
        and play.result.look_back.at is None
    ]
    if not merged:
        return {}
    arrivals = await database.read(
        *(events.arrived_by(p.facts.contact.id, p.result.look_back.seq) for p in merged)
    )
    return {play: at for play, at in zip(merged, arrivals, strict=True) if at is not None}


Asked = list[tuple[list[Play], Query[Any]]]


def _questions(
    plays: Sequence[Play], family: dict[UUID, list[UUID]], now: datetime
) -> tuple[Asked, Asked]:
    """Group the needs: those that only want a number, and those that want the events."""
    numbers: dict[datetime | None, list[Play]] = {}
    lists: dict[int, list[Play]] = {}
    for play in plays:
        need = play.need
        if isinstance(need, Look) and need.kind in ("has_event", "count") and need.where is None:
            numbers.setdefault(since_instant(need.since, now), []).append(play)
        else:
            alone = len(family[play.facts.contact.id]) == 1
            by_number = alone and _looks_by_number(need)
            lists.setdefault(play.result.look_back.seq if by_number else 0, []).append(play)
    counted: Asked = [
        (group, events.counts(_ids(group, family), _names(group), since))
        for since, group in numbers.items()
    ]
    listed: Asked = [
        (group, events.named(_ids(group, family), _names(group), after))
        for after, group in lists.items()
    ]
    return counted, listed


def _looks_by_number(need: Look | WaitFor | None) -> bool:
    return isinstance(need, WaitFor) and need.since is None


def _ids(group: Sequence[Play], family: dict[UUID, list[UUID]]) -> list[UUID]:
    return [one for play in group for one in family[play.facts.contact.id]]


def _names(group: Sequence[Play]) -> list[str]:
    names: set[str] = set()
    for play in group:
        need = play.need
        if isinstance(need, WaitFor):
            names.update(match.event for match in need.matches)
        elif need is not None and need.event is not None:
            names.add(need.event)
    return sorted(names)


def _count(play: Play, family: dict[UUID, list[UUID]], counts: dict[tuple[UUID, str], int]) -> Any:
    need = play.need
    assert isinstance(need, Look) and need.event is not None  # noqa: S101
    number = sum(counts.get((one, need.event), 0) for one in family[play.facts.contact.id])
    return number if need.kind == "count" else number > 0


def _by_contact(found: Sequence[Event], family: dict[UUID, list[UUID]]) -> dict[UUID, list[Event]]:
    survivor = {one: contact_id for contact_id, ids in family.items() for one in ids}
    by_contact: dict[UUID, list[Event]] = {}
    for event in found:
        if event.contact_id is not None:
            by_contact.setdefault(survivor[event.contact_id], []).append(event)
    return by_contact


def _choose(
    play: Play, found: Sequence[Event], now: datetime, arrived: dict[Play, datetime]
) -> Any:
    """Answer from a contact's events, which are in the order of their arrival."""
    need = play.need
    if isinstance(need, WaitFor):
        return _first_match(play, need, found, arrived.get(play))
    assert need is not None  # noqa: S101
    since = since_instant(need.since, now)
    where = need.where
    chosen = [
        event
        for event in found
        if event.name == need.event
        and (since is None or (event.occurred_at or now) >= since)
        and (where is None or where.matches(event.properties, now))
    ]
    if need.kind == "has_event":
        return bool(chosen)
    if need.kind == "count":
        return len(chosen)
    return [to_stored_event(event) for event in reversed(chosen[-need.limit :])]


def _first_match(
    play: Play, need: WaitFor, found: Sequence[Event], arrived: datetime | None
) -> Event | None:
    me, look_back = play.facts.contact.id, play.result.look_back
    for event in found:
        at = event.received_at or play.now
        if need.since is not None:
            in_time = at >= need.since
        else:
            too_old = arrived is not None and event.contact_id != me and at <= arrived
            in_time = look_back.sees(event, me) and not too_old
        if in_time and any(m.matches(event.name, event.properties, at) for m in need.matches):
            return event
    return None
