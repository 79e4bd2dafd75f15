"""Writes mails as RFC 5322 text: headers, a plain part, an HTML part and attachments.

The generator of the standard library is not used: it takes several times as long as all other
steps of rendering together.
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

from ..domain.direct_mail import Attachment

_CRLF = "\r\n"
_SPECIALS = re.compile(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]")
# RFC 2047 §2 allows 75 characters for an encoded word; 45 bytes give 60 characters of base64.
_WORD_BYTES = 45
# RFC 5322 §2.1.1 allows 998 characters, including the name of the header.
_MAX_LINE_LENGTH = 900
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@lru_cache(maxsize=256)
def format_mailbox(name: str, address: str) -> str:
    """Return a mailbox as a header value, with a quoted or encoded name where needed."""
    if not name:
        return address
    # A reader would decode a name that looks encoded, and no line may be longer.
    if not name.isascii() or "=?" in name or len(name) > _MAX_LINE_LENGTH:
        return f"{encode_header_text(name)} <{address}>"
    if _SPECIALS.search(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    return f"{name} <{address}>"


def encode_header_text(text: str) -> str:
    """Return free text as a header value: unchanged if it is ASCII, else encoded (RFC 2047).

    Args:
        text: a single line.

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
        encode_quoted_printable = character.encode()
        if len(chunk) + len(encode_quoted_printable) > _WORD_BYTES:
            words.append(_encode_word(chunk))
            chunk = b""
        chunk += encode_quoted_printable
    words.append(_encode_word(chunk))
    return f"{_CRLF} ".join(words)


def _encode_word(chunk: bytes) -> str:
    return f"=?utf-8?B?{binascii.b2a_base64(chunk, newline=False).decode('ascii')}?="


@lru_cache(maxsize=4)
def format_date(second: datetime) -> str:
    """Return an instant as the value of a `Date` header."""
    return format_datetime(second)


def build_message(
    headers: Iterable[tuple[str, str]],
    text: bytes,
    html: bytes | None,
    boundary_id: UUID,
    attachments: Sequence[Attachment] = (),
) -> bytes:
    """Return the bytes of a mail; each line ends with CRLF and keeps the maximum length.

    Args:
        headers: the names and encoded values of all headers except those of MIME.
        text: the plain part, from `encode_quoted_printable`.
        html: the HTML part, from `encode_quoted_printable`; None in a mail of plain text only.
        boundary_id: the boundary is made from this id, so the same send gives the same bytes.
        attachments: the files; those with a content id belong to the HTML part (RFC 2387), and are
            files like the others in a mail of plain text only.

    Raises:
        ValueError: a header's value has a line break or another control character.
    """
    lines = [f"{name}: {_check_header_value(name, value)}" for name, value in headers]
    # Quoted-printable and base64 never contain `=_`, so no part contains a boundary.
    part = _build_text_part("plain", text)
    attached = attachments
    if html is not None:
        html_part = _build_text_part("html", html)
        if inline := [file for file in attachments if file.content_id]:
            attached = [file for file in attachments if not file.content_id]
            images = [_build_file_part(file, is_inline=True) for file in inline]
            kind, related = 'related; type="text/html"', f"=_related_{boundary_id.hex}"
            html_part = _build_multipart(kind, related, (html_part, *images))
        part = _build_multipart("alternative", f"=_{boundary_id.hex}", (part, html_part))
    if attached:
        files = [_build_file_part(file) for file in attached]
        part = _build_multipart("mixed", f"=_mixed_{boundary_id.hex}", (part, *files))
    lines.append("MIME-Version: 1.0\r\n")
    return _CRLF.join(lines).encode() + part


def encode_quoted_printable(content: str) -> bytes:
    """Return text as quoted-printable; each line ends with CRLF.

    Each line is encoded independently, so a text may be encoded in pieces of whole lines.
    """
    lines = content.replace(_CRLF, "\n").replace("\r", "\n").replace("\n", _CRLF)
    body = lines.encode("utf-8", "replace")
    return binascii.b2a_qp(body if body.endswith(b"\r\n") else body + b"\r\n")


def _check_header_value(name: str, value: str) -> str:
    if value.isascii() and value.isprintable():
        return value
    if _CONTROLS.search(value.replace(f"{_CRLF} ", "")):
        raise ValueError(f"a line break or another control character in the {name} header")
    return value


def _build_multipart(kind: str, boundary: str, parts: Iterable[bytes]) -> bytes:
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode("ascii")
    separator = f"--{boundary}\r\n".encode("ascii")
    end = f"--{boundary}--\r\n".encode("ascii")
    return b"".join((head, *(piece for part in parts for piece in (separator, part)), end))


def _build_text_part(subtype: str, body: bytes) -> bytes:
    head = (
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode("ascii") + body


def _build_file_part(file: Attachment, *, is_inline: bool = False) -> bytes:
    disposition = "inline" if is_inline else "attachment"
    content_id = f"Content-ID: <{file.content_id}>\r\n" if is_inline else ""
    head = (
        f"Content-Type: {_check_header_value('Content-Type', file.content_type)}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"{content_id}"
        f"Content-Disposition: {disposition}; filename*=utf-8''{quote(file.filename, safe='')}"
        "\r\n\r\n"
    )
    return head.encode("ascii") + base64.encodebytes(file.content).replace(b"\n", b"\r\n")
