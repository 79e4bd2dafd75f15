"""What an SMTP server is told about a mail before it gets the mail itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import idna

from .port import Message, Rejected

_PLAIN = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
# Inside the angle brackets of `MAIL` and `RCPT` these would end the address and begin something
# else.
_UNSAFE = re.compile(r"[\x00-\x20\x7f<>]")
LONGEST_ADDRESS = 254


@dataclass(frozen=True, slots=True)
class Envelope:
    """Sender, recipient and what the content needs the server to be able to do.

    Args:
        sender: the address that bounces go to, as it is put between angle brackets.
        recipient: the one address that the mail goes to.
        size: the mail's bytes.
        is_eight_bit: whether there are bytes beyond ASCII (RFC 6152).
        is_international: whether an address or a header has such bytes (RFC 6531).
    """

    sender: bytes
    recipient: bytes
    size: int
    is_eight_bit: bool
    is_international: bool


def envelope_of(message: Message) -> Envelope:
    """Return a mail's envelope.

    Raises:
        Rejected: an address is none, or a line of the mail ends with a lone CR or LF, which
            servers disagree about (it can hide a second mail in the first).
    """
    raw = message.raw
    if not raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r"):
        raise Rejected("the mail has a line that does not end with CR LF", "content")
    sender, recipient = mailbox(message.from_email), mailbox(message.to_email)
    eight_bit = not raw.isascii()
    return Envelope(
        sender=sender,
        recipient=recipient,
        size=len(raw),
        is_eight_bit=eight_bit,
        is_international=not (sender.isascii() and recipient.isascii())
        or (eight_bit and not raw.partition(b"\r\n\r\n")[0].isascii()),
    )


@lru_cache(maxsize=256)
def mailbox(address: str) -> bytes:
    """Return an address as an SMTP server is told it; a display name is left out.

    A domain beyond ASCII is written in its ASCII form (RFC 5891), which every server takes; a
    local part beyond ASCII has no such form and stays.

    Raises:
        Rejected: it is no address.
    """
    if address.endswith(">"):
        address = address[:-1].rpartition("<")[2]
    if _PLAIN.fullmatch(address) and len(address) <= LONGEST_ADDRESS:
        return address.encode("ascii")
    local, _, domain = address.rpartition("@")
    if not local or not domain or _UNSAFE.search(address) or len(address) > LONGEST_ADDRESS:
        raise Rejected("the address is malformed", "content")
    try:
        if not domain.isascii():
            domain = idna.encode(domain, uts46=True).decode("ascii")
        return f"{local}@{domain}".encode()
    except (idna.IDNAError, UnicodeError):
        raise Rejected("the address is malformed", "content") from None
