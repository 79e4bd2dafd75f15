"""Actions of operators on one email: resending, cancelling, and resolving one in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from ..domain.contact import Contact
from ..domain.direct_mail import DirectMail
from ..domain.ids import new_id
from ..domain.send_policy import UNSENT, Consents, Refuse, Send, SendFacts, decide_send
from ..errors import Conflict, NotFound
from ..ingest import BatchResult
from ..store import audit, consents, contacts, counters, direct_mails, resends, sends
from ..store.counters import Tally
from ..store.db import Transaction
from .actor import Actor, Permission
from .journey_context import JourneyContext

__all__ = ["SendAction", "cancel_send", "list_send_actions", "resend", "resolve_doubt"]

SendAction = Literal["retry", "cancel", "resolve", "resend"]

_RESENDABLE = ("sent", "delivered", "complained", "failed", "bounced", "in_doubt")
_REFUSALS = {
    "no_address": "The contact has no email address.",
    "unsubscribed_from_everything": "The contact has unsubscribed from everything.",
    "unsubscribed_from_list": "The contact is not subscribed to the email's list.",
}


def list_send_actions(send: Send) -> Sequence[SendAction]:
    """Return the actions that an email's status allows, in the order of screens."""
    if send.status == "blocked":
        return ("retry", "cancel")
    if send.status == "queued":
        return ("cancel",)
    if send.status == "in_doubt":
        return ("resolve", "resend")
    return ("resend",) if send.status in _RESENDABLE else ()


async def cancel_send(context: JourneyContext, actor: Actor, send_id: UUID) -> None:
    """Cancel an email that has not left.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such email.
        Conflict: it has left, is leaving, or was refused or cancelled before.
    """
    actor.require(Permission.OPERATE)
    now = context.clock.now()
    tally = Tally(now)
    async with context.database.transaction() as tx:
        # Locked before the send is read, so that no merge and no hand-over changes it in between.
        await tx.fetch_one(contacts.find_by_sends([send_id], tx.dialect.lock_rows))
        send = await _read_send(tx, send_id)
        if send.status not in UNSENT:
            raise Conflict(
                f"This email is {_describe_status(send)} and cannot be cancelled.",
                "Only an email that is queued or blocked can be.",
            )
        cancelled = replace(send, status="cancelled", reason="cancelled_by_operator", due_at=None)
        tally.add_today(counters.name_send_total("cancelled"))
        before = {"status": send.status, "reason": send.reason}
        entry = audit.record(actor.name, "cancel email", f"/emails/{send_id}", now, before=before)
        await tx.apply(
            [
                sends.update([cancelled], now),
                *direct_mails.forget_ended([cancelled]),
                tally.to_write(),
                entry,
            ]
        )
    await context.ingest.publish_result(BatchResult(topics={"sends"}))


async def resolve_doubt(
    context: JourneyContext, actor: Actor, send_id: UUID, *, was_sent: bool
) -> None:
    """Record what an operator knows about an email that may or may not have left.

    Args:
        context: whose email.
        actor: who knows it.
        send_id: the email.
        was_sent: whether it has left; one that has not can be resent afterwards.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such email.
        Conflict: it is not in doubt.
    """
    actor.require(Permission.OPERATE)
    now = context.clock.now()
    tally = Tally(now)
    async with context.database.transaction() as tx:
        await tx.fetch_one(contacts.find_by_sends([send_id], tx.dialect.lock_rows))
        send = await _read_send(tx, send_id)
        if send.status != "in_doubt":
            raise Conflict(f"This email is {_describe_status(send)}, not in doubt.")
        known = f"{actor.name} says that it {'was' if was_sent else 'was not'} sent"
        resolved = replace(
            send,
            status="sent" if was_sent else "failed",
            reason=None if was_sent else "not_sent_says_operator",
            sent_at=(send.handed_at or now) if was_sent else None,
            attempts=[*send.attempts, sends.build_attempt(now, "resolved", known)],
        )
        # The totals are those of the days on which emails ended.
        in_doubt_since = send.updated_at or now
        tally.add_on_day(in_doubt_since, counters.name_send_total("in_doubt"), -1)
        tally.add_today(counters.name_send_total(resolved.status))
        action = "resolve email as sent" if was_sent else "resolve email as not sent"
        before = {"status": send.status, "reason": send.reason}
        entry = audit.record(actor.name, action, f"/emails/{send_id}", now, before=before)
        await tx.apply([sends.resolve(resolved, now), tally.to_write(), entry])
    await context.ingest.publish_result(BatchResult(topics={"sends"}))


