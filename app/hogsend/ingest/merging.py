"""When two contacts turn out to be one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment
from ..domain.sending import Consents
from ..store import consents, contacts, enrollments, sends
from ..store.consents import Said
from ..store.counters import Tally
from ..store.db import Transaction
from .people import fold

REASON = "merged"


async def merge(tx: Transaction, ids: Sequence[UUID], tally: Tally, now: datetime) -> list[UUID]:
    """Make one contact of several, inside the transaction of the fact that showed it.

    The survivor has a user id, then is the oldest. Live enrollments, unsent sends and consents
    follow; where both are live in one journey the older continues; the strictest consent wins.

    Args:
        tx: the transaction.
        ids: contacts, of which at most one has a user id.
        tally: where changes are counted.
        now: the present instant.

    Returns:
        The enrollments that ended.
    """
    known = await tx.one(contacts.by_ids(ids, tx.dialect.lock_rows))
    ordered = sorted(known.values(), key=lambda c: (c.user_id is None, c.id))
    survivor, *losers = ordered
    ended: list[UUID] = []
    for loser in losers:
        survivor, exited = await _absorb(tx, survivor, loser, tally, now)
        ended.extend(exited)
    return ended


async def _absorb(
    tx: Transaction, survivor: Contact, loser: Contact, tally: Tally, now: datetime
) -> tuple[Contact, list[UUID]]:
    live, said = await tx.fetch(
        enrollments.live_of([survivor.id, loser.id]),
        consents.of_contacts([survivor.id, loser.id]),
    )
    moved, ended = _follow(survivor, loser, live, now)
    exited = {enrollment.id for enrollment in ended}
    for before in live:
        if before.id in exited:
            tally.moved(before.journey_id, before.state, "exited")
            tally.waits(before.journey_id, before.wait.key if before.wait else None, None)
            tally.today(f"ended/{before.journey_id}/exited")
    tally.today("sends/cancelled", await tx.one(sends.queued_of(exited, ())))
    older, newer = sorted((survivor, loser), key=lambda c: c.id)
    properties = fold(loser.properties, survivor.properties)
    one = replace(
        survivor,
        email=survivor.email or loser.email,
        anonymous_id=older.anonymous_id or newer.anonymous_id,
        properties=properties,
        event_seq=max(survivor.event_seq, loser.event_seq),
    )
    kept, lost = (said.get(one.id, Consents()).said for one in (survivor, loser))
    # What nobody contradicts follows, and of two words the stricter one counts.
    heard = [
        Said(survivor.id, list_id, subscribed, "merge")
        for list_id, subscribed in lost.items()
        if list_id not in kept or (kept[list_id] and not subscribed)
    ]
    await tx.apply(
        [
            # Ended first: two live ones in the same place would break the unique index.
            enrollments.update(ended, now),
            enrollments.update(moved, now),
            sends.cancel_of_enrollments(dict.fromkeys(exited, REASON), now),
            *contacts.merge(loser.id, survivor.id, now),
            contacts.update([one], now),
            consents.say(heard, now),
        ]
    )
    tally.gauge("contacts", -1)
    return one, list(exited)


def _follow(
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
