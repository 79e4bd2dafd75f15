"""Puts a message together from the parts that a template or a direct email gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ..domain.direct_mail import Attachment, DirectMail
from ..domain.send_policy import Send
from . import mime
from .compiled_mail.compiled_mail import MailBodies
from .message import Address, Message


@dataclass(frozen=True, slots=True)
class MessageParts:
    """What a template, or the content of a direct email, gives.

    Args:
        subject: the subject.
        bodies: the HTML and the plain part.
        sender: the From header.
        reply_to: the mailbox for replies, if it is given.
        files: images and attachments.
    """

    subject: str
    bodies: MailBodies
    sender: Address
    reply_to: Address | None = None
    files: Sequence[Attachment] = ()


def build_message(
    send: Send,
    to_email: str,
    parts: MessageParts,
    headers: Sequence[tuple[str, str]],
    now: datetime,
) -> Message:
    """Return the message of a send, without its files.

    Args:
        send: the send.
        to_email: the recipient's address.
        parts: subject, bodies, sender and reply address.
        headers: further headers.
        now: the `Date`.
    """
    return Message(
        send_id=send.id,
        message_id=f"<{send.id}@{parts.sender.email.rpartition('@')[2]}>",
        date=now.replace(microsecond=0),
        from_=parts.sender,
        to=(Address(to_email),),
        subject=parts.subject,
        html=parts.bodies.html,
        text=parts.bodies.text,
        reply_to=(parts.reply_to,) if parts.reply_to else (),
        headers=headers,
        links=parts.bodies.links,
        encoded_html=parts.bodies.encoded or None,
    )


def address_direct_mail(message: Message, direct: DirectMail) -> Message:
    """Return a mail with the copies, the mailboxes for replies and the headers of its request."""
    own = [(name, mime.encode_header_text(value)) for name, value in direct.headers.items()]
    return replace(
        message,
        cc=_to_addresses(direct.cc),
        bcc=_to_addresses(direct.bcc),
        reply_to=_to_addresses(direct.reply_to) or message.reply_to,
        headers=(*message.headers, *own),
    )


def redirect(message: Message, test_to: str) -> Message:
    """Return a mail that goes to the test address only; its subject names who would get it."""
    named = [message.to[0].email]
    named += [f"cc {address.email}" for address in message.cc]
    named += [f"bcc {address.email}" for address in message.bcc]
    return replace(
        message,
        to=(Address(test_to),),
        cc=(),
        bcc=(),
        subject=f"[test to {', '.join(named)}] {message.subject}",
    )


def _to_addresses(mailboxes: Sequence[Sequence[str]]) -> tuple[Address, ...]:
    return tuple(Address(email, name) for name, email in mailboxes)
