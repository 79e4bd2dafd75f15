"""Sends: the ledger, and one send with its rendered mail, its opens and its clicks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args
from uuid import UUID

from ..domain.contact import Contact
from ..domain.send_policy import Send, SendStatus
from ..errors import NotFound
from ..store import blocked_mails, contacts, resends, sends
from ..store.blocked_mails import BlockedMail
from ..store.read_models import contacts as contact_read_model
from ..store.read_models import emails as read_model
from ..store.read_models.contacts import EngagementRecord
from ..store.sends import RenderedMail
from .actor import Actor, Permission
from .context import ServiceContext
from .installation import Installation
from .masked_mail import mask_links, mask_mail, mask_values

__all__ = [
    "STATUSES",
    "EngagementRecord",
    "RenderedMail",
    "SendDetail",
    "SendList",
    "get_mail_for_recipient",
    "get_rendered_mail",
    "get_send",
    "list_sends",
]

STATUSES: tuple[str, ...] = get_args(SendStatus)
_MAX_ENGAGEMENT = 200


@dataclass(frozen=True, slots=True)
class SendList:
    """Sends, newest first, with their contacts, by contact id."""

    sends: Sequence[Send]
    contacts: Mapping[UUID, Contact]


@dataclass(frozen=True, slots=True)
class SendDetail:
    """A send and its outcome.

    Args:
        send: its row of the ledger.
        contact: its recipient; None when the contact was removed.
        mail: the mail as it was handed over; None before that, and when it is no longer kept.
        engagement: its opens and clicks, newest first.
        on_behalf_of: the contact whose enrollment sent it, if that is not the recipient.
        blocked: why its mail could not be made, if it is blocked or failed in the end.
        resends: the ids of the emails that it was resent as, oldest first.
    """

    send: Send
    contact: Contact | None
    mail: RenderedMail | None
    engagement: Sequence[EngagementRecord]
    on_behalf_of: Contact | None = None
    blocked: BlockedMail | None = None
    resends: Sequence[UUID] = ()


async def list_sends(
    installation: Installation,
    actor: Actor,
    *,
    status: str = "",
    journey_id: str = "",
    before: UUID | None = None,
    limit: int,
) -> SendList:
    """Return sends, newest first, those that were refused included.

    Args:
        installation: whose ledger.
        actor: who reads it.
        status: only sends with this status; with any when empty.
        journey_id: only sends of this journey; of any when empty.
        before: only sends older than this one.
        limit: how many at most.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    database = installation.database
    query = read_model.find_newest(limit, status=status, journey_id=journey_id, before=before)
    page = await database.read_one(query)
    recipients: Mapping[UUID, Contact] = {}
    if page:
        recipients = await database.read_one(
            contacts.find_by_ids({send.contact_id for send in page})
        )
    return SendList(page, recipients)


async def get_send(installation: Installation, actor: Actor, send_id: UUID) -> SendDetail:
    """Return a send with its recipient, its rendered mail, its opens and its clicks.

    Links are masked for an actor who may only read.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no such send.
    """
    actor.require(Permission.READ)
    database = installation.database
    send = await database.read_one(read_model.find(send_id))
    if send is None:
        raise NotFound(
            "There is no such email.", "It may have been removed, or the link is incomplete."
        )
    mail, engagement, recipients, blocked, resend_ids = await database.read(
        sends.find_mail(send.id),
        contact_read_model.find_engagement([send.id], _MAX_ENGAGEMENT),
        contacts.find_by_ids([send.contact_id, send.on_behalf_of or send.contact_id]),
        blocked_mails.find([send.id]),
        resends.find_by_original(send.id),
    )
    if not actor.can_act_for_recipients:
        mail = mail and _mask(mail)
        engagement = [replace(record, url=mask_links(record.url or "")) for record in engagement]
        send = replace(send, props=mask_values(send.props))
        blocked = {key: replace(why, facts=mask_values(why.facts)) for key, why in blocked.items()}
    behalf_id = send.on_behalf_of if send.is_for_another else None
    return SendDetail(
        send,
        recipients.get(send.contact_id),
        mail,
        engagement,
        recipients.get(behalf_id) if behalf_id else None,
        blocked.get(send.id) if send.status in ("blocked", "failed") else None,
        resend_ids,
    )


async def get_rendered_mail(
    installation: Installation, actor: Actor, send_id: UUID
) -> RenderedMail:
    """Return the mail of a send as it was handed over.

    Links are masked for an actor who may only read.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no such send, or its mail is no longer kept.
    """
    actor.require(Permission.READ)
    mail = await _read_mail(installation, send_id)
    return mail if actor.can_act_for_recipients else _mask(mail)


def _mask(mail: RenderedMail) -> RenderedMail:
    return replace(mail, raw=mask_mail(mail.raw), links=[mask_links(url) for url in mail.links])


async def get_mail_for_recipient(context: ServiceContext, token: str) -> RenderedMail:
    """Return a mail to its recipient, who proves with a signed token to have received it.

    Args:
        context: who signed the token.
        token: from the mail's "view in browser" link.

    Raises:
        NotFound: the token is not ours, or the mail is no longer kept.
    """
    send_id = context.tokens.read_view(token)
    if send_id is None:
        raise _build_not_kept_error()
    return await _read_mail(context, send_id)


async def _read_mail(installation: Installation, send_id: UUID) -> RenderedMail:
    mail = await installation.database.read_one(sends.find_mail(send_id))
    if mail is None:
        raise _build_not_kept_error()
    return mail


def _build_not_kept_error() -> NotFound:
    return NotFound("This email is no longer available.", "Emails are kept for a limited time.")
