"""Bodies of other products' clients: JSON, perhaps compressed, perhaps in a form."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any, cast
from urllib.parse import parse_qs

from quart import g, request

from ...errors import InvalidInput, TooLarge
from .json_bodies import parse_json

# Of a body, and of what it contains when it is compressed; the largest batches have 5 MB.
MAX_BYTES = 6 * 1024 * 1024
_GZIP = b"\x1f\x8b"
# zlib's number for data with a gzip header.
_GZIP_WINDOW = 31
# Of gzip data, the parts that are compressed apart, and what is expanded at a time.
_MAX_MEMBERS = 1000
_PIECE_BYTES = 64 * 1024
_NOT_GZIP = "The body is not valid gzip."
_FORM = "application/x-www-form-urlencoded"


async def read_json_body() -> Any:
    """Return what the body of the present request contains, as JSON values; read once.

    Raises:
        InvalidInput: the body is not JSON, or is compressed in another way than with gzip.
        TooLarge: the body, or what it contains, is past the limit.
    """
    if "json_body" not in g:
        g.json_body = await _parse_body()
    return g.json_body


async def _parse_body() -> Any:
    raw = cast("bytes", await request.get_data(cache=False))
    if request.mimetype == _FORM:
        raw = _read_form(raw)
    try:
        return parse_json(_expand(raw) or b"{}")
    except (ValueError, RecursionError):
        raise InvalidInput("Malformed JSON in request body") from None


def _read_form(raw: bytes) -> bytes:
    """Return the field `data` of a form: JSON, or JSON in base64."""
    try:
        text = parse_qs(raw.decode("utf-8", "replace"), max_num_fields=20).get("data", [""])[0]
    except ValueError:
        raise InvalidInput("The form has more than 20 fields.") from None
    if text.startswith(("{", "[")):
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise InvalidInput("The form has no readable field `data`.") from None


def _expand(raw: bytes) -> bytes:
    """Return a body that may be compressed, up to the limit."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise InvalidInput(f"The content encoding {encoding!r} is not supported.", "Use gzip.")
    # Some clients name the compression in the query instead.
    if not raw.startswith(_GZIP):
        return raw
    return _expand_gzip(raw)


def _expand_gzip(raw: bytes) -> bytes:
    """Return what gzip data contains, of all its members, up to the limit."""
    parts: list[bytes] = []
    size = start = 0
    for _ in range(_MAX_MEMBERS):
        expander = zlib.decompressobj(_GZIP_WINDOW)
        while not expander.eof:
            # What is left of a piece is copied for each member, so pieces are small.
            piece = raw[start : start + _PIECE_BYTES]
            try:
                part = expander.decompress(piece, MAX_BYTES + 1 - size) if piece else b""
            except zlib.error:
                raise InvalidInput(_NOT_GZIP) from None
            size += len(part)
            if size > MAX_BYTES:
                raise TooLarge(f"The body is larger than {MAX_BYTES} bytes when it is expanded.")
            if not piece:
                raise InvalidInput(_NOT_GZIP)
            parts.append(part)
            start += len(piece) - len(expander.unused_data)
        # Zeros may follow, to fill a block.
        if not raw[start:].lstrip(b"\0"):
            return b"".join(parts)
    raise InvalidInput(f"The body has more than {_MAX_MEMBERS} gzip members.")
