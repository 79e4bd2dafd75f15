"""A mail as RFC 5322 text: headers, a plain part and an HTML part.

Written out by hand, because the standard library's generator takes several times as long as
everything else that makes a mail.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from uuid import UUID

import idna

_CRLF = "\r\n"
_SPECIALS = re.compile(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]")
# RFC 2047 §2: an encoded word is at most 75 characters, 63 of them base64 here.
_WORD_BYTES = 45
# RFC 5322 §2.1.1 allows 998 with the header's name.
_LONGEST_LINE = 900
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]+@[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]+")
_MAILBOX = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")


def mailbox(text: str) -> tuple[str, str]:
    """Return the name and the address of `Ada <ada@example.com>` or `ada@example.com`.

    Args:
        text: one mailbox; the name may be in double quotes.

    Raises:
        ValueError: it is none.
    """
    match = _MAILBOX.fullmatch(text.strip())
    name, address = (match["name"].strip(), match["address"]) if match else ("", text)
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    if _CONTROLS.search(name):
        raise ValueError("a line break or another control character in a name")
    return name, address_of(address)


def address_of(text: str) -> str:
    """Return an address with its domain in IDNA form.

    Raises:
        ValueError: it is no address that an envelope can carry.
    """
    address = text.strip()
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"{text!r} is not an email address")
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"
    except (idna.IDNAError, UnicodeError):
        raise ValueError(f"{text!r} is not an email address") from None


@lru_cache(maxsize=256)
def mailbox_header(name: str, address: str) -> str:
    """Return a mailbox as a header has it, the name quoted or encoded where needed."""
    if not name:
        return address
    if not name.isascii():
        return f"{text_header(name)} <{address}>"
    if _SPECIALS.search(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    return f"{name} <{address}>"


def text_header(text: str) -> str:
    """Return a header's free text: as it is when it is ASCII, else encoded (RFC 2047).

    Args:
        text: one line.

    Raises:
        ValueError: it has a line break or another control character in it.
    """
    if _CONTROLS.search(text):
        raise ValueError("a line break or another control character")
    if text.isascii() and len(text) <= _LONGEST_LINE and "=?" not in text:
        return text
    words: list[str] = []
    chunk = b""
    for character in text:
        encoded = character.encode()
        if len(chunk) + len(encoded) > _WORD_BYTES:
            words.append(_encoded_word(chunk))
            chunk = b""
        chunk += encoded
    words.append(_encoded_word(chunk))
    return f"{_CRLF} ".join(words)


def _encoded_word(chunk: bytes) -> str:
    return f"=?utf-8?B?{binascii.b2a_base64(chunk, newline=False).decode('ascii')}?="


@lru_cache(maxsize=4)
def date_header(second: datetime) -> str:
    """Return an instant as the `Date` header has it."""
    return format_datetime(second)


def message(
    headers: Iterable[tuple[str, str]], text: bytes, html: bytes, boundary_id: UUID
) -> bytes:
    """Return the whole mail, lines ending in CRLF and none too long.

    Args:
        headers: names and values, apart from those of MIME, each value as it will stand there.
        text: the plain part, `encoded`.
        html: the HTML part, `encoded`.
        boundary_id: makes the boundary, so that one send always gives the same bytes.

    Raises:
        ValueError: a header's value would begin another header.
    """
    # Quoted-printable never contains `=_`, so no part can contain the boundary.
    boundary = f"=_{boundary_id.hex}"
    lines = [f"{name}: {_checked(name, value)}" for name, value in headers]
    lines.append("MIME-Version: 1.0")
    lines.append(f'Content-Type: multipart/alternative; boundary="{boundary}"')
    head = _CRLF.join(lines).encode()
    return b"".join(
        (
            head,
            b"\r\n\r\n",
            _part(boundary, "plain", text),
            _part(boundary, "html", html),
            f"--{boundary}--\r\n".encode("ascii"),
        )
    )


def encoded(content: str) -> bytes:
    """Return text as a part of a mail has it: quoted-printable, with CRLF, the last line ended.

    Each line is encoded for itself, so whole lines may be encoded one after the other.
    """
    lines = content.replace(_CRLF, "\n").replace("\r", "\n").replace("\n", _CRLF)
    body = lines.encode("utf-8", "replace")
    return binascii.b2a_qp(body if body.endswith(b"\r\n") else body + b"\r\n")


def _checked(name: str, value: str) -> str:
    if value.isascii() and value.isprintable():
        return value
    if _CONTROLS.search(value.replace(f"{_CRLF} ", "")):
        raise ValueError(f"a line break or another control character in the {name} header")
    return value


def _part(boundary: str, subtype: str, body: bytes) -> bytes:
    head = (
        f"--{boundary}\r\n"
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode("ascii") + body
