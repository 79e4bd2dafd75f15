"""When two contacts turn out to be one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment, LookBack
from ..store import consents, contacts, enrollments, events, sends
from ..store.consents import Said
from ..store.counters import Tally
from ..store.db import Transaction
from .people import fold


async def merge(tx: Transaction, ids: Sequence[UUID], tally: Tally, now: datetime) -> None:
    """Make one contact of several, inside the transaction of the fact that showed it.

    The survivor has a user id, then is the oldest. Live enrollments, unsent sends and consents
    follow; where both are live in one journey the older continues; the strictest consent wins.

    Args:
        tx: the transaction.
        ids: contacts, of which at most one has a user id.
        tally: where changes are counted.
        now: the present instant.
    """
    known = await tx.one(contacts.by_ids(ids, tx.dialect.lock_rows))
    ordered = sorted(known.values(), key=lambda c: (c.user_id is None, c.id))
    survivor, *losers = ordered
    for loser in losers:
        survivor = await _absorb(tx, survivor, loser, tally, now)


async def _absorb(
    tx: Transaction, survivor: Contact, loser: Contact, tally: Tally, now: datetime
) -> Contact:
    live, said = await tx.fetch(
        enrollments.live_of([survivor.id, loser.id]),
        consents.of_contacts([survivor.id, loser.id]),
    )
    moved, ended = await _follow(tx, survivor, loser, live, now)
    for enrollment in ended:
        tally.moved(enrollment.journey_id, _state_of(live, enrollment.id), "exited")
        tally.waits(enrollment.journey_id, _wait_of(live, enrollment.id), None)
    older, newer = sorted((survivor, loser), key=lambda c: c.id)
    properties = fold(loser.properties, survivor.properties)
    one = replace(
        survivor,
        email=survivor.email or loser.email,
        anonymous_id=older.anonymous_id or newer.anonymous_id,
        properties=properties,
        event_seq=max(survivor.event_seq, loser.event_seq),
    )
    lost = said.get(loser.id)
    strict = [
        Said(survivor.id, list_id, False, "merge")
        for list_id, subscribed in (lost.said.items() if lost else ())
        if not subscribed
    ]
    await tx.apply(
        [
            # Ended first: two live ones in the same place would break the unique index.
            enrollments.update(ended, now),
            enrollments.update(moved, now),
            sends.cancel_of_enrollments([e.id for e in ended], "merged", now),
            *contacts.merge(loser.id, survivor.id, now),
            contacts.update([one], now),
            consents.say(strict, now),
        ]
    )
    tally.gauge("contacts", -1)
    return one


async def _follow(
    tx: Transaction,
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
                    end_reason="merged",
                    ended_at=now,
                    wake_at=None,
                    wait=None,
                    wait_result=None,
                )
            )
            continue
        taken[place] = enrollment
        if enrollment.contact_id == loser.id:
            # The two were numbered apart, so the look back goes by time from here on.
            since = await tx.one(events.arrived_by(loser.id, enrollment.look_back.seq))
            at = max(filter(None, (since, enrollment.look_back.at)), default=None)
            moved.append(replace(enrollment, contact_id=survivor.id, look_back=LookBack(0, at)))
    return moved, ended


def _state_of(live: Sequence[Enrollment], enrollment_id: UUID) -> str | None:
    return next((e.state for e in live if e.id == enrollment_id), None)


def _wait_of(live: Sequence[Enrollment], enrollment_id: UUID) -> str | None:
    return next((e.wait.key for e in live if e.id == enrollment_id and e.wait), None)
