"""Consent: what a contact chose to get, changed by its recipient or by an operator.

A recipient is no actor with permissions: the signed token of a link in a mail proves who it is, and
allows exactly the functions that take a token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ..delivery.tokens import RecipientToken
from ..domain.contact import Contact
from ..domain.incoming import CONTACT_UPDATED, IncomingEvent, IngestResult
from ..domain.journey import EVERYTHING, MailList
from ..domain.languages import LANGUAGES
from ..domain.send_policy import Consents, Send
from ..errors import InvalidInput, NotFound
from ..store import consents, contacts, sends
from ..store.db import Write
from .actor import Actor, Permission
from .audit import build_audit_entry
from .contacts import read_contact
from .context import ServiceContext
from .journey_context import JourneyContext

__all__ = [
    "EVERYTHING",
    "ListChoice",
    "Recipient",
    "change_consent",
    "change_consents",
    "create_preferences_token",
    "list_choices",
    "open_preferences",
    "open_unsubscribe",
    "save_language",
    "save_preferences",
    "unsubscribe",
]


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who follows a link of a mail, proven by the link's token.

    Args:
        contact: the recipient; of a contact that was merged, the surviving one.
        mail_list: the list that the mail belonged to.
        send_id: the mail, if the link was in one.
        consents: what the recipient chose.
        sent_at: when that mail was handed over.
        is_new: whether the recipient has no contact yet, as the recipient of a mail that version
            0.1.0 sent to another address; the first choice creates the contact.
    """

    contact: Contact
    mail_list: MailList
    send_id: UUID | None
    consents: Consents
    sent_at: datetime | None = None
    is_new: bool = False

    @property
    def is_subscribed(self) -> bool:
        """Whether mail of this list reaches the recipient."""
        return self.consents.allows(self.mail_list)

    @property
    def choices(self) -> Mapping[str, bool]:
        """What the recipient chose, by list; list `*` is everything."""
        return self.consents.choices

    @property
    def has_stopped_everything(self) -> bool:
        """Whether the recipient gets only transactional mail."""
        return self.consents.is_unsubscribed_from_all


@dataclass(frozen=True, slots=True)
class ListChoice:
    """A list as one contact has it.

    Args:
        list: the list.
        is_chosen: whether the contact is subscribed to it, "everything" left aside.
        is_received: whether its mail reaches the contact, "everything" considered.
    """

    list: MailList
    is_chosen: bool
    is_received: bool


def list_choices(lists: Mapping[str, MailList], choices: Mapping[str, bool]) -> list[ListChoice]:
    """Return every list with what a contact chose.

    Args:
        lists: the lists, by id.
        choices: whether the contact subscribed, by list; the list's default holds without one.
    """
    contact_consents = Consents(choices)
    return [
        ListChoice(
            mail_list,
            is_chosen=mail_list.transactional
            or choices.get(mail_list.id, mail_list.default_opt_in),
            is_received=contact_consents.allows(mail_list),
        )
        for mail_list in lists.values()
    ]


# -- by the recipient -----------------------------------------------------------------------------


def check_unsubscribe_token(context: ServiceContext, token: str) -> None:
    """Check the signature of an unsubscribe link, without reading the database.

    Raises:
        NotFound: the token is not ours.
    """
    _require_valid(context.tokens.read_unsubscribe(token))


def check_preferences_token(context: ServiceContext, token: str) -> None:
    """Check the signature of a preferences link, without reading the database.

    Raises:
        NotFound: the token is not ours.
    """
    _require_valid(context.tokens.read_preferences(token))


async def open_unsubscribe(context: ServiceContext, token: str) -> Recipient:
    """Return who follows an unsubscribe link; changes nothing.

    Args:
        context: who signed the token.
        token: from the link.

    Raises:
        NotFound: the token is not ours, or its contact was removed.
    """
    return await _recipient(context, context.tokens.read_unsubscribe(token))


async def open_preferences(context: ServiceContext, token: str) -> Recipient:
    """Return who follows a preferences link; changes nothing.

    Args:
        context: who signed the token.
        token: from the link.

    Raises:
        NotFound: the token is not ours, or its contact was removed.
    """
    return await _recipient(context, context.tokens.read_preferences(token))


async def unsubscribe(
    context: ServiceContext, token: str, *, from_everything: bool = False, undo: bool = False
) -> Recipient:
    """Unsubscribe a recipient at once (RFC 8058 §3.2), or undo that.

    Args:
        context: who signed the token.
        token: from an unsubscribe link.
        from_everything: whether all mail is meant that is not transactional, not only the link's
            list.
        undo: whether the recipient is subscribed again instead.

    Returns:
        The recipient after the change.

    Raises:
        NotFound: the token is not ours, or its contact was removed.
    """
    recipient = await open_unsubscribe(context, token)
    list_id = EVERYTHING if from_everything else recipient.mail_list.id
    await _submit(context, recipient, {list_id: undo})
    return await open_unsubscribe(context, token)


async def save_preferences(
    context: ServiceContext, token: str, changes: Mapping[str, bool]
) -> Recipient:
    """Save what a recipient switched on the preferences page.

    Args:
        context: who signed the token.
        token: from a preferences link.
        changes: whether to subscribe, by list; list `*` is everything. Lists that do not exist and
            transactional lists are ignored.

    Returns:
        The recipient after the change.

    Raises:
        NotFound: the token is not ours, or its contact was removed.
    """
    recipient = await open_preferences(context, token)
    lists = context.registry.lists
    allowed = {
        list_id: subscribed
        for list_id, subscribed in changes.items()
        if list_id == EVERYTHING or (list_id in lists and not lists[list_id].transactional)
    }
    if not allowed:
        return recipient
    await _submit(context, recipient, allowed)
    return await open_preferences(context, token)


