"""Contacts: created, changed, and found by what a product calls them.

A change is an event of the contact, `contact.created` or `contact.updated`, which ingest stores and
acts upon like any other; a call that changes nothing stores none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from ..domain.address import normalize_email
from ..domain.contact import Contact
from ..domain.incoming import (
    CONTACT_UPDATED,
    MAX_NAME_LENGTH,
    IncomingEvent,
    IngestResult,
    check_properties,
    check_text,
)
from ..errors import Conflict, InvalidInput, NotFound
from ..ingest.service import RelatedWrites
from ..store import contacts
from ..store.contacts import to_identities
from ..store.db import Write
from .actor import Actor, Permission
from .audit import build_audit_entry
from .contacts import name_emails, read_contact
from .identity_claims import prove_user
from .installation import Installation
from .journey_context import JourneyContext
from .privacy import erase_contact

__all__ = [
    "ContactChange",
    "UpsertResult",
    "Visitor",
    "create_contact",
    "delete_contact",
    "edit_contact",
    "find_contacts",
    "read_visitor",
    "upsert_contact",
]


@dataclass(frozen=True, slots=True)
class ContactChange:
    """What a contact is known by, and what changes.

    Args:
        user_id: its id in the product.
        email: its address.
        anonymous_id: its browser id.
        properties: properties to store; null deletes a property.
        lists: its choices about lists; `*` stands for every list.
    """

    user_id: str | None = None
    email: str | None = None
    anonymous_id: str | None = None
    properties: Mapping[str, Any] | None = None
    lists: Mapping[str, bool] | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who a request says that a web page's visitor is; empty fields name nobody."""

    user_token: str = ""
    user_id: str = ""
    email: str = ""
    anonymous_id: str = ""


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """The result of an upsert.

    Args:
        contact_id: the contact.
        created: whether the call created it; otherwise it was found.
        lists_error: why changes of lists had no effect.
    """

    contact_id: UUID
    created: bool
    lists_error: str | None = None

    @property
    def linked(self) -> bool:
        """Whether a contact was found, also when nothing has changed."""
        return not self.created


async def upsert_contact(
    context: JourneyContext, actor: Actor, change: ContactChange
) -> UpsertResult:
    """Create the contact that a change names, or change it; several that match are merged.

    Args:
        context: whose contact.
        actor: who sends the change.
        change: the contact and the change.

    Raises:
        Forbidden: the actor may not ingest, or is a publishable key that names a known person's
            browser.
        InvalidInput: nothing names a contact, or a value is not valid.
        TooLarge: the contact would be too large.
    """
    actor.require(Permission.INGEST_PUBLIC)
    result = await context.ingest.submit(_build_event(_check(change), actor))
    return _to_upsert_result(result)


async def create_contact(context: JourneyContext, actor: Actor, change: ContactChange) -> Contact:
    """Create a contact, and record it in the audit log.

    Args:
        context: whose contact.
        actor: who creates it.
        change: the contact, by user id or address, and its properties.

    Raises:
        Forbidden: the actor may not operate.
        InvalidInput: neither user id nor address is given, or a value is not valid.
        Conflict: there is such a contact.
    """
    actor.require(Permission.OPERATE)
    checked = _check(change)
    if not (checked.user_id or checked.email):
        raise InvalidInput("email or userId is required", "Give the contact one of them.")
    names = to_identities(checked.user_id, checked.email, checked.anonymous_id)
    owners = await context.database.read_one(contacts.find_by_identities(names))
    if owners:
        owner = next(iter(owners.values()))
        raise Conflict(f"There is such a contact: {owner.label} ({owner.id}).", "Change that one.")
    result = await context.ingest.submit_with_rows(
        _build_event(checked, actor), _record(context, actor, "create contact", checked)
    )
    assert result.contact_id is not None  # noqa: S101 (the change names a contact)
    return await _require(context, result.contact_id)


async def edit_contact(
    context: JourneyContext,
    actor: Actor,
    contact_id: UUID,
    *,
    email: str | None = None,
    properties: Mapping[str, Any] | None = None,
) -> Contact:
    """Change a contact's address or properties, and record it in the audit log.

    Args:
        context: whose contact.
        actor: who changes it.
        contact_id: which contact; of one that was merged, the surviving one changes.
        email: the address that mail goes to from now on; the former one stays an alias.
        properties: properties to store; null deletes a property, others stay as they are.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such contact.
        InvalidInput: a value is not valid.
        Conflict: the address belongs to another contact.
        TooLarge: the contact would be too large.
    """
    actor.require(Permission.OPERATE)
    checked = _check(ContactChange(email=email, properties=properties))
    await context.ingest.submit_with_rows(
        _build_event(checked, actor, contact_id),
        _record(context, actor, "edit contact", checked),
    )
    return await _require(context, contact_id)


async def delete_contact(
    context: JourneyContext, actor: Actor, *, user_id: str = "", email: str = ""
) -> None:
    """Delete the contact that the values name, as a product does when an account is closed.

    Everything personal is erased (docs/privacy.md). A person who signs up again gets mail, unless
    their address must not be mailed, or they had unsubscribed from everything.

    A contact with another user id that has the address is another person, who stays; one without a
    user id is the same person, as in an event that has both values.

    Args:
        context: whose contact.
        actor: who deletes it.
        user_id: a user id; empty for none.
        email: an address; empty for none.

    Raises:
        Forbidden: the actor may not ingest.
        InvalidInput: neither is given.
        NotFound: no contact has them.
    """
    owners = list(await find_contacts(context, actor, user_id=user_id, email=email))
    if user_id:
        users = await find_contacts(context, actor, user_id=user_id)
        # The user id may be an alias of a contact that an operator has merged.
        allowed = {None, users[0].user_id if users else user_id}
        owners = [owner for owner in owners if owner.user_id in allowed]
    if not owners:
        raise NotFound("Contact not found")
    # Who sends a person's data may also withdraw it.
    eraser = replace(actor, permissions=actor.permissions | {Permission.ADMINISTER})
    for owner in owners:
        await erase_contact(context, eraser, owner.id, keeps_addresses=False)


