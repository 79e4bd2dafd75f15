"""Merges contacts that turn out to be one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment
from ..domain.send_policy import Consents
from ..store import consents, contacts, counters, enrollments, events, sends
from ..store.consents import ConsentStatement
from ..store.counters import Tally
from ..store.db import Transaction
from .contact_resolver import fold_properties

REASON = "merged"


@dataclass
class MergeResult:
    """What a merge did to enrollments.

    Args:
        ended: those that were exited.
        woken: those whose wait an event of the other contact has ended.
    """

    ended: list[UUID] = field(default_factory=list[UUID])
    woken: list[UUID] = field(default_factory=list[UUID])


async def merge_contacts(
    tx: Transaction, ids: Sequence[UUID], tally: Tally, now: datetime
) -> MergeResult:
    """Merge contacts, inside the transaction of the event that shows them to be one person.

    The survivor is the one with a user id, else the oldest. Live enrollments, unsent sends and
    consents move to it. When both are live in one journey, the older enrollment continues; of two
    consents the stricter one wins. A wait ends when the other contact already has the event that
    it waits for, just as a wait that begins later would find it.

    Args:
        tx: the transaction.
        ids: contacts, of which at most one has a user id.
        tally: where changes are counted.
        now: the present instant.
    """
    known = await tx.one(contacts.by_ids(ids, tx.dialect.lock_rows))
    ordered = sorted(known.values(), key=lambda c: (c.user_id is None, c.id))
    survivor, *losers = ordered
    merged = MergeResult()
    for loser in losers:
        survivor, absorbed = await _absorb(tx, survivor, loser, tally, now)
        merged.ended += absorbed.ended
        merged.woken += absorbed.woken
    return merged


async def _absorb(
    tx: Transaction, survivor: Contact, loser: Contact, tally: Tally, now: datetime
) -> tuple[Contact, MergeResult]:
    live, consents_by_contact = await tx.fetch(
        enrollments.live_of([survivor.id, loser.id]),
        consents.of_contacts([survivor.id, loser.id]),
    )
    moved, ended = _resolve_live(survivor, loser, live, now)
    exited = {enrollment.id for enrollment in ended}
    stayed = [e for e in live if e.contact_id == survivor.id and e.id not in exited]
    woken = await _wake(tx, [(e, survivor) for e in moved] + [(e, loser) for e in stayed], now)
    for before in live:
        if before.id in exited:
            tally.change_state(before.journey_id, before.state, "exited")
            tally.change_wait(before.journey_id, before.wait.key if before.wait else None, None)
            tally.today(counters.ended(before.journey_id, "exited"))
    tally.today(counters.sends("cancelled"), await tx.one(sends.queued_of(exited, ())))
    older, newer = sorted((survivor, loser), key=lambda c: c.id)
    properties = fold_properties(loser.properties, survivor.properties)
    merged = replace(
        survivor,
        email=survivor.email or loser.email,
        anonymous_id=older.anonymous_id or newer.anonymous_id,
        properties=properties,
        # A number that no event has: a turn that runs meanwhile sees that something changed.
        event_seq=max(survivor.event_seq, loser.event_seq) + 1,
    )
    kept, lost = (
        consents_by_contact.get(contact.id, Consents()).choices for contact in (survivor, loser)
    )
    # A choice for a list that the survivor made none for moves; else the stricter one wins.
    statements = [
        ConsentStatement(survivor.id, list_id, subscribed, "merge")
        for list_id, subscribed in lost.items()
        if list_id not in kept or (kept[list_id] and not subscribed)
    ]
    await tx.apply(
        [
            # Ended first: the unique index allows one live enrollment per journey and key.
            enrollments.update(ended, now),
            enrollments.update([woken.get(e.id, e) for e in moved], now),
            enrollments.update([woken[e.id] for e in stayed if e.id in woken], now),
            sends.cancel_of_enrollments(dict.fromkeys(exited, REASON), now),
            *contacts.merge(loser.id, survivor.id, now),
            contacts.update([merged], now),
            consents.record(statements, now),
        ]
    )
    tally.gauge(counters.CONTACTS, -1)
    return merged, MergeResult(list(exited), list(woken))


async def _wake(
    tx: Transaction, kept: Sequence[tuple[Enrollment, Contact]], now: datetime
) -> dict[UUID, Enrollment]:
    """Return the enrollments whose wait events of the other contact have advanced or ended.

    Args:
        tx: the transaction.
        kept: the enrollments as they will be, each with the other contact.
        now: the present instant.
    """
    waiting = [(e, other) for e, other in kept if e.wait and e.wait.events and not e.wait_result]
    if not waiting:
        return {}
    names = sorted({match.event for e, _ in waiting if e.wait for match in e.wait.events})
    past_events = await tx.one(events.named(list({other.id for _, other in waiting}), names))
    woken: dict[UUID, Enrollment] = {}
    for before, other in waiting:
        after = before
        for event in past_events:
            if event.contact_id == other.id and before.look_back.sees(event, before.contact_id):
                after = after.after_event(replace(event, seq=0), event.received_at or now, now)
        if after is not before:
            woken[after.id] = after
    return woken


def _resolve_live(
    survivor: Contact,
    loser: Contact,
    live: Sequence[Enrollment],
    now: datetime,
) -> tuple[list[Enrollment], list[Enrollment]]:
    """Return the enrollments that move to the survivor, and those that end."""
    taken: dict[tuple[str, str], Enrollment] = {}
    moved: list[Enrollment] = []
    ended: list[Enrollment] = []
    for enrollment in sorted(live, key=lambda e: e.id):
        place = (enrollment.journey_id, enrollment.entry_key)
        if place in taken:
            ended.append(
                replace(
                    enrollment,
                    state="exited",
                    end_reason=REASON,
                    ended_at=now,
                    wake_at=None,
                    wait=None,
                    wait_result=None,
                )
            )
            continue
        taken[place] = enrollment
        if enrollment.contact_id == loser.id:
            moved.append(enrollment.moved_to(survivor.id))
    return moved, ended
