"""A finished mail as structured data, which can also give its MIME bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from uuid import UUID

from . import mime


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox.

    Args:
        email: the bare address.
        name: the display name; empty for none.
    """

    email: str
    name: str = ""

    def __str__(self) -> str:
        """Return `Ada <ada@example.com>`, the name quoted or encoded where needed (RFC 5322)."""
        return mime.mailbox_header(self.name, self.email)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that travels with a mail.

    Args:
        filename: the name that recipients see.
        content_type: such as `application/pdf`.
        content: the file's bytes.
    """

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Message:
    """A finished mail. A provider uses the fields that its API asks for, or `mime_bytes`.

    Args:
        send_id: the ledger's id of this mail; the idempotency key for providers that take one.
        message_id: the `Message-ID` with its angle brackets; the same at each attempt.
        date: the `Date`, in whole seconds.
        from_: the sender.
        to: the recipients.
        subject: the text that recipients read, not encoded.
        html: the HTML part, with tracked links and the open pixel.
        text: the plain part.
        cc: the recipients of a copy.
        bcc: the recipients of a copy that no header names.
        reply_to: where answers go; empty for the sender.
        headers: the further headers, such as `List-Unsubscribe`, by name and value; the values
            are ready for the wire (RFC 2047).
        attachments: the files.
        links: the URLs behind the tracked links, in the order of their positions.
        encoded_html: the HTML part as `mime.encoded` gives it, when the renderer has it anyway.
    """

    send_id: UUID
    message_id: str
    date: datetime
    from_: Address
    to: Sequence[Address]
    subject: str
    html: str
    text: str
    cc: Sequence[Address] = ()
    bcc: Sequence[Address] = ()
    reply_to: Sequence[Address] = ()
    headers: Sequence[tuple[str, str]] = ()
    attachments: Sequence[Attachment] = ()
    links: Sequence[str] = ()
    encoded_html: bytes | None = field(default=None, repr=False, compare=False)

    @property
    def recipients(self) -> list[str]:
        """The bare addresses that the mail goes to."""
        return [address.email for address in (*self.to, *self.cc, *self.bcc)]

    @cached_property
    def mime_bytes(self) -> bytes:
        """The whole mail, RFC 5322 with CRLF.

        Built once: the ledger keeps the bytes that an SMTP server gets.

        Raises:
            ValueError: a value would begin another header.
        """
        headers = [("From", str(self.from_)), ("To", _addresses(self.to))]
        if self.cc:
            headers.append(("Cc", _addresses(self.cc)))
        headers += [
            ("Subject", _subject(self.subject)),
            ("Date", mime.date_header(self.date)),
            ("Message-ID", self.message_id),
        ]
        if self.reply_to:
            headers.append(("Reply-To", _addresses(self.reply_to)))
        html = self.encoded_html
        return mime.message(
            [*headers, *self.headers],
            mime.encoded(self.text),
            mime.encoded(self.html) if html is None else html,
            self.send_id,
            [(file.filename, file.content_type, file.content) for file in self.attachments],
        )


def _addresses(addresses: Sequence[Address]) -> str:
    return ", ".join(map(str, addresses))


def _subject(text: str) -> str:
    try:
        return mime.text_header(text)
    except ValueError as error:
        raise ValueError(f"{error} in the subject") from None