async def save_language(context: ServiceContext, token: str, language: str) -> None:
    """Save the language that a recipient chose, as the contact's property `language`.

    Args:
        context: who signed the token.
        token: from a preferences link.
        language: one of `domain.languages.LANGUAGES`.

    Raises:
        NotFound: the token is not ours, or its contact was removed.
        InvalidInput: there is no such language.
    """
    recipient = await open_preferences(context, token)
    if language not in LANGUAGES:
        raise InvalidInput("There is no such language.", "Choose one of the list.")
    event = IncomingEvent(
        name=CONTACT_UPDATED,
        contact_id=None if recipient.is_new else recipient.contact.id,
        email=recipient.contact.email if recipient.is_new else None,
        properties={"language": language},
        contact_properties={"language": language},
        source="recipient",
        send_id=recipient.send_id,
        is_contact_change=True,
    )
    await context.ingest.submit(event)


async def _submit(
    context: ServiceContext, recipient: Recipient, changes: Mapping[str, bool]
) -> None:
    event = _build_event(recipient.contact.id, changes, "recipient", recipient.send_id)
    if recipient.is_new:
        event = replace(event, contact_id=None, email=recipient.contact.email)
    await context.ingest.submit(event)


def create_preferences_token(context: ServiceContext, recipient: Recipient) -> str:
    """Return the token of a recipient's preferences page."""
    return context.tokens.sign_preferences(
        recipient.contact.id, recipient.mail_list.id, recipient.send_id
    )


def _require_valid(token: RecipientToken | None) -> RecipientToken:
    if token is None:
        raise NotFound("This link is incomplete.", "Open it from the email again.")
    return token


async def _recipient(context: ServiceContext, unverified: RecipientToken | None) -> Recipient:
    token = _require_valid(unverified)
    send = await _find_send(context, token)
    # A mail of version 0.1.0 may have gone to another address than its contact's, whose links it
    # has nevertheless.
    address = send.address if send else None
    if address is None:
        contact = await read_contact(context, token.contact_id)
    else:
        owners = await context.database.read_one(contacts.find_by_identities([f"e:{address}"]))
        contact = owners.get(f"e:{address}")
    is_new = contact is None and address is not None
    if is_new:
        # The token's id only serves to make further tokens, which lead here again.
        contact = Contact(token.contact_id, email=address)
    if contact is None:
        raise NotFound(
            "This link is no longer valid.", "Its recipient was removed and gets no more email."
        )
    chosen: Mapping[UUID, Consents] = {}
    if not is_new:
        chosen = await context.database.read_one(consents.find_by_contacts([contact.id]))
    return Recipient(
        contact=contact,
        mail_list=context.ingest.rules.find_list(token.list_id),
        send_id=token.send_id,
        consents=chosen.get(contact.id) or Consents(),
        sent_at=(send.handed_at or send.sent_at) if send else None,
        is_new=is_new,
    )


async def _find_send(context: ServiceContext, token: RecipientToken) -> Send | None:
    """Return the mail that a link was in, if it was in one that is known."""
    if token.send_id is None:
        return None
    rows = await context.database.read_one(sends.find_by_ids([token.send_id]))
    return rows.get(token.send_id)


# -- by an operator -------------------------------------------------------------------------------


async def change_consent(
    context: ServiceContext, actor: Actor, contact_id: UUID, list_id: str, *, subscribed: bool
) -> None:
    """Subscribe a contact to a list, or unsubscribe it; the change is an event of the contact.

    Args:
        context: whose contact.
        actor: who makes the change.
        contact_id: which contact.
        list_id: which list; `*` is everything.
        subscribed: whether the contact gets the list from now on.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such contact or list.
    """
    actor.require(Permission.OPERATE)
    if list_id != EVERYTHING and list_id not in context.registry.lists:
        raise NotFound("There is no such list.", "Its file may have been removed.")
    await change_consents(context, actor, contact_id, {list_id: subscribed})


async def change_consents(
    context: JourneyContext, actor: Actor, contact_id: UUID, choices: Mapping[str, bool]
) -> None:
    """Change a contact's choices about lists that exist; those that change are one event.

    Args:
        context: whose contact.
        actor: who makes the change.
        contact_id: which contact.
        choices: whether it is subscribed, by list; `*` is everything.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such contact.
    """
    actor.require(Permission.OPERATE)
    chosen = await context.database.read_one(consents.find_by_contacts([contact_id]))
    present = chosen.get(contact_id, Consents()).choices
    changes = {
        list_id: subscribed
        for list_id, subscribed in choices.items()
        if present.get(list_id) is not subscribed
    }
    if not changes:
        return

    def write_audit_entry(result: IngestResult) -> Sequence[Write]:
        return [
            build_audit_entry(
                context,
                actor,
                "subscribe" if subscribed else "unsubscribe",
                f"/contacts/{contact_id}",
                after={"list": list_id, "subscribed": subscribed},
            )
            for list_id, subscribed in changes.items()
        ]

    await context.ingest.submit_with_rows(
        _build_event(contact_id, changes, actor.event_source), write_audit_entry
    )


def _build_event(
    contact_id: UUID, changes: Mapping[str, bool], source: str, send_id: UUID | None = None
) -> IncomingEvent:
    """Return the event of a change of consent, which is ingested like every other fact."""
    properties: dict[str, Any] = {
        "scope": "all" if EVERYTHING in changes else "category",
        "lists": dict(changes),
    }
    if send_id is not None:
        properties["sendId"] = str(send_id)
    subscribes = any(changes.values())
    return IncomingEvent(
        name="contact.preferences_changed" if subscribes else "contact.unsubscribed",
        contact_id=contact_id,
        properties=properties,
        lists=changes,
        source=source,
        send_id=send_id,
    )
