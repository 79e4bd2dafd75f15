"""Writes mails as RFC 5322 text: headers, a plain part, an HTML part and attachments.

Written by hand, because the generator of the standard library takes several times as long as all
other steps of rendering together.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote
from uuid import UUID

import idna

_CRLF = "\r\n"
_SPECIALS = re.compile(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]")
# RFC 2047 §2: an encoded word is at most 75 characters, 63 of them base64 here.
_WORD_BYTES = 45
# RFC 5322 §2.1.1 allows 998 with the header's name.
_MAX_LINE_LENGTH = 900
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]+@[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]+")
_MAILBOX = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")


def mailbox(text: str) -> tuple[str, str]:
    """Return the name and the address of `Ada <ada@example.com>` or `ada@example.com`.

    Args:
        text: one mailbox; the name may be in double quotes.

    Raises:
        ValueError: the text is not a mailbox.
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
        ValueError: the text is not an address that an SMTP envelope can carry.
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
    """Return a mailbox as a header value, the name quoted or encoded where needed."""
    if not name:
        return address
    if not name.isascii():
        return f"{text_header(name)} <{address}>"
    if _SPECIALS.search(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    return f"{name} <{address}>"


def text_header(text: str) -> str:
    """Return free text as a header value: unchanged when it is ASCII, else encoded (RFC 2047).

    Args:
        text: one line.

    Raises:
        ValueError: the text has a line break or another control character.
    """
    if _CONTROLS.search(text):
        raise ValueError("a line break or another control character")
    if text.isascii() and len(text) <= _MAX_LINE_LENGTH and "=?" not in text:
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
    """Return an instant as the value of a `Date` header."""
    return format_datetime(second)


def message(
    headers: Iterable[tuple[str, str]],
    text: bytes,
    html: bytes,
    boundary_id: UUID,
    attachments: Sequence[tuple[str, str, bytes]] = (),
) -> bytes:
    """Return the whole mail; its lines end with CRLF and are not too long.

    Args:
        headers: names and values except those of MIME, each value ready for the wire.
        text: the plain part, from `encoded`.
        html: the HTML part, from `encoded`.
        boundary_id: makes the boundary, so that the same send gives the same bytes.
        attachments: the file name, content type and bytes of each file.

    Raises:
        ValueError: a header's value would begin another header.
    """
    lines = [f"{name}: {_checked(name, value)}" for name, value in headers]
    # Neither quoted-printable nor base64 ever contains `=_`, so no part contains a boundary.
    boundary = f"=_{boundary_id.hex}"
    head = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'.encode("ascii")
    body = _multipart(boundary, (_text_part("plain", text), _text_part("html", html)))
    if attachments:
        parts = [head + body, *(_attachment_part(*attachment) for attachment in attachments)]
        boundary = f"=_mixed_{boundary_id.hex}"
        head = f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n'.encode("ascii")
        body = _multipart(boundary, parts)
    lines.append("MIME-Version: 1.0\r\n")
    return b"".join((_CRLF.join(lines).encode(), head, body))


def encoded(content: str) -> bytes:
    """Return text as quoted-printable, every line ended with CRLF.

    Lines do not depend on each other, so a text may be encoded in several pieces of whole lines.
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


def _multipart(boundary: str, parts: Iterable[bytes]) -> bytes:
    separator = f"--{boundary}\r\n".encode("ascii")
    end = f"--{boundary}--\r\n".encode("ascii")
    return b"".join((*(separator + part for part in parts), end))


def _text_part(subtype: str, body: bytes) -> bytes:
    head = (
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode("ascii") + body


def _attachment_part(filename: str, content_type: str, content: bytes) -> bytes:
    head = (
        f"Content-Type: {_checked('Content-Type', content_type)}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment; filename*=utf-8''{quote(filename, safe='')}\r\n\r\n"
    )
    return head.encode("ascii") + base64.encodebytes(content).replace(b"\n", b"\r\n")
