"""Reads a stored mail, so that a repeated attempt hands over the same content."""

from __future__ import annotations

import email
from datetime import UTC
from email.headerregistry import Address as ParsedAddress
from email.headerregistry import AddressHeader, DateHeader
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from ..store.sends import RenderedMail
from . import mime
from .message import Address, Attachment, Message

# What a message has as fields of its own, and what belongs to its MIME structure.
_OWN_HEADERS = frozenset(
    {"message-id", "date", "from", "to", "cc", "subject", "reply-to", "mime-version"}
)


def parse_message(stored: RenderedMail) -> Message | None:
    """Return a stored mail as a message; None when it cannot be read.

    Blind copies are in no header, so they are left out: they are people of whom nobody knows
    whether they have the mail.

    Args:
        stored: the mail.
    """
    parsed: Any = email.message_from_bytes(stored.raw, _class=EmailMessage, policy=SMTP)
    date = parsed["Date"]
    sender = _read_addresses(parsed["From"])
    if not isinstance(date, DateHeader) or date.datetime is None or not sender:
        return None
    html, text = parsed.get_body(("html",)), parsed.get_body(("plain",))
    return Message(
        send_id=stored.send_id,
        message_id=str(parsed["Message-ID"]),
        date=date.datetime.astimezone(UTC),
        from_=sender[0],
        to=_read_addresses(parsed["To"]),
        subject=stored.subject,
        html=_read_text(html),
        text=_read_text(text),
        cc=_read_addresses(parsed["Cc"]),
        reply_to=_read_addresses(parsed["Reply-To"]),
        headers=tuple(
            (name, mime.encode_header_text(str(value)))
            for name, value in parsed.items()
            if name.lower() not in _OWN_HEADERS and not name.lower().startswith("content-")
        ),
        attachments=tuple(_read_attachment(part) for part in parsed.iter_attachments()),
        links=tuple(stored.links),
    )


def _read_addresses(header: Any) -> tuple[Address, ...]:
    addresses: tuple[ParsedAddress, ...] = (
        header.addresses if isinstance(header, AddressHeader) else ()
    )
    return tuple(Address(address.addr_spec, address.display_name) for address in addresses)


def _read_text(part: EmailMessage | None) -> str:
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


def _read_attachment(part: EmailMessage) -> Attachment:
    content: Any = part.get_content()
    raw: bytes = content.encode() if isinstance(content, str) else bytes(content)
    return Attachment(part.get_filename() or "attachment", part.get_content_type(), raw)
