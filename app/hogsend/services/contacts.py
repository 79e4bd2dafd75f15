"""Contacts: read with everything that concerns them, allowed to get mail again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from ..domain.address import normalize_email
from ..domain.contact import Contact
from ..domain.enrollment import Enrollment
from ..domain.incoming import IncomingEvent, IngestResult, Suppress
from ..domain.merge_record import MergeRecord
from ..domain.send_policy import Send
from ..errors import Conflict, NotFound
from ..store import consents, contacts
from ..store.db import Write
from ..store.read_models import contacts as read_model
from ..store.read_models.contact_totals import PaidTotal, find_paid
from ..store.read_models.contacts import (
    ConsentRecord,
    EngagementRecord,
    SuppressionRecord,
)
from .actor import Actor, Permission
from .audit import apply_audited, build_audit_entry
from .installation import Installation
from .journey_context import JourneyContext
from .masked_mail import mask_values

__all__ = [
    "ConsentRecord",
    "Contact",
    "ContactDetail",
    "EngagementRecord",
    "PaidTotal",
    "SuppressionRecord",
    "find_contact",
    "find_contact_ids",
    "get_contact",
    "get_contact_detail",
    "get_paid_totals",
    "name_emails",
    "read_contact",
    "suppress_address",
    "unsuppress_address",
]
# The characters of an operator's note that are kept.
MAX_NOTE_LENGTH = 500


@dataclass(frozen=True, slots=True)
class ContactDetail:
    """A contact with everything that concerns it.

    Args:
        contact: the contact.
        identities: everything it is known by, as `u:` user id, `e:` email or `a:` anonymous id.
        consents: the contact's own choices, by list; list `*` is everything.
        suppression: why its address must not be mailed; None when it may be.
        enrollments: newest first.
        sends: newest first, those that were refused included.
        sends_for_others: what its enrollments sent to others, newest first.
        others: those others, the contacts on whose behalf its sends were sent, and those that were
            merged into it, by id.
        merges: the merges into it that hold, the oldest first.
    """

    contact: Contact
    identities: Sequence[str]
    consents: Mapping[str, ConsentRecord]
    suppression: SuppressionRecord | None
    enrollments: Sequence[Enrollment]
    sends: Sequence[Send]
    sends_for_others: Sequence[Send]
    others: Mapping[UUID, Contact]
    merges: Sequence[MergeRecord]


async def get_contact(installation: Installation, actor: Actor, contact_id: UUID) -> Contact:
    """Return a contact by its id; of one that was merged, the contact it was merged into.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no such contact.
    """
    actor.require(Permission.READ)
    contact = await read_contact(installation, contact_id)
    if contact is None:
        raise NotFound(
            "There is no such contact.", "It may have been removed, or the link is incomplete."
        )
    return contact


async def find_contact(installation: Installation, actor: Actor, identity: str) -> Contact:
    """Return a contact by what it is known by.

    Args:
        installation: whose contacts.
        actor: who reads it.
        identity: a user id, an email address, an anonymous id or a contact id, in full.

    Raises:
        Forbidden: the actor may not read.
        NotFound: no contact is known by it.
    """
    actor.require(Permission.READ)
    # Our id comes first: what anybody else sends as a user or browser id must not shadow it.
    contact_id = _parse_id(identity)
    contact = await read_contact(installation, contact_id) if contact_id else None
    if contact is None:
        names = [f"u:{identity}", *name_emails(identity), f"a:{identity}"]
        owners = await installation.database.read_one(contacts.find_by_identities(names))
        contact = next((owners[name] for name in names if name in owners), None)
    if contact is None:
        raise NotFound(
            f"There is no contact {identity!r}.", "Give a full id, user id or email address."
        )
    return contact


async def find_contact_ids(
    installation: Installation, actor: Actor, identity: str
) -> Sequence[UUID]:
    """Return the id of a contact and of those that were merged into it; empty if it is unknown.

    Args:
        installation: whose contacts.
        actor: who asks.
        identity: a user id, an email address, an anonymous id or a contact id, in full.

    Raises:
        Forbidden: the actor may not read.
    """
    try:
        contact = await find_contact(installation, actor, identity)
    except NotFound:
        return []
    merged = await installation.database.read_one(contacts.find_merged_ids(contact.id))
    return [contact.id, *merged]


async def get_contact_detail(
    installation: Installation, actor: Actor, contact_id: UUID, *, limit: int
) -> ContactDetail:
    """Return a contact with everything that concerns it.

    Links are masked for an actor who may only read.

    Args:
        installation: whose contacts.
        actor: who reads it.
        contact_id: its id; of one that was merged, the surviving contact is returned.
        limit: how many sends and enrollments at most, of each.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no such contact.
    """
    contact = await get_contact(installation, actor, contact_id)
    database = installation.database
    page = await read_model.load(database, contact.id, limit)
    if page is None:
        # It was merged into another contact after it was read.
        return await get_contact_detail(installation, actor, contact_id, limit=limit)
    detail = ContactDetail(
        contact=page.contact,
        identities=page.identities,
        consents=page.consents,
        suppression=page.suppression,
        enrollments=page.enrollments,
        sends=page.sends,
        sends_for_others=page.sends_for_others,
        others=page.others,
        merges=page.merges,
    )
    return detail if actor.can_act_for_recipients else _mask(detail)


def _mask(detail: ContactDetail) -> ContactDetail:
    contact = detail.contact
    return replace(detail, contact=replace(contact, properties=mask_values(contact.properties)))


async def unsuppress_address(
    installation: Installation, actor: Actor, contact_id: UUID, note: str = ""
) -> None:
    """Allow mail to a contact's address again; its consent stays as it is.

    Args:
        installation: whose contact.
        actor: who allows it.
        contact_id: the contact.
        note: why, for the audit log.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such contact, or it has no address.
    """
    actor.require(Permission.OPERATE)
    contact = await read_contact(installation, contact_id)
    if contact is None or contact.email is None:
        raise NotFound("There is no such contact.", "It may have been removed.")
    if not await installation.database.read_one(consents.find_suppressed([contact.email])):
        return
    await apply_audited(
        installation,
        actor,
        [contacts.raise_revision(contact.email), consents.unsuppress(contact.email)],
        "unsuppress",
        f"/contacts/{contact.id}",
        "contacts",
        before={"address": contact.email},
        after={"note": note.strip()[:MAX_NOTE_LENGTH]} if note.strip() else None,
    )


def require_address(contact: Contact) -> str:
    """Return the address of a contact that is to be suppressed.

    Raises:
        Conflict: it has none.
    """
    if contact.email is None:
        raise Conflict(
            "This contact has no address that could be suppressed.", "Give it its address first."
        )
    return contact.email


async def suppress_address(context: JourneyContext, actor: Actor, contact_id: UUID) -> None:
    """Stop all email to a contact's address, transactional email included.

    The change is the event `contact.suppressed`.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such contact.
        Conflict: it has no address.
    """
    actor.require(Permission.OPERATE)
    contact = await read_contact(context, contact_id)
    if contact is None:
        raise NotFound("There is no such contact.", "It may have been removed.")
    email = require_address(contact)
    if await context.database.read_one(consents.find_suppressed([email])):
        return
    address = {"address": email}

    def write_audit_entry(_: IngestResult) -> Sequence[Write]:
        subject = f"/contacts/{contact.id}"
        return [build_audit_entry(context, actor, "suppress", subject, after=address)]

    event = IncomingEvent(
        "contact.suppressed",
        contact_id=contact.id,
        properties=address,
        source=actor.event_source,
        suppress=Suppress(email, "manual"),
    )
    await context.ingest.submit_with_rows(event, write_audit_entry)


async def get_paid_totals(
    installation: Installation, actor: Actor, contact_id: UUID
) -> Sequence[PaidTotal]:
    """Return what a contact has paid, by currency: the amounts of its events.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no such contact.
    """
    contact = await get_contact(installation, actor, contact_id)
    ids = await list_merged_ids(installation, contact)
    return await installation.database.read_one(find_paid(ids))


async def list_merged_ids(installation: Installation, contact: Contact) -> list[UUID]:
    """Return the ids of a contact and of those that were merged into it."""
    return [
        contact.id,
        *await installation.database.read_one(contacts.find_merged_ids(contact.id)),
    ]


async def read_contact(installation: Installation, contact_id: UUID) -> Contact | None:
    """Return a contact for another service, which has checked that its caller may see it.

    Args:
        installation: whose contacts.
        contact_id: its id; of one that was merged, the surviving contact is returned.
    """
    contact, survivor = await installation.database.read(
        contacts.find(contact_id), contacts.find_survivor(contact_id)
    )
    if contact is None and survivor is not None:
        contact = await installation.database.read_one(contacts.find(survivor))
    return contact


def name_emails(text: str) -> list[str]:
    """Return the identities of an address: in its present form, and as it was typed.

    Earlier versions stored addresses in the form in which they were typed.
    """
    try:
        normal = [f"e:{normalize_email(text)}"]
    except ValueError:
        normal = []
    return [*normal, f"e:{text.strip().lower()}"]


def _parse_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
