"""Splits two contacts that were merged: what came from the merged contact returns to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment
from ..domain.following import UNMERGE
from ..domain.journey import EVERYTHING
from ..domain.merge_record import (
    MERGED,
    Choice,
    DuplicateEnrollment,
    MergeRecord,
    OtherMerge,
    Unmerge,
    decide_unmerge,
)
from ..domain.send_policy import UNWANTED
from ..errors import Conflict, NotFound
from ..store import consents, contacts, counters, enrollments, merges
from ..store.consents import ListDecision
from ..store.counters import Tally
from ..store.db import Transaction, Write


@dataclass
class UnmergeResult:
    """What an unmerge did.

    Args:
        survivor_id: the contact that keeps what has changed since the merge.
        merged_id: the contact that is one of its own again.
        wakes: the due times of the enrollments whose wait has moved.
        stay_ended: the enrollments that the merge has ended, and that do not go on.
    """

    survivor_id: UUID
    merged_id: UUID
    wakes: dict[UUID, datetime] = field(default_factory=dict[UUID, datetime])
    stay_ended: Sequence[DuplicateEnrollment] = ()


async def unmerge_contact(
    tx: Transaction, merged_id: UUID, who: str, tally: Tally, now: datetime
) -> UnmergeResult:
    """Split a merged contact from its survivor, inside a transaction.

    What came from it returns to it, and what has changed since the merge stays with the survivor
    (docs/identity.md). Turns that are running for either run again.

    Args:
        tx: the transaction.
        merged_id: the contact that was merged into another.
        who: who undoes the merge.
        tally: counts the changes; the caller writes the tally.
        now: the current time.

    Raises:
        HogsendError: there is no such contact, it is not merged, or its survivor was itself merged.
    """
    record, survivor, merged = await _lock(tx, merged_id)
    identities, records, live, started, stay_ended = await tx.fetch(
        merges.find_identities(survivor.id),
        merges.find_by_survivor(survivor.id),
        enrollments.find_live([survivor.id]),
        merges.find_started_by(survivor.id, [merged.id, *record.undo.merged_before]),
        merges.find_ended_by(record),
    )
    by_id = await tx.fetch_one(enrollments.find_by_ids([*record.undo.enrollments, *started]))
    moved = {n.id: n for n in by_id.values() if n.contact_id == survivor.id}
    choices, others = await _load_others(tx, survivor, [r for r in records if r.id != record.id])
    decision = decide_unmerge(
        record, survivor, merged, identities=identities, choices=choices, others=others
    )
    result = UnmergeResult(survivor.id, merged.id, stay_ended=stay_ended)
    await tx.apply(
        [
            enrollments.update(_change_enrollments(decision, live, moved, result, now), now),
            contacts.update([decision.survivor], now),
            *merges.split(record, decision, now),
            *merges.return_sends(record, moved),
            *_change_choices(decision, now),
            merges.record_undo(record.id, who, now),
            *_hand_on(decision, others),
        ]
    )
    tally.add_to_gauge(counters.CONTACTS, 1)
    return result


async def _lock(tx: Transaction, merged_id: UUID) -> tuple[MergeRecord, Contact, Contact]:
    record = await tx.fetch_one(merges.find_present(merged_id))
    if record is None:
        if not await tx.fetch_one(contacts.find_by_ids([merged_id])):
            raise NotFound("There is no such contact.", "It may have been removed.")
        raise Conflict(
            "This contact is not merged into another one.",
            "Only a merge that this version has recorded can be undone, and only once.",
        )
    ids = [record.survivor_id, merged_id]
    locked = await tx.fetch_one(contacts.lock(ids, tx.dialect.lock_rows))
    # Another process may have undone the merge before the rows were locked.
    present = await tx.fetch_one(merges.find_present(merged_id))
    if present is None or present.id != record.id or len(locked.by_id) < len(ids):
        raise Conflict("This contact has just been changed.", "Look at it again.")
    owner_id = locked.survivors.get(merged_id)
    if owner_id != record.survivor_id:
        raise Conflict(
            f"The contact that this one was merged into, {record.survivor_id}, was merged into "
            f"{owner_id} later.",
            "Undo that merge first.",
        )
    return record, locked.by_id[record.survivor_id], locked.by_id[merged_id]


async def _load_others(
    tx: Transaction, survivor: Contact, records: Sequence[MergeRecord]
) -> tuple[Mapping[str, Choice], Sequence[OtherMerge]]:
    """Return the survivor's choices, and the other merges with what their contacts brought."""
    ids = [record.merged_id for record in records]
    chosen, by_id, suppressed = await tx.fetch(
        merges.find_choices([survivor.id, *ids]),
        contacts.find_by_ids(ids),
        consents.find_suppressed_by_contacts(ids),
    )
    others: list[OtherMerge] = []
    for record in records:
        merged = by_id[record.merged_id]
        brought = {k: choice.subscribed for k, choice in chosen.get(merged.id, {}).items()}
        if suppressed.get(merged.email or "") in UNWANTED:
            brought[EVERYTHING] = False
        others.append(OtherMerge(record, merged.properties, brought))
    return chosen.get(survivor.id, {}), others


def _change_enrollments(
    decision: Unmerge,
    live: Iterable[Enrollment],
    moved: Mapping[UUID, Enrollment],
    result: UnmergeResult,
    now: datetime,
) -> Iterable[Enrollment]:
    """Yield the enrollments that move back, and those whose wait follows other properties now."""
    survivor, merged = decision.survivor, decision.merged
    present = {**moved, **{enrollment.id: enrollment for enrollment in live}}
    for before in present.values():
        returns = before.id in moved
        after = before.move_to(merged.id) if returns else before
        if after.is_live:
            owner = merged if returns else survivor
            followed = after.follow_properties(owner.properties, UNMERGE, now)
            if followed is not after and followed.wake_at is not None:
                result.wakes[followed.id] = followed.wake_at
            after = followed
        if after is not before:
            yield after


def _change_choices(decision: Unmerge, now: datetime) -> list[Write]:
    merged_id = decision.merged.id
    both = [ListDecision(merged_id, list_id, False, MERGED) for list_id in decision.copied]
    return [
        *merges.restore_choices(decision.survivor.id, list(decision.restored.items())),
        consents.record_decisions(both, now),
    ]


def _hand_on(decision: Unmerge, others: Iterable[OtherMerge]) -> list[Write]:
    """Return the writes by which other merges give properties that this one gave before."""
    writes: list[Write] = []
    for record in (other.record for other in others):
        if handed_on := decision.handed_on.get(record.id):
            filled_in = {**record.undo.filled_in, **handed_on}
            writes.append(merges.update_undo(record.id, replace(record.undo, filled_in=filled_in)))
    return writes
