"""Privacy: everything that is stored about a person is erased on request."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ..ingest.erasing import ContentEraser, find_person, make_unknown
from ..store import erasures
from ..store.counters import Tally
from ..store.erasures import StoredCounts
from .actor import Actor, Permission
from .audit import build_audit_entry
from .installation import Installation

__all__ = ["ErasureResult", "StoredCounts", "count_stored", "erase_contact"]


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """What an erasure did.

    Args:
        contact_id: the contact; its id stays, and names nobody any more.
        counts: how much was stored about the person.
        is_finished: whether nothing personal is left. Otherwise a mail is leaving at the moment;
            the worker erases the rest when the provider has answered.
        was_erased: whether the contact had been erased before.
    """

    contact_id: UUID
    counts: StoredCounts
    is_finished: bool
    was_erased: bool


async def count_stored(installation: Installation, actor: Actor, contact_id: UUID) -> StoredCounts:
    """Return how much is stored about a person, which an erasure would remove.

    Args:
        installation: where it is stored.
        actor: who asks.
        contact_id: the contact, or one that was merged into it.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no such contact.
    """
    actor.require(Permission.READ)
    return await installation.database.read_one(erasures.count_stored(contact_id))


async def erase_contact(
    installation: Installation, actor: Actor, contact_id: UUID, *, keeps_addresses: bool = True
) -> ErasureResult:
    """Erase everything personal that is stored about a contact; counts and times stay.

    From the first moment on, the contact is unknown: its enrollments have ended, its mails are
    cancelled, and the next event of the person makes a new contact. The content is removed in
    small steps. When the process ends meanwhile, the worker removes the rest.

    The addresses stay suppressed, as hashes. To erase a contact again does no harm.

    Args:
        installation: where the contact is stored.
        actor: who erases it.
        contact_id: the contact, or one that was merged into it.
        keeps_addresses: whether all addresses stay suppressed; otherwise only those of a person who
            must not be mailed, or who has unsubscribed from everything.

    Raises:
        Forbidden: the actor may not administer.
        NotFound: there is no such contact.
    """
    actor.require(Permission.ADMINISTER)
    database, clock = installation.database, installation.clock
    eraser = ContentEraser(database, clock)
    counts = await database.read_one(erasures.count_stored(contact_id))
    async with database.transaction() as tx:
        person = await find_person(tx, contact_id)
    if not person.is_erased:
        await eraser.redact_mentions(person)
    now = clock.now()
    tally = Tally(now)
    async with database.transaction() as tx:
        person = await find_person(tx, contact_id)
        if not person.is_erased:
            await make_unknown(tx, person, tally, now, keeps_addresses=keeps_addresses)
            subject = f"/contacts/{person.contact_id}"
            entry = build_audit_entry(installation, actor, "erase", subject)
            await tx.apply([tally.to_write(), entry])
    topics = ("contacts", "enrollments", "events", "sends")
    installation.change_feed.publish(*topics)
    is_finished = await eraser.erase(person.contact_id, person.ids)
    installation.change_feed.publish(*topics)
    return ErasureResult(person.contact_id, counts, is_finished, person.is_erased)
