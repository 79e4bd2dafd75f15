"""Answers what turns want to read, all turns of a round with one query per kind."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from ..domain.event import Event, EventMatch
from ..domain.history import EmailPast, JourneyPast
from ..errors import StoreUnavailable
from ..store import consents, contacts, events, history
from ..store.db import Database, Query
from ..store.events import to_stored_event
from .digests import begins_with_trigger, collected
from .execution import TurnExecution
from .requests import Digest, ReadRequest, Request, SendMail, WaitFor

N = TypeVar("N", bound=Request)


async def answer_each(
    database: Database, plays: Sequence[TurnExecution], now: datetime
) -> list[tuple[TurnExecution, Any]]:
    """Answer as `answer_looks` does; where that fails, each by itself, so that one fails alone.

    Args:
        database: where it is read.
        plays: turns that need a read.
        now: the present instant.

    Raises:
        StoreUnavailable: there is no database to read, which is no fault of the turns.
    """
    try:
        return await answer_looks(database, plays, now)
    except StoreUnavailable:
        raise
    except Exception:
        if len(plays) == 1:
            plays[0].fail(traceback.format_exc())
            return []
    return [one for play in plays for one in await answer_each(database, [play], now)]


async def answer_looks(
    database: Database, plays: Sequence[TurnExecution], now: datetime
) -> list[tuple[TurnExecution, Any]]:
    """Return each play with the answer to its `need`, in the form that `Answers.settle` takes.

    Args:
        database: read on the connection that never waits behind the writer.
        plays: turns that need a read.
        now: the present instant.
    """
    past = [play for play in plays if _is_past(play.need)]
    answered = await _answer_past(database, past, now) if past else []
    rest = [play for play in plays if not _is_past(play.need)]
    return answered + (await _answer_events(database, rest, now) if rest else [])


def _is_past(need: object) -> bool:
    return isinstance(need, SendMail) or (isinstance(need, ReadRequest) and need.kind in _PAST)


_PAST = ("journey", "email", "throttle")


async def _answer_past(
    database: Database, plays: Sequence[TurnExecution], now: datetime
) -> list[tuple[TurnExecution, Any]]:
    """Answer what is asked of journeys, mails and addresses."""
    groups: dict[object, list[TurnExecution]] = {}
    for play in plays:
        need = play.need
        same = (need.since, need.list_id) if isinstance(need, ReadRequest) else None
        groups.setdefault((need.kind if need else "", same), []).append(play)
    found = await database.read(*(_past_query(group, now) for group in groups.values()))
    return [
        (play, _past_answer(play, answers))
        for group, answers in zip(groups.values(), found, strict=True)
        for play in group
    ]


def _past_query(group: Sequence[TurnExecution], now: datetime) -> Query[Any]:
    ids = list({play.facts.contact.id for play in group})
    need = group[0].need
    if isinstance(need, SendMail):
        return consents.suppressed([mail.to for mail in _needs(group, SendMail) if mail.to])
    subjects = sorted({look.subject for look in _needs(group, ReadRequest) if look.subject})
    if need is not None and need.kind == "journey":
        return history.journeys_of(ids, subjects)
    if need is not None and need.kind == "email":
        return history.emails_of(ids, subjects)
    assert isinstance(need, ReadRequest)  # noqa: S101 (no other kind is left)
    return history.sent_since(ids, since_instant(need.since, now) or now, need.list_id)


def _past_answer(play: TurnExecution, answers: Any) -> Any:
    need, contact_id = play.need, play.facts.contact.id
    if isinstance(need, SendMail):
        return answers.get(need.to)
    assert isinstance(need, ReadRequest)  # noqa: S101
    if need.kind == "throttle":
        return answers[contact_id]
    empty = JourneyPast() if need.kind == "journey" else EmailPast()
    return answers.get((contact_id, need.subject), empty).to_stored()


def _needs(group: Sequence[TurnExecution], kind: type[N]) -> list[N]:
    return [play.need for play in group if isinstance(play.need, kind)]


async def _answer_events(
    database: Database, plays: Sequence[TurnExecution], now: datetime
) -> list[tuple[TurnExecution, Any]]:
    """Answer what is asked of events."""
    ids = {play.facts.contact.id for play in plays}
    merged = await database.read_one(contacts.family_of(list(ids)))
    family = {contact_id: [contact_id] for contact_id in ids}
    for loser, survivor in merged.items():
        family[survivor].append(loser)
    counted, listed = _questions(plays, family, now)
    answers = await database.read(*(query for _, query in (*counted, *listed)))
    answered: list[tuple[TurnExecution, Any]] = []
    for (group, _), counts in zip(counted, answers, strict=False):
        answered.extend((play, _count(play, family, counts)) for play in group)
    for (group, _), found in zip(listed, answers[len(counted) :], strict=True):
        by_contact = _by_contact(found, family)
        answered.extend(
            (play, _choose(play, by_contact.get(play.facts.contact.id, ()), now)) for play in group
        )
    return answered


Asked = list[tuple[list[TurnExecution], Query[Any]]]


def _questions(
    plays: Sequence[TurnExecution], family: dict[UUID, list[UUID]], now: datetime
) -> tuple[Asked, Asked]:
    """Group the needs: those that only want a number, and those that want the events."""
    numbers: dict[datetime | None, list[TurnExecution]] = {}
    lists: dict[int, list[TurnExecution]] = {}
    for play in plays:
        need = play.need
        if (
            isinstance(need, ReadRequest)
            and need.kind in ("has_event", "count")
            and need.where is None
        ):
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


def _looks_by_number(need: object) -> bool:
    return isinstance(need, Digest) or (isinstance(need, WaitFor) and need.since is None)


def _ids(group: Sequence[TurnExecution], family: dict[UUID, list[UUID]]) -> list[UUID]:
    return [one for play in group for one in family[play.facts.contact.id]]


def _names(group: Sequence[TurnExecution]) -> list[str]:
    names: set[str] = set()
    for play in group:
        need = play.need
        if isinstance(need, WaitFor):
            names.update(match.event for match in need.matches)
        elif isinstance(need, Digest):
            names.add(collected(need, play.facts).event)
        elif isinstance(need, ReadRequest) and need.event is not None:
            names.add(need.event)
    return sorted(names)


def _count(
    play: TurnExecution, family: dict[UUID, list[UUID]], counts: dict[tuple[UUID, str], int]
) -> Any:
    need = play.need
    assert isinstance(need, ReadRequest) and need.event is not None  # noqa: S101
    number = sum(counts.get((one, need.event), 0) for one in family[play.facts.contact.id])
    return number if need.kind == "count" else number > 0


def _by_contact(found: Sequence[Event], family: dict[UUID, list[UUID]]) -> dict[UUID, list[Event]]:
    survivor = {one: contact_id for contact_id, ids in family.items() for one in ids}
    by_contact: dict[UUID, list[Event]] = {}
    for event in found:
        if event.contact_id is not None:
            by_contact.setdefault(survivor[event.contact_id], []).append(event)
    return by_contact


def _choose(play: TurnExecution, found: Sequence[Event], now: datetime) -> Any:
    """Answer from a contact's events, which are in the order of their arrival."""
    need = play.need
    if isinstance(need, WaitFor):
        return next(iter(_matching(play, need.matches, need.since, found)), None)
    if isinstance(need, Digest):
        return _collect(play, need, found)
    assert isinstance(need, ReadRequest)  # noqa: S101
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


def _collect(play: TurnExecution, need: Digest, found: Sequence[Event]) -> list[Event]:
    """Return what a digest has collected so far, or when its window is over, the oldest first."""
    match, until = collected(need, play.facts), play.answers.collected_until
    chosen = _matching(play, (match,), None, found)
    if begins_with_trigger(need, play.facts, play.result.look_back):
        chosen.insert(0, play.facts.trigger)
    return [e for e in chosen if until is None or e.received_at is None or e.received_at < until]


def _matching(
    play: TurnExecution,
    matches: Sequence[EventMatch],
    since: datetime | None,
    found: Sequence[Event],
) -> list[Event]:
    """Return the events that a wait sees from where it looks back."""
    me, look_back = play.facts.contact.id, play.result.look_back
    seen: list[Event] = []
    for event in found:
        at = event.received_at or play.answers.now
        in_time = look_back.sees(event, me) if since is None else at >= since
        if in_time and any(m.matches(event.name, event.properties, at) for m in matches):
            seen.append(event)
    return seen


def since_instant(since: datetime | timedelta | None, now: datetime) -> datetime | None:
    """Return the instant that `since=` means."""
    return now - since if isinstance(since, timedelta) else since