async def read_visitor(context: JourneyContext, actor: Actor, visitor: Visitor) -> Contact | None:
    """Return the contact that a web page's visitor is, as far as the caller may know it.

    A publishable key without a token sees nothing of a contact with a user id or an address.

    Args:
        context: whose contact.
        actor: who asks.
        visitor: who the visitor is.

    Raises:
        Forbidden: the token is not valid.
        InvalidInput: nothing names a visitor.
    """
    actor.require(Permission.INGEST_PUBLIC)
    user_id = prove_user(context, visitor.user_token) if visitor.user_token else ""
    if not actor.is_publishable and not user_id:
        user_id = visitor.user_id
    names = to_identities(user_id, None, None)
    if not actor.is_publishable and visitor.email:
        names += name_emails(visitor.email)
    if not names:
        names = to_identities(None, None, visitor.anonymous_id)
    if not names:
        raise InvalidInput("anonymousId, userId, email, or userToken is required")
    owners = await context.database.read_one(contacts.find_by_identities(names))
    contact = next((owners[name] for name in names if name in owners), None)
    is_hidden = actor.is_publishable and not user_id
    if contact is not None and is_hidden and (contact.user_id or contact.email):
        return None
    return contact


async def find_contacts(
    installation: Installation,
    actor: Actor,
    *,
    user_id: str | None = None,
    email: str | None = None,
) -> Sequence[Contact]:
    """Return the contacts that either value names.

    Args:
        installation: whose contacts.
        actor: who reads them.
        user_id: a user id.
        email: an address, in any case of its letters.

    Raises:
        Forbidden: the actor may not ingest.
        InvalidInput: neither is given.
    """
    # A product may look up whom it has sent events of.
    actor.require(Permission.INGEST)
    if not user_id and not email:
        raise InvalidInput("email or userId is required")
    names = to_identities(user_id.strip() if user_id else None, None, None)
    names += name_emails(email) if email else []
    owners = await installation.database.read_one(contacts.find_by_identities(names))
    return list({owner.id: owner for owner in owners.values()}.values())


def _check(change: ContactChange) -> ContactChange:
    """Return a change with its values normalized.

    Raises:
        InvalidInput: a value is not valid.
    """
    email = None
    if change.email:
        try:
            email = normalize_email(change.email)
        except ValueError as error:
            raise _refuse("email", str(error)) from None
    for name, value in (("userId", change.user_id), ("anonymousId", change.anonymous_id)):
        problem = check_text(value) if value else None
        if value is not None and not 0 < len(value.strip()) <= MAX_NAME_LENGTH:
            problem = f"must have 1 to {MAX_NAME_LENGTH} characters"
        if problem:
            raise _refuse(name, problem)
    properties = change.properties or {}
    if problem := check_properties(properties, escapes=True):
        raise _refuse("properties", problem)
    return ContactChange(
        change.user_id.strip() if change.user_id else None,
        email,
        change.anonymous_id or None,
        properties,
        change.lists or {},
    )


def _refuse(name: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{name} {problem}.", details=[{"path": [name], "message": problem}])


def _build_event(
    change: ContactChange, actor: Actor, contact_id: UUID | None = None
) -> IncomingEvent:
    named = (change.user_id, change.email, change.anonymous_id)
    if contact_id is None and not any(named):
        raise InvalidInput("email or userId is required")
    recorded: dict[str, Any] = {}
    if change.properties:
        recorded["properties"] = dict(change.properties)
    if contact_id is not None and change.email:
        recorded["email"] = change.email
    if change.lists:
        recorded["lists"] = dict(change.lists)
    return IncomingEvent(
        CONTACT_UPDATED,
        *named,
        contact_id=contact_id,
        properties=recorded,
        contact_properties=change.properties or {},
        lists=change.lists or {},
        source=actor.event_source,
        is_contact_change=True,
        is_public=actor.is_publishable,
    )


def _record(
    context: Installation, actor: Actor, action: str, change: ContactChange
) -> RelatedWrites:
    """Return what writes the audit entry of a change, unless nothing has changed."""

    def write_audit_entry(result: IngestResult) -> Sequence[Write]:
        if not result.stored:
            return []
        after: dict[str, Any] = {"properties": sorted(change.properties or {})}
        if change.email:
            after["email"] = change.email
        subject = f"/contacts/{result.contact_id}"
        return [build_audit_entry(context, actor, action, subject, after=after)]

    return write_audit_entry


def _to_upsert_result(result: IngestResult) -> UpsertResult:
    assert result.contact_id is not None  # noqa: S101 (the change names a contact)
    return UpsertResult(result.contact_id, result.created, result.lists_error)


async def _require(installation: Installation, contact_id: UUID) -> Contact:
    contact = await read_contact(installation, contact_id)
    if contact is None:
        raise NotFound("Contact not found", "It may have been removed, or the id is incomplete.")
    return contact