async def resend(context: JourneyContext, actor: Actor, send_id: UUID) -> UUID:
    """Send an email again that was sent, has failed or has bounced, as a new email.

    It is rendered from the present template with the contact's present values, and the contact's
    present consent and suppressions decide whether it may be sent.

    Args:
        context: whose email.
        actor: who acts.
        send_id: the email to resend, which stays as it is.

    Returns:
        The id of the new email, which names the old one.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such email, or its contact was removed.
        Conflict: the email has not left, a resend of it has not left, or the contact must not get
            it; the error has the reason.
    """
    actor.require(Permission.OPERATE)
    now = context.clock.now()
    async with context.database.transaction() as tx:
        send = await _read_send(tx, send_id)
        if send.status not in _RESENDABLE:
            raise Conflict(
                f"This email is {_describe_status(send)} and cannot be resent.",
                "Only an email that was sent, has failed or has bounced can be.",
            )
        contact = await _lock_recipient(tx, send)
        pending_id = await tx.fetch_one(resends.find_pending(send_id))
        if pending_id is not None:
            raise Conflict(
                "This email is being resent already.", f"Look at the new one: /emails/{pending_id}."
            )
        direct = await _read_direct_mail(tx, context, send)
        facts = await _read_facts(tx, send, contact)
        _check_refusal(context, send, facts, skips_consent=bool(direct and direct.skips_consent))
        new = _build_resend(send, contact, facts.email, now)
        entry = audit.record(
            actor.name, "resend email", f"/emails/{send_id}", now, after={"email": str(new.id)}
        )
        await tx.apply([sends.insert([new]), entry])
        if direct is not None:
            files = await tx.fetch_one(direct_mails.find_attachments(send_id))
            copy = replace(direct, send_id=new.id, created_at=now)
            await tx.apply(direct_mails.insert(copy, files))
    await context.ingest.publish_result(BatchResult(topics={"sends"}))
    return new.id


def _build_resend(send: Send, contact: Contact, email: str | None, now: datetime) -> Send:
    """Return the row of the new email.

    It belongs to the enrollment, whose trigger the template may use, but to no step: each step has
    one email.
    """
    return Send(
        id=new_id(now),
        contact_id=contact.id,
        template=send.template,
        list_id=send.list_id,
        status="queued",
        created_at=now,
        due_at=now,
        enrollment_id=send.enrollment_id,
        journey_id=send.journey_id,
        to_email=email,
        address=send.address,
        subject=send.subject,
        props=send.props,
        on_behalf_of=send.on_behalf_of,
        original_id=send.id,
    )


async def _read_send(tx: Transaction, send_id: UUID) -> Send:
    send = (await tx.fetch_one(sends.find_by_ids([send_id]))).get(send_id)
    if send is None:
        raise NotFound("There is no such email.", "It may have been removed.")
    return send


async def _read_direct_mail(
    tx: Transaction, context: JourneyContext, send: Send
) -> DirectMail | None:
    """Return what a direct email has beside its row; None for an email of a journey.

    Raises:
        Conflict: a part of the email is not stored any more, so it would not be the same email.
    """
    if send.journey_id is not None:
        return None
    direct = (await tx.fetch_one(direct_mails.find([send.id]))).get(send.id)
    keep_mails = context.settings.keep_mails
    is_old = keep_mails is not None and (
        send.created_at < context.clock.now() - timedelta(days=keep_mails)
    )
    if direct.is_private if direct else (is_old or not send.template):
        raise Conflict(
            "A part of this email is no longer stored, so it cannot be resent.",
            "Send a new one with the values that it needs.",
        )
    return direct


async def _lock_recipient(tx: Transaction, send: Send) -> Contact:
    """Lock the email's contact, or the contact that it was merged into."""
    survivor_id = await tx.fetch_one(contacts.find_survivor(send.contact_id))
    contact_id = survivor_id or send.contact_id
    locked = await tx.fetch_one(contacts.find_by_ids([contact_id], tx.dialect.lock_rows))
    if contact_id not in locked:
        raise NotFound("The email's contact was removed.")
    return locked[contact_id]


async def _read_facts(tx: Transaction, send: Send, contact: Contact) -> SendFacts:
    email = send.address or contact.email
    choices, suppressed = await tx.fetch(
        consents.find_by_contacts([contact.id]), consents.find_suppressed([email] if email else [])
    )
    return SendFacts(
        email=email,
        consents=choices.get(contact.id) or Consents(),
        suppression=suppressed.get(email) if email else None,
    )


def _check_refusal(
    context: JourneyContext, send: Send, facts: SendFacts, *, skips_consent: bool
) -> None:
    """Raise Conflict if the contact must not get the email."""
    mail_list = context.ingest.rules.find_list(send.list_id)
    if skips_consent:
        mail_list = replace(mail_list, transactional=True)
    decision = decide_send(mail_list, facts, now=context.clock.now())
    if not isinstance(decision, Refuse):
        return
    if decision.reason == "suppressed":
        reason = (facts.suppression or "").replace("_", " ")
        raise Conflict(
            f"The address {facts.email} is suppressed: {reason}.",
            "Lift the suppression on the contact's page first, if the address is right.",
        )
    raise Conflict(_REFUSALS.get(decision.reason, decision.reason), "It was not resent.")


def _describe_status(send: Send) -> str:
    return "being sent" if send.status == "sending" else send.status.replace("_", " ")
