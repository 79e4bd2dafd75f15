"""Direct emails: sent by a product or a person, without a journey."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ..domain.addressee import Addressee
from ..domain.contact import Contact
from ..domain.direct_mail import (
    MAX_PAST,
    NOT_KEPT,
    CallerStatus,
    DirectMail,
    MailContent,
    MailRequest,
    describe_for_caller,
    mask_secrets,
    split_props,
)
from ..domain.ids import new_id
from ..domain.journey import TRANSACTIONAL_LIST
from ..domain.send_policy import Consents, Queue, Refuse, Send, SendFacts, decide_send
from ..errors import Forbidden, InvalidInput, NotFound
from ..ingest import BatchResult
from ..ingest.addressee_resolver import AddresseeResolver
from ..store import consents, counters, direct_mails, sends
from ..store.conflicts import retry_conflicts
from ..store.counters import Tally
from ..store.db import Transaction, Write
from .actor import Actor, Permission
from .audit import build_audit_entry
from .email_body import MAX_BODY_BYTES, EmailBody, build_request, parse_email_body
from .journey_context import JourneyContext
from .templates import TemplateContext

__all__ = [
    "MAX_BODY_BYTES",
    "DirectMailAnswer",
    "EmailBody",
    "MailRequest",
    "describe_answer",
    "describe_for_caller",
    "parse_email_body",
    "send_email",
    "send_email_body",
]


@dataclass(frozen=True, slots=True)
class DirectMailAnswer:
    """The answer to a request to send an email.

    Args:
        send: the email's row in the ledger, as it is now.
        status: what it is for the caller.
        reason: why it was refused, if it was.
        is_repeat: whether the idempotency key was used before, so that nothing was sent now.
        conflict: whether the key was used before for another request.
    """

    send: Send
    status: CallerStatus
    reason: str | None
    is_repeat: bool = False
    conflict: bool = False


def describe_answer(answer: DirectMailAnswer) -> dict[str, Any]:
    """Return an answer in the form of the API, for JSON."""
    fields: dict[str, Any] = {
        "emailSendId": str(answer.send.id),
        "status": answer.status,
        "detail": answer.send.status,
    }
    if answer.reason:
        fields["reason"] = answer.reason
    if answer.conflict:
        fields["conflict"] = True
    return fields


async def send_email_body(
    context: JourneyContext,
    templates: TemplateContext,
    actor: Actor,
    body: EmailBody,
    idempotency_key: str | None = None,
) -> DirectMailAnswer:
    """Send the email that the body of `POST /v1/emails` describes; see `send_email`.

    Args:
        context: where the email is sent.
        templates: has the template.
        actor: who sends it.
        body: the body, whose fields are valid.
        idempotency_key: from the request's header; it wins over the body's.

    Raises:
        Forbidden, NotFound: as `send_email` says.
        InvalidInput: fields contradict each other, or as `send_email` says.
        TooLarge: the attachments or the props are larger than their limit.
    """
    actor.require(Permission.INGEST)
    return await send_email(context, templates, actor, build_request(body, idempotency_key))


async def send_email(
    context: JourneyContext, templates: TemplateContext, actor: Actor, request: MailRequest
) -> DirectMailAnswer:
    """Record an email in the ledger, from which it is delivered like every other.

    An address that no contact has gets one, so that its consent and its history have a place. An
    email that the recipient must not get is recorded as refused, with the reason.

    Args:
        context: where the email is sent.
        templates: has the template.
        actor: who sends it.
        request: what to send.

    Raises:
        Forbidden: the actor may not send emails, or not to contacts who have unsubscribed.
        InvalidInput: there is no such template or list, its time is past, or the styles of its
            content cannot be used.
        NotFound: no contact has the user id, or it has no address.
    """
    actor.require(Permission.INGEST)
    if request.skips_consent and Permission.ADMINISTER not in actor.permissions:
        raise Forbidden("skipPreferenceCheck requires a full-admin key")
    if request.idempotency_key:
        # Before anything is checked: what was valid may not be any more, such as the time.
        first = await context.database.read_one(direct_mails.find_by_key(request.idempotency_key))
        if first is not None:
            return _answer_repeat(request, *first)
    now = context.clock.now()
    list_id = _check_request(templates, request, now)
    email = _NewEmail(context, actor, request, list_id, now)
    answer, topics = await retry_conflicts(email.write)
    if topics:
        await context.ingest.publish_result(BatchResult(topics=topics))
    return answer


def _check_request(templates: TemplateContext, request: MailRequest, now: datetime) -> str:
    """Return the list that an email belongs to.

    Raises:
        InvalidInput: there is no such template or list, its time is past, or its styles are broken.
    """
    content = templates.content
    template_list_id = None
    if request.content is not None:
        content.renderer.check_content(request.content)
    elif request.template not in content.template_lists:
        raise InvalidInput(f"Unknown template: {request.template}")
    else:
        template_list_id = content.template_lists[request.template]
    if request.send_at is not None and request.send_at < now - MAX_PAST:
        raise InvalidInput(f"sendAt is in the past: {request.send_at.isoformat()}")
    list_id = request.list_id or template_list_id or TRANSACTIONAL_LIST.id
    if list_id != TRANSACTIONAL_LIST.id and list_id not in content.registry.lists:
        known = ", ".join(sorted({TRANSACTIONAL_LIST.id, *content.registry.lists}))
        raise InvalidInput(f"Unknown category: {list_id}", f"The lists are: {known}.")
    return list_id


@dataclass(frozen=True, slots=True)
class _NewEmail:
    """An email that is to be recorded.

    Args:
        context: where it is sent.
        actor: who sends it.
        request: what to send.
        list_id: the list that it belongs to.
        now: the current time.
    """

    context: JourneyContext
    actor: Actor
    request: MailRequest
    list_id: str
    now: datetime

    async def write(self) -> tuple[DirectMailAnswer, set[str]]:
        """Record the email; return the answer, and which kinds of rows have changed."""
        tally = Tally(self.now)
        async with self.context.database.transaction() as tx:
            answer, topics = await self._write_within(tx, tally)
            await tx.apply([tally.to_write()])
        return answer, topics

    async def _write_within(
        self, tx: Transaction, tally: Tally
    ) -> tuple[DirectMailAnswer, set[str]]:
        if self.request.idempotency_key:
            find_first = direct_mails.find_by_key(self.request.idempotency_key)
            first = await tx.fetch_one(find_first)
            if first is not None:
                return _answer_repeat(self.request, *first), set()
        resolver = AddresseeResolver(self.now)
        contact = await self._resolve_recipient(tx, resolver)
        # Written first: the address of a contact that was erased is suppressed with that.
        is_new = await resolver.write(tx, tally)
        topics = {"sends", "contacts"} if is_new else {"sends"}
        email = self.request.to or contact.email or ""
        decision = await self._decide(tx, contact, email)
        send = self._build_send(contact, email, decision)
        if send.status != "queued":
            tally.add_today(counters.name_send_total(send.status))
        await tx.apply([sends.insert([send]), *self._build_writes(send)])
        return DirectMailAnswer(send, *describe_for_caller(send)), topics

    async def _resolve_recipient(self, tx: Transaction, resolver: AddresseeResolver) -> Contact:
        if self.request.to:
            addressee = Addressee(email=self.request.to)
            await resolver.load(tx, [addressee], [])
            return resolver.find_or_create(addressee)
        addressee = Addressee(user_id=self.request.user_id)
        await resolver.load(tx, [addressee], [])
        contact = resolver.find(addressee)
        if contact is None or not contact.email:
            raise NotFound("No resolvable email for recipient")
        return contact

    async def _decide(self, tx: Transaction, contact: Contact, email: str) -> Queue | Refuse:
        choices, suppressed = await tx.fetch(
            consents.find_by_contacts([contact.id]), consents.find_suppressed([email])
        )
        mail_list = self.context.ingest.rules.find_list(self.list_id)
        if self.request.skips_consent:
            mail_list = replace(mail_list, transactional=True)
        facts = SendFacts(email, choices.get(contact.id) or Consents(), suppressed.get(email))
        return decide_send(mail_list, facts, now=self.now)

    def _build_send(self, contact: Contact, email: str, decision: Queue | Refuse) -> Send:
        request, now = self.request, self.now
        subject = request.content.subject if request.content else request.subject
        if not request.keeps_content:
            subject = None if request.template else NOT_KEPT
        elif subject:
            subject = mask_secrets(subject, split_props(request.props, request.sensitive)[1])
        is_queued = isinstance(decision, Queue)
        keeps_props = is_queued or request.keeps_content
        return Send(
            id=new_id(now),
            contact_id=contact.id,
            template=request.template,
            list_id=self.list_id,
            status="queued" if isinstance(decision, Queue) else decision.status,
            created_at=now,
            reason=None if isinstance(decision, Queue) else decision.reason,
            to_email=email,
            address=request.to,
            subject=subject,
            props=split_props(request.props, request.sensitive)[0] if keeps_props else {},
            due_at=max(request.send_at or now, now) if is_queued else None,
        )

    def _build_writes(self, send: Send) -> list[Write]:
        """Return the writes beside the ledger: the content, the key and the audit entry."""
        files = self.request.attachments if send.status == "queued" else ()
        writes = direct_mails.insert(_build_direct_mail(self.request, send), files)
        if self.request.idempotency_key:
            writes.append(direct_mails.set_key(send.id, self.request.idempotency_key))
        if self.actor.kind != "key":
            after = {"template": send.template, "to": send.to_email}
            subject = f"/emails/{send.id}"
            entry = build_audit_entry(self.context, self.actor, "send email", subject, after=after)
            writes.append(entry)
        return writes


def _build_direct_mail(request: MailRequest, send: Send) -> DirectMail:
    """Return what the email has beside its row; an email that was refused keeps no content."""
    mail = DirectMail(
        send.id,
        request.digest,
        send.created_at,
        sensitive=request.sensitive,
        keeps_content=request.keeps_content,
        skips_consent=request.skips_consent,
    )
    if send.status != "queued":
        return mail
    content = request.content
    secrets = split_props(request.props, request.sensitive)[1] or None
    if content is None and request.subject and (secrets or not request.keeps_content):
        content = MailContent(request.subject)
    return replace(
        mail,
        sender=request.sender,
        reply_to=request.reply_to,
        cc=request.cc,
        bcc=request.bcc,
        headers=request.headers,
        content=content,
        secrets=secrets,
        attachments=len(request.attachments),
    )


def _answer_repeat(request: MailRequest, send: Send, digest: bytes | None) -> DirectMailAnswer:
    status, reason = describe_for_caller(send)
    conflict = bool(digest) and digest != request.digest
    return DirectMailAnswer(send, status, reason, is_repeat=True, conflict=conflict)
