"""Merges contacts that turn out to be one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from ..domain.contact import Contact
from ..domain.send_policy import Consents
from ..store import consents, contacts, counters, enrollments, sends, steps, turns
from ..store.consents import ListDecision
from ..store.counters import Tally
from ..store.db import Transaction
from .contact_resolver import fold_properties
from .merged_enrollments import EnrollmentMerge
from .rules import IngestRules


@dataclass
class MergeResult:
    """The enrollments that a merge changed.

    Args:
        ended: the enrollments that were exited.
        wakes: the due times of the enrollments whose wait the merge has advanced, ended or moved.
    """

    ended: list[UUID] = field(default_factory=list[UUID])
    wakes: dict[UUID, datetime] = field(default_factory=dict[UUID, datetime])


async def merge_contacts(
    tx: Transaction, ids: Sequence[UUID], rules: IngestRules, tally: Tally, now: datetime
) -> MergeResult:
    """Merge contacts, inside the transaction of the event that shows them to be one person.

    The survivor is the contact with a user id, else the oldest contact. Live enrollments, unsent
    sends and consents move to the survivor; of two consents the stricter one wins. `decide_merge`
    decides about the enrollments that both have in one journey. An event of one contact ends
    enrollments and waits of the other as if it had been an event of the other from the start.

    Args:
        tx: the transaction.
        ids: contacts, of which at most one has a user id.
        rules: the journeys, lists and switches that decide.
        tally: counts the changes.
        now: the current time.
    """
    contacts_by_id = await tx.fetch_one(contacts.find_by_ids(ids, tx.dialect.lock_rows))
    survivor, *losers = sorted(contacts_by_id.values(), key=lambda c: (c.user_id is None, c.id))
    merged = MergeResult()
    for loser in losers:
        combined = _combine(survivor, loser)
        merge = EnrollmentMerge(combined, loser.id, rules, now)
        absorbed = await _absorb(tx, combined, loser, merge, tally)
        survivor = combined
        merged.ended += absorbed.ended
        merged.wakes.update(absorbed.wakes)
    return merged


async def _absorb(
    tx: Transaction,
    survivor: Contact,
    loser: Contact,
    merge: EnrollmentMerge,
    tally: Tally,
) -> MergeResult:
    await merge.load(tx)
    merge.count(tally)
    consents_by_contact = await tx.fetch_one(consents.find_by_contacts([survivor.id, loser.id]))
    now = merge.now
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
            enrollments.update(merge.ended, now),
            enrollments.update(merge.changed, now),
            sends.move(merge.moved_mails),
            sends.cancel(merge.cancelled, now),
            steps.delete(merge.adopted_steps),
            *turns.insert(merge.turns),
            *contacts.merge(loser.id, survivor.id, now),
            contacts.update([survivor], now),
            consents.record_decisions(statements, now),
        ]
    )
    tally.add_to_gauge(counters.CONTACTS, -1)
    return MergeResult([e.id for e in merge.ended], merge.wakes)


def _combine(survivor: Contact, loser: Contact) -> Contact:
    """Return the survivor with the fields of both contacts."""
    older, newer = sorted((survivor, loser), key=lambda c: c.id)
    return replace(
        survivor,
        email=survivor.email or loser.email,
        anonymous_id=older.anonymous_id or newer.anonymous_id,
        properties=fold_properties(loser.properties, survivor.properties),
        # One more than any event has, so that no event of either contact has the same number.
        event_seq=max(survivor.event_seq, loser.event_seq) + 1,
        # A turn that is running sees that its contact has changed.
        revision=max(survivor.revision, loser.revision) + 1,
    )
