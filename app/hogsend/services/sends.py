"""Sends: the ledger, and one send with its rendered mail, its opens and its clicks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args
from uuid import UUID

from ..domain.contact import Contact
from ..domain.direct_mail import Attachment, DirectMail
from ..domain.send_policy import Send, SendStatus
from ..errors import NotFound
from ..store import blocked_mails, contacts, direct_mails, resends, sends
from ..store.blocked_mails import BlockedMail
from ..store.db import Database
from ..store.direct_mails import AttachmentInfo
from ..store.read_models import contacts as contact_read_model
from ..store.read_models import emails as read_model
from ..store.read_models.contacts import EngagementRecord
from ..store.read_models.emails import SendFilter
from ..store.sends import RenderedMail
from .actor import Actor, Permission
from .context import ServiceContext
from .installation import Installation
from .masked_mail import mask_links, mask_mail, mask_values
from .stepwise import read_stepwise

__all__ = [
    "STATUSES",
    "AttachmentInfo",
    "EngagementRecord",
    "RenderedMail",
    "SendDetail",
    "SendFilter",
    "SendList",
    "get_attachment",
    "get_delivery",
    "get_mail_for_recipient",
    "get_rendered_mail",
    "get_send",
    "list_sends",
]

STATUSES: tuple[str, ...] = get_args(SendStatus)
_MAX_ENGAGEMENT = 200


@dataclass(frozen=True, slots=True)
class SendList:
    """Sends, newest first, with their contacts, by contact id.

    Args:
        sends: the sends.
        contacts: their contacts.
        next_before: the send before which the next page begins; None at the end.
    """

    sends: Sequence[Send]
    contacts: Mapping[UUID, Contact]
    next_before: UUID | None = None


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
        direct: what a direct email has beside its row, without content and sensitive values; None
            for a journey's email, and when it is no longer kept.
        attachments: the files of a direct email.
    """

    send: Send
    contact: Contact | None
    mail: RenderedMail | None
    engagement: Sequence[EngagementRecord]
    on_behalf_of: Contact | None = None
    blocked: BlockedMail | None = None
    resends: Sequence[UUID] = ()
    direct: DirectMail | None = None
    attachments: Sequence[AttachmentInfo] = ()

    @property
    def opens(self) -> int:
        """How often it was opened, machines left aside."""
        return self._count("open")

    @property
    def clicks(self) -> int:
        """How often its links were clicked, machines left aside."""
        return self._count("click")

    def _count(self, kind: str) -> int:
        return sum(hit.kind == kind and hit.verdict != "machine" for hit in self.engagement)


async def list_sends(
    installation: Installation,
    actor: Actor,
    filters: SendFilter | None = None,
    *,
    before: UUID | None = None,
    offset: int = 0,
    limit: int,
) -> SendList:
    """Return sends, newest first, those that were refused included.

    A page with several filters may have fewer sends than the limit although there are more.

    Args:
        installation: whose ledger.
        actor: who reads it.
        filters: which sends; None for all.
        before: only sends older than this one.
        offset: how many of the newest to leave out.
        limit: how many at most.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    database, filters = installation.database, filters or SendFilter()
    recipient_ids = await _find_recipients(database, filters.to_email, filters.user_id)
    address = filters.to_email.strip().lower()
    filters = replace(filters, contact_ids=recipient_ids, to_email=address)
    page, next_before = await _read_page(database, filters, before, offset, limit)
    recipients: Mapping[UUID, Contact] = {}
    if page:
        recipients = await database.read_one(
            contacts.find_by_ids({send.contact_id for send in page})
        )
    return SendList(page, recipients, next_before)


async def _read_page(
    database: Database, filters: SendFilter, before: UUID | None, offset: int, limit: int
) -> tuple[Sequence[Send], UUID | None]:
    """Return a page of sends, and the id before which the next one begins."""
    if not filters.is_selective:
        steps = await read_stepwise(
            database,
            lambda before, budget: read_model.find_bound(filters, before, budget),
            lambda before, down_to, limit: read_model.find_newest(
                limit, filters, before=before, down_to=down_to
            ),
            lambda send: send.id,
            before=before,
            limit=offset + limit,
        )
        return steps.items[offset:], steps.next_before
    query = read_model.find_newest(limit + 1, filters, before=before, offset=offset)
    sends_and_next = await database.read_one(query)
    page = sends_and_next[:limit]
    return page, page[-1].id if len(sends_and_next) > limit and page else None


async def _find_recipients(
    database: Database, to_email: str, user_id: str
) -> Collection[UUID] | None:
    """Return the contacts whom emails to an address, or to a user, went to; None for all.

    An email that was sent before a merge has the contact that was merged.
    """
    identities = [f"e:{to_email.strip().lower()}"] if to_email else []
    identities += [f"u:{user_id}"] if user_id else []
    if not identities:
        return None
    owners = await database.read_one(contacts.find_by_identities(identities))
    ids: list[set[UUID]] = [
        {owner.id, *await database.read_one(contacts.find_merged([owner.id]))}
        for owner in owners.values()
    ]
    if len(ids) < len(identities):
        return ()
    return ids[0].intersection(*ids)


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
    mail, engagement, recipients, blocked, resend_ids, direct, files = await database.read(
        sends.find_mail(send.id),
        contact_read_model.find_engagement([send.id], _MAX_ENGAGEMENT),
        contacts.find_by_ids([send.contact_id, send.on_behalf_of or send.contact_id]),
        blocked_mails.find([send.id]),
        resends.find_by_original(send.id),
        direct_mails.find_shown(send.id),
        direct_mails.find_attachment_infos(send.id),
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
        direct,
        files,
    )


async def get_attachment(
    installation: Installation, actor: Actor, send_id: UUID, position: int
) -> Attachment:
    """Return a file of a direct email.

    Args:
        installation: whose email.
        actor: who reads it; one who may only read gets no files, which may have credentials.
        send_id: the email.
        position: the file's place, from 0.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such file, or it is no longer kept.
    """
    actor.require(Permission.OPERATE)
    file = await installation.database.read_one(direct_mails.find_attachment(send_id, position))
    if file is None:
        raise NotFound("This file is no longer available.", "Files are kept for a limited time.")
    return file


async def get_delivery(installation: Installation, actor: Actor, send_id: UUID) -> SendDetail:
    """Return the outcome of an email, for the product that sent it: without its content.

    Raises:
        Forbidden: the actor may not send emails.
        NotFound: there is no such email.
    """
    actor.require(Permission.INGEST)
    database = installation.database
    send = await database.read_one(read_model.find(send_id))
    if send is None:
        raise NotFound("There is no such email.")
    engagement = await database.read_one(
        contact_read_model.find_engagement([send.id], _MAX_ENGAGEMENT)
    )
    return SendDetail(send, None, None, engagement)


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
