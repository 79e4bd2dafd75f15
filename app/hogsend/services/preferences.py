"""Preferences: which email a contact gets, read and changed by products and operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from ..domain.contact import Contact
from ..domain.journey import EVERYTHING, MailList
from ..domain.send_policy import Consents
from ..errors import Forbidden, InvalidInput, NotFound
from ..store import consents
from ..store.read_models import contacts as read_model
from ..store.read_models.contact_totals import BounceTotal, find_bounces
from .actor import Actor, Permission
from .consent import change_consents
from .contact_changes import ContactChange, Visitor, read_visitor, upsert_contact
from .contacts import (
    get_contact,
    list_merged_ids,
    read_contact,
    require_address,
    suppress_address,
    unsuppress_address,
)
from .context import ServiceContext
from .installation import Installation

__all__ = [
    "Preferences",
    "Subscription",
    "change_subscription",
    "get_preferences",
    "list_subscriptions",
    "read_visitor_preferences",
    "save_contact_preferences",
    "stop_everything",
]


@dataclass(frozen=True, slots=True)
class Preferences:
    """Which email a contact gets.

    Args:
        contact: the contact; None when nobody is known by what was asked for.
        categories: whether the contact subscribed, for each list with a choice.
        is_unsubscribed_from_all: whether it gets transactional email only.
        suppressed_at: when its address was suppressed; None when it is not.
        bounces: how many emails to it have bounced; read for operators only.
    """

    contact: Contact | None = None
    categories: Mapping[str, bool] = field(default_factory=dict[str, bool])
    is_unsubscribed_from_all: bool = False
    suppressed_at: datetime | None = None
    bounces: BounceTotal = field(default_factory=BounceTotal)

    @property
    def consents(self) -> Consents:
        """The choices, with the list `*` for everything."""
        everything = {EVERYTHING: False} if self.is_unsubscribed_from_all else {}
        return Consents({**self.categories, **everything})


@dataclass(frozen=True, slots=True)
class Subscription:
    """A list, and whether a contact gets it."""

    list: MailList
    is_subscribed: bool


async def get_preferences(
    installation: Installation, actor: Actor, contact_id: UUID
) -> Preferences:
    """Return the preferences of a contact.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no such contact.
    """
    contact = await get_contact(installation, actor, contact_id)
    return await _load_with_bounces(installation, contact)


async def save_contact_preferences(
    context: ServiceContext,
    actor: Actor,
    contact_id: UUID,
    *,
    unsubscribed_all: bool | None = None,
    suppressed: bool | None = None,
    categories: Mapping[str, bool] | None = None,
) -> Preferences:
    """Change the preferences of a contact; what is None stays as it is.

    Args:
        context: whose contact.
        actor: who makes the change.
        contact_id: which contact.
        unsubscribed_all: whether it gets transactional email only.
        suppressed: whether its address gets no email at all.
        categories: whether it is subscribed, by list.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such contact or list.
        Conflict: there is no address to suppress; nothing is changed.
    """
    actor.require(Permission.OPERATE)
    contact = await _require(context, contact_id)
    if suppressed:
        require_address(contact)
    changes = dict(categories or {})
    for list_id in changes:
        _require_list(context, list_id)
    if unsubscribed_all is not None:
        changes[EVERYTHING] = not unsubscribed_all
    if changes:
        await change_consents(context, actor, contact.id, changes)
    if suppressed is not None:
        change = suppress_address if suppressed else unsuppress_address
        if suppressed or contact.email:
            await change(context, actor, contact.id)
    return await _load_with_bounces(context, contact)


async def list_subscriptions(
    context: ServiceContext, actor: Actor, visitor: Visitor
) -> Sequence[Subscription]:
    """Return every list with whether a contact gets it; the list's default if nobody is named.

    A publishable key sees the defaults.

    Raises:
        Forbidden: the actor may not read them.
    """
    actor.require(Permission.INGEST_PUBLIC)
    chosen = Consents()
    names_somebody = visitor.user_id or visitor.email or visitor.anonymous_id
    if names_somebody and not actor.is_publishable:
        contact = await read_visitor(context, actor, visitor)
        if contact is not None:
            chosen = (await _load(context, contact)).consents
    lists = context.ingest.rules.lists.values()
    return [Subscription(mail_list, chosen.allows(mail_list)) for mail_list in lists]


async def change_subscription(
    context: ServiceContext, actor: Actor, list_id: str, change: ContactChange, *, subscribed: bool
) -> None:
    """Subscribe a contact to a list, or unsubscribe it; makes the contact if needed.

    Args:
        context: whose list.
        actor: who makes the change.
        list_id: which list.
        change: what the contact is known by.
        subscribed: whether the contact gets the list from now on.

    Raises:
        Forbidden: the actor may not act for the contact.
        NotFound: there is no such list.
        InvalidInput: nothing names a contact, or it has no address.
    """
    actor.require(Permission.INGEST_PUBLIC)
    if list_id not in context.ingest.rules.lists:
        raise NotFound(f"Unknown list: {list_id}")
    await _save(context, actor, change, {list_id: subscribed})


async def stop_everything(
    context: ServiceContext, actor: Actor, change: ContactChange, *, unsubscribed: bool
) -> None:
    """Let a contact get transactional email only, or everything again.

    Raises:
        Forbidden: the actor may not act for the contact.
        InvalidInput: nothing names a contact, or it has no address.
    """
    actor.require(Permission.INGEST_PUBLIC)
    await _save(context, actor, change, {EVERYTHING: not unsubscribed})


async def read_visitor_preferences(
    context: ServiceContext, actor: Actor, visitor: Visitor
) -> Preferences:
    """Return the preferences of whom a product or a web page names; empty if nobody is known.

    Raises:
        Forbidden: a publishable key names a person without a token.
        InvalidInput: nothing names a contact.
    """
    actor.require(Permission.INGEST_PUBLIC)
    if actor.is_publishable and (visitor.user_id or visitor.email) and not visitor.user_token:
        raise Forbidden("publishable preference reads are anon-only without a userToken")
    contact = await read_visitor(context, actor, visitor)
    return await _load(context, contact) if contact else Preferences()


async def _save(
    context: ServiceContext, actor: Actor, change: ContactChange, lists: Mapping[str, bool]
) -> None:
    named = ContactChange(change.user_id, change.email, change.anonymous_id, lists=lists)
    result = await upsert_contact(context, actor, named)
    if result.lists_error:
        raise InvalidInput(result.lists_error, "Send the contact's email address first.")


async def _load_with_bounces(installation: Installation, contact: Contact) -> Preferences:
    bounces = await installation.database.read_one(
        find_bounces(await list_merged_ids(installation, contact))
    )
    return replace(await _load(installation, contact), bounces=bounces)


async def _load(installation: Installation, contact: Contact) -> Preferences:
    chosen, suppression = await installation.database.read(
        consents.find_by_contacts([contact.id]),
        read_model.find_suppression(contact.email or ""),
    )
    known: Consents = chosen.get(contact.id, Consents())
    choices = known.choices
    return Preferences(
        contact,
        {list_id: choice for list_id, choice in choices.items() if list_id != EVERYTHING},
        choices.get(EVERYTHING) is False,
        suppression.at if suppression else None,
    )


async def _require(installation: Installation, contact_id: UUID) -> Contact:
    contact = await read_contact(installation, contact_id)
    if contact is None:
        raise NotFound("Contact not found", "It may have been removed.")
    return contact


def _require_list(context: ServiceContext, list_id: str) -> None:
    if list_id not in context.ingest.rules.lists:
        raise NotFound(f"Unknown list: {list_id}", "Its file may have been removed.")
