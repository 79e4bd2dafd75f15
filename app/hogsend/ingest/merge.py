"""Merges contacts that turn out to be one person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.contact import Contact
from ..domain.ids import new_id
from ..domain.journey import EVERYTHING
from ..domain.merge_record import (
    BY_EVENT,
    MERGED,
    Choice,
    MergeRecord,
    MergeUndo,
    get_own_choice,
)
from ..domain.send_policy import UNWANTED
from ..store import consents, contacts, counters, enrollments, merges, sends, steps, turns
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


@dataclass(frozen=True, slots=True)
class MergeCause:
    """Why contacts are merged.

    Args:
        source: `event`, or the name of the operator, the key or the command line.
        note: why, as an operator wrote it; may be empty.
        keep: the contact that has to survive; None lets the rule decide.
    """

    source: str = BY_EVENT
    note: str = ""
    keep: UUID | None = None


async def merge_contacts(
    tx: Transaction,
    ids: Sequence[UUID],
    rules: IngestRules,
    tally: Tally,
    now: datetime,
    *,
    cause: MergeCause = MergeCause(),
) -> MergeResult:
    """Merge contacts, inside the transaction of the event that shows them to be one person.

    The survivor is the contact with a user id, else the oldest contact. Live enrollments, unsent
    sends and consents move to the survivor; of two consents the stricter one wins. `decide_merge`
    decides about the enrollments that both have in one journey. An event of one contact ends
    enrollments and waits of the other as if it had been an event of the other from the start.

    Args:
        tx: the transaction.
        ids: contacts, of which at most one has a user id, unless an operator insists.
        rules: the journeys, lists and switches that decide.
        tally: counts the changes.
        now: the current time.
        cause: why they are merged.
    """
    contacts_by_id = await tx.fetch_one(contacts.find_by_ids(ids, tx.dialect.lock_rows))
    survivor, *losers = sorted(
        contacts_by_id.values(), key=lambda c: (c.id != cause.keep, c.user_id is None, c.id)
    )
    merged = MergeResult()
    for loser in losers:
        combined = _combine(survivor, loser)
        merge = EnrollmentMerge(combined, loser.id, rules, now)
        absorbed = await _absorb(tx, _Pair(survivor, loser, combined), merge, tally, cause)
        survivor = combined
        merged.ended += absorbed.ended
        merged.wakes.update(absorbed.wakes)
    return merged


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two contacts that are merged, and the survivor with the fields of both."""

    survivor: Contact
    loser: Contact
    combined: Contact

    def list_filled_in(self) -> Mapping[str, Any]:
        """Return the properties that the survivor gets from the other contact."""
        own = self.survivor.properties
        return {name: value for name, value in self.loser.properties.items() if name not in own}


async def _absorb(
    tx: Transaction, pair: _Pair, merge: EnrollmentMerge, tally: Tally, cause: MergeCause
) -> MergeResult:
    await merge.load(tx)
    merge.count(tally)
    survivor, loser, now = pair.combined, pair.loser, merge.now
    chosen, suppressed, earlier, identities, pending, on_behalf = await tx.fetch(
        merges.find_choices([survivor.id, loser.id]),
        consents.find_suppressed([c.email for c in (pair.survivor, loser) if c.email]),
        merges.find_by_survivor(survivor.id),
        merges.find_identities(loser.id),
        merges.find_pending_sends(loser.id),
        merges.find_pending_sends_on_behalf(loser.id),
    )
    survivor_choices = chosen.get(survivor.id, {})
    statements = _combine_choices(pair, survivor_choices, chosen.get(loser.id, {}), suppressed)
    undo = MergeUndo(
        identities=identities,
        merged_before=merge.list_merged_into(loser.id),
        email=pair.survivor.email,
        anonymous_id=pair.survivor.anonymous_id,
        first_seen_at=pair.survivor.first_seen_at,
        filled_in=pair.list_filled_in(),
        choices={
            list_id: get_own_choice(list_id, survivor_choices.get(list_id), earlier)
            for list_id in (statement.list_id for statement in statements)
        },
        enrollments=merge.list_moved(),
        sends=pending,
        sends_on_behalf=on_behalf,
    )
    source, note = cause.source[:320], cause.note
    record = MergeRecord(new_id(now), survivor.id, loser.id, now, source, note, undo)
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
            merges.insert(record),
        ]
    )
    tally.add_to_gauge(counters.CONTACTS, -1)
    return MergeResult([e.id for e in merge.ended], merge.wakes)


def _combine_choices(
    pair: _Pair,
    survivor_choices: Mapping[str, Choice],
    loser_choices: Mapping[str, Choice],
    suppressed: Mapping[str, str],
) -> list[ListDecision]:
    """Return the choices that the survivor gets from the other contact.

    The other contact's choice counts where the survivor made none, or where it is the stricter one.
    An address that is suppressed because its owner wants no mail keeps mail from the person's other
    address too; an address that bounces does not.
    """
    survivor = pair.combined
    decisions = {
        list_id: choice.subscribed
        for list_id, choice in loser_choices.items()
        if list_id not in survivor_choices
        or (survivor_choices[list_id].subscribed and not choice.subscribed)
    }
    other_addresses = {pair.survivor.email, pair.loser.email} - {survivor.email}
    everything = survivor_choices.get(EVERYTHING)
    if (everything is None or everything.subscribed) and any(
        address and suppressed.get(address) in UNWANTED for address in other_addresses
    ):
        decisions[EVERYTHING] = False
    return [
        ListDecision(survivor.id, list_id, subscribed, MERGED)
        for list_id, subscribed in decisions.items()
    ]


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
