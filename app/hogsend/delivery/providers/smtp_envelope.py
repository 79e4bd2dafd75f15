"""Builds the SMTP envelope of a mail: sender, recipients, and the extensions that it needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ...domain.hosts import encode_host
from .port import Message, Rejected

_PLAIN = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
# Matches characters that would end the address in the angle brackets of `MAIL` and `RCPT`.
_UNSAFE = re.compile(r"[\x00-\x20\x7f<>]")
MAX_ADDRESS_LENGTH = 254


@dataclass(frozen=True, slots=True)
class Envelope:
    """The sender, the recipients, and the extensions that the mail requires of the server.

    Args:
        sender: the address that bounces go to, without angle brackets.
        recipients: the addresses that the mail goes to.
        size: the mail's size in bytes.
        is_eight_bit: whether the mail has bytes beyond ASCII (RFC 6152).
        is_international: whether an address or a header has bytes beyond ASCII (RFC 6531).
    """

    sender: bytes
    recipients: tuple[bytes, ...]
    size: int
    is_eight_bit: bool
    is_international: bool


def build_envelope(message: Message, return_path: str | None = None) -> Envelope:
    """Build a mail's envelope.

    Args:
        message: the mail.
        return_path: the address that bounces go to; None is the sender's own.

    Raises:
        Rejected: an address is malformed, or a line of the mail ends with a lone CR or LF.
            Servers interpret such line ends differently, so a second mail could hide in the first.
    """
    sender = encode_address(return_path or message.from_.email)
    recipients = tuple(encode_address(address) for address in message.recipients)
    content = message.mime_bytes
    if not content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r"):
        raise Rejected("the mail has a line that does not end with CR LF", "content")
    is_eight_bit = not content.isascii()
    return Envelope(
        sender=sender,
        recipients=recipients,
        size=len(content),
        is_eight_bit=is_eight_bit,
        is_international=not all(address.isascii() for address in (sender, *recipients))
        or (is_eight_bit and not content.partition(b"\r\n\r\n")[0].isascii()),
    )


@lru_cache(maxsize=256)
def encode_address(address: str) -> bytes:
    """Return a bare address in the form that SMTP commands carry.

    A domain beyond ASCII is converted to its ASCII form (RFC 5891), which every server accepts. A
    local part beyond ASCII has no ASCII form and is not converted.

    Raises:
        Rejected: the address is malformed.
    """
    if _PLAIN.fullmatch(address) and len(address) <= MAX_ADDRESS_LENGTH:
        return address.encode("ascii")
    local, _, domain = address.rpartition("@")
    if not local or not domain or _UNSAFE.search(address) or len(address) > MAX_ADDRESS_LENGTH:
        raise Rejected("the address is malformed", "content")
    try:
        if not domain.isascii():
            domain = encode_host(domain)
        return f"{local}@{domain}".encode()
    except ValueError:
        raise Rejected("the address is malformed", "content") from None
