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
from ..store.consents import ListDecision
from ..store.counters import Tally
from ..store.db import Transaction
from .contact_resolver import fold_properties
from .rules import IngestRules

REASON = "merged"


@dataclass
class MergeResult:
    """The enrollments that a merge changed.

    Args:
        ended: the enrollments that were exited.
        woken: the enrollments whose wait was advanced or ended by an event of the other contact.
    """

    ended: list[UUID] = field(default_factory=list[UUID])
    woken: list[UUID] = field(default_factory=list[UUID])


async def merge_contacts(
    tx: Transaction, ids: Sequence[UUID], rules: IngestRules, tally: Tally, now: datetime
) -> MergeResult:
    """Merge contacts, inside the transaction of the event that shows them to be one person.

    The survivor is the contact with a user id, else the oldest contact. Live enrollments, unsent
    sends and consents move to the survivor. When both contacts are live in one journey, the older
    enrollment continues; of two consents the stricter one wins. A wait ends when the other contact
    already has the event that the wait is for, just as a later wait would find that event.

    Args:
        tx: the transaction.
        ids: contacts, of which at most one has a user id.
        rules: the journeys, whose keys decide which waits an event concerns.
        tally: counts the changes.
        now: the current time.
    """
    contacts_by_id = await tx.fetch_one(contacts.find_by_ids(ids, tx.dialect.lock_rows))
    survivor, *losers = sorted(contacts_by_id.values(), key=lambda c: (c.user_id is None, c.id))
    merged = MergeResult()
    for loser in losers:
        survivor, absorbed = await _absorb(tx, survivor, loser, rules=rules, tally=tally, now=now)
        merged.ended += absorbed.ended
        merged.woken += absorbed.woken
    return merged


async def _absorb(
    tx: Transaction,
    survivor: Contact,
    loser: Contact,
    *,
    rules: IngestRules,
    tally: Tally,
    now: datetime,
) -> tuple[Contact, MergeResult]:
    live, consents_by_contact = await tx.fetch(
        enrollments.find_live([survivor.id, loser.id]),
        consents.find_by_contacts([survivor.id, loser.id]),
    )
    moved, ended = _split_live(survivor, loser, live, now)
    exited = {enrollment.id for enrollment in ended}
    stayed = [e for e in live if e.contact_id == survivor.id and e.id not in exited]
    pairs = [(e, survivor) for e in moved] + [(e, loser) for e in stayed]
    woken = await _wake(tx, pairs, rules, now)
    for before in live:
        if before.id in exited:
            tally.change_state(before.journey_id, before.state, "exited")
            tally.change_wait(before.journey_id, before.wait.key if before.wait else None, None)
            tally.add_today(counters.name_ended_total(before.journey_id, "exited"))
    tally.add_today(
        counters.name_send_total("cancelled"), await tx.fetch_one(sends.count_queued(exited, ()))
    )
    merged = _combine(survivor, loser)
    survivor_choices, loser_choices = (
        consents_by_contact.get(contact.id, Consents()).choices for contact in (survivor, loser)
    )
    # The loser's choice counts where the survivor made none, or where it is the stricter one.
    statements = [
        ListDecision(survivor.id, list_id, subscribed, "merge")
        for list_id, subscribed in loser_choices.items()
        if list_id not in survivor_choices or (survivor_choices[list_id] and not subscribed)
    ]
    await tx.apply(
        [
            # Ended first: the unique index allows one live enrollment per journey and key.
            enrollments.update(ended, now),
            enrollments.update([woken.get(e.id, e) for e in moved], now),
            enrollments.update([woken[e.id] for e in stayed if e.id in woken], now),
            sends.cancel_by_enrollments(dict.fromkeys(exited, REASON), now),
            *contacts.merge(loser.id, survivor.id, now),
            contacts.update([merged], now),
            consents.record_decisions(statements, now),
        ]
    )
    tally.add_to_gauge(counters.CONTACTS, -1)
    return merged, MergeResult(list(exited), list(woken))


def _combine(survivor: Contact, loser: Contact) -> Contact:
    """Return the survivor with the fields of both contacts."""
    older, newer = sorted((survivor, loser), key=lambda c: c.id)
    return replace(
        survivor,
        email=survivor.email or loser.email,
        anonymous_id=older.anonymous_id or newer.anonymous_id,
        properties=fold_properties(loser.properties, survivor.properties),
        # One more than any event has, so that a turn that is running sees that something changed.
        event_seq=max(survivor.event_seq, loser.event_seq) + 1,
        revision=max(survivor.revision, loser.revision) + 1,
    )


async def _wake(
    tx: Transaction,
    live: Sequence[tuple[Enrollment, Contact]],
    rules: IngestRules,
    now: datetime,
) -> dict[UUID, Enrollment]:
    """Return the enrollments whose wait is advanced or ended by events of the other contact.

    Args:
        tx: the transaction.
        live: the live enrollments after the merge, each with the other contact.
        rules: the journeys.
        now: the current time.
    """
    waiting = [(e, other) for e, other in live if e.wait and e.wait.events and not e.wait_result]
    if not waiting:
        return {}
    names = sorted({match.event for e, _ in waiting if e.wait for match in e.wait.events})
    past_events = await tx.fetch_one(
        events.find_by_names(list({other.id for _, other in waiting}), names)
    )
    woken: dict[UUID, Enrollment] = {}
    for before, other in waiting:
        after, journey = before, rules.find_definition(before.journey_id)
        for event in past_events:
            if event.contact_id == other.id and before.look_back.can_see(event, before.contact_id):
                own = replace(event, seq=0)
                after = after.apply_event(own, journey, event.received_at, now)
        if after is not before:
            woken[after.id] = after
    return woken


def _split_live(
    survivor: Contact,
    loser: Contact,
    live: Sequence[Enrollment],
    now: datetime,
) -> tuple[list[Enrollment], list[Enrollment]]:
    """Return the enrollments that move to the survivor, and the enrollments that end."""
    entries: set[tuple[str, str]] = set()
    moved: list[Enrollment] = []
    ended: list[Enrollment] = []
    for enrollment in sorted(live, key=lambda e: e.id):
        entry = (enrollment.journey_id, enrollment.entry_key)
        if entry in entries:
            ended.append(enrollment.exit(REASON, now))
            continue
        entries.add(entry)
        if enrollment.contact_id == loser.id:
            moved.append(enrollment.move_to(survivor.id))
    return moved, ended
