"""A finished mail as structured data and as MIME bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from uuid import UUID

from ..domain.direct_mail import Attachment
from . import mime

__all__ = ["Address", "Attachment", "Message"]


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
        return mime.format_mailbox(self.name, self.email)


@dataclass(frozen=True)
class Message:
    """A finished mail. A provider uses the fields that its API requires, or `mime_bytes`.

    Args:
        send_id: the ledger's id of this mail; the idempotency key for providers that take one.
        message_id: the `Message-ID` with its angle brackets; the same at each attempt.
        date: the `Date`, in whole seconds.
        from_: the sender.
        to: the recipients.
        subject: the subject as recipients read it, not encoded.
        html: the HTML part, with tracked links and the open pixel; empty in a mail that is plain
            text only.
        text: the plain part.
        cc: the recipients of a copy.
        bcc: the recipients of a copy that no header names.
        reply_to: the addresses for replies; empty if replies go to the sender.
        headers: all other headers, such as `List-Unsubscribe`, each with its encoded value
            (RFC 2047).
        attachments: the files; those with a content id are images that the HTML shows.
        links: the URLs behind the tracked links, in the order of their positions.
        encoded_html: the HTML part from `mime.encode_quoted_printable`, if it is computed already.
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
        """The bare addresses of all recipients."""
        return [address.email for address in (*self.to, *self.cc, *self.bcc)]

    @cached_property
    def mime_bytes(self) -> bytes:
        """The mail as RFC 5322 text with CRLF.

        The bytes are built once, so the ledger stores exactly what the provider gets.

        Raises:
            ValueError: a value has a line break or another control character.
        """
        headers = [("From", str(self.from_)), ("To", _format_addresses(self.to))]
        if self.cc:
            headers.append(("Cc", _format_addresses(self.cc)))
        headers += [
            ("Subject", _encode_subject(self.subject)),
            ("Date", mime.format_date(self.date)),
            ("Message-ID", self.message_id),
        ]
        if self.reply_to:
            headers.append(("Reply-To", _format_addresses(self.reply_to)))
        html = self.encoded_html
        if html is None and self.html:
            html = mime.encode_quoted_printable(self.html)
        return mime.build_message(
            [*headers, *self.headers],
            mime.encode_quoted_printable(self.text),
            html,
            self.send_id,
            self.attachments,
        )


def _format_addresses(addresses: Sequence[Address]) -> str:
    return ", ".join(map(str, addresses))


def _encode_subject(text: str) -> str:
    try:
        return mime.encode_header_text(text)
    except ValueError as error:
        raise ValueError(f"{error} in the subject") from None
