"""Merges of contacts by hand, and undoing merges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ..domain.contact import Contact
from ..domain.journal import to_storable_text
from ..domain.merge_record import DuplicateEnrollment, MergeRecord
from ..errors import Conflict, InvalidInput, NotFound
from ..ingest.batch_result import BatchResult
from ..ingest.merge import MergeCause
from ..ingest.merge import merge_contacts as merge_within
from ..ingest.unmerge import unmerge_contact as unmerge_within
from ..store import audit, contacts
from ..store.counters import Tally
from ..store.db import Transaction
from .actor import Actor, Permission
from .contacts import read_contact
from .journey_context import JourneyContext

__all__ = [
    "DuplicateEnrollment",
    "MergeRecord",
    "SplitContact",
    "merge_contacts",
    "unmerge_contact",
]

_MAX_NOTE_LENGTH = 200
_TOPICS = ("contacts", "enrollments", "sends")


@dataclass(frozen=True, slots=True)
class SplitContact:
    """A contact that is one of its own again.

    Args:
        contact: the contact.
        stay_ended: the enrollments, its own or of the contact that it was merged into, that the
            merge has ended because both were in the journey; they do not go on.
    """

    contact: Contact
    stay_ended: Sequence[DuplicateEnrollment]


async def merge_contacts(
    context: JourneyContext,
    actor: Actor,
    kept_id: UUID,
    other_id: UUID,
    *,
    force: bool = False,
    note: str = "",
) -> Contact:
    """Merge two contacts that are one person, as an event that names both would.

    As with an event, the contact with a user id survives, else the older one. Of two contacts with
    different user ids, which no event merges, `kept_id` survives.

    Args:
        context: whose contacts.
        actor: who merges them.
        kept_id: one contact.
        other_id: the other contact.
        force: whether to merge contacts with different user ids.
        note: why, as the timeline shows it; required with `force`.

    Returns:
        The contact that remains.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: one of them does not exist.
        Conflict: they are one contact already, or have different user ids.
        InvalidInput: `force` without a note, or the note is too long.
    """
    actor.require(Permission.OPERATE)
    note = _check_note(note, is_required=force)
    ids = [(await _require(context, contact_id)).id for contact_id in (kept_id, other_id)]
    if ids[0] == ids[1]:
        raise Conflict("These are one contact already.", "Name two different contacts.")
    now = context.clock.now()
    tally = Tally(now)
    async with context.database.transaction() as tx:
        cause = MergeCause(actor.name, note, await _check_pair(tx, ids, force))
        merged = await merge_within(tx, ids, context.ingest.rules, tally, now, cause=cause)
        after_merge = await tx.fetch_one(contacts.lock(ids, ""))
        ((merged_id, survivor_id),) = after_merge.survivors.items()
        after = {"merged": str(merged_id), **({"note": note} if note else {})}
        entry = audit.record(actor.name, "merge", f"/contacts/{survivor_id}", now, after=after)
        await tx.apply([tally.to_write(), entry])
    await context.ingest.publish_result(
        BatchResult(ended=merged.ended, wakes=merged.wakes, topics=set(_TOPICS))
    )
    return after_merge.by_id[survivor_id]


async def unmerge_contact(context: JourneyContext, actor: Actor, merged_id: UUID) -> SplitContact:
    """Undo the merge of a contact into another (docs/identity.md says what returns to it).

    Args:
        context: whose contacts.
        actor: who undoes the merge.
        merged_id: the contact that was merged into another.

    Returns:
        The contact that is one of its own again, and what does not come back.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such contact.
        Conflict: it is not merged, or its survivor was itself merged into another contact.
    """
    actor.require(Permission.OPERATE)
    now = context.clock.now()
    tally = Tally(now)
    async with context.database.transaction() as tx:
        result = await unmerge_within(tx, merged_id, actor.name, tally, now)
        entry = audit.record(
            actor.name,
            "unmerge",
            f"/contacts/{merged_id}",
            now,
            after={"from": str(result.survivor_id)},
        )
        await tx.apply([tally.to_write(), entry])
    await context.ingest.publish_result(BatchResult(wakes=result.wakes, topics=set(_TOPICS)))
    return SplitContact(await _require(context, merged_id), result.stay_ended)


async def _check_pair(tx: Transaction, ids: Sequence[UUID], force: bool) -> UUID | None:
    """Lock two contacts, the one to keep first; return the survivor that no rule decides, if any.

    Raises:
        Conflict: they have just been merged, or have different user ids.
    """
    locked = await tx.fetch_one(contacts.lock(ids, tx.dialect.lock_rows))
    if locked.survivors or len(locked.by_id) < len(ids):
        raise Conflict("One of the contacts has just been merged.", "Look at them again.")
    kept, other = (locked.by_id[contact_id] for contact_id in ids)
    if not (kept.user_id and other.user_id):
        return None
    if not force:
        raise Conflict(
            f"The contacts have different user ids, {kept.user_id} and {other.user_id}.",
            "If they are one person nevertheless, force the merge and give the reason.",
        )
    return kept.id


def _check_note(note: str, *, is_required: bool) -> str:
    text = to_storable_text(note).strip()
    if len(text) > _MAX_NOTE_LENGTH:
        raise InvalidInput(f"The note has more than {_MAX_NOTE_LENGTH} characters.", "Shorten it.")
    if is_required and not text:
        raise InvalidInput(
            "Merging contacts with different user ids needs a note.", "Say why they are one person."
        )
    return text


async def _require(context: JourneyContext, contact_id: UUID) -> Contact:
    contact = await read_contact(context, contact_id)
    if contact is None:
        raise NotFound("Contact not found", "It may have been removed, or the id is incomplete.")
    return contact
