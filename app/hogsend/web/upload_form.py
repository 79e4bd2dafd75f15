"""Reads a posted form with a file as it arrives, so that a file of any size needs little memory."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qsl

from quart import g, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from ..errors import InvalidInput, TooLarge

# What is given to the decoder at once, and what it may hold of headers.
_PIECE, _MAX_BUFFER = 64 * 1024, 256 * 1024
# The fields before the file, in bytes; each has a header of its own.
_MAX_FIELD_BYTES, _MAX_PARTS = 1024 * 1024, 5000


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A form whose file comes after its fields.

    Args:
        fields: the fields before the file.
        file_name: the name of the file; empty when none was chosen.
        chunks: the content of the file, which can be read once. It raises InvalidInput when the
            upload ends before the file does.
    """

    fields: MultiDict[str, str]
    file_name: str
    chunks: AsyncIterator[bytes]


async def open_upload_form() -> UploadForm:
    """Read the fields of the posted form, up to its file; it may have none.

    Raises:
        InvalidInput: it is not a valid form.
        TooLarge: its fields are too long.
    """
    if "upload_form" not in g:
        if request.mimetype == "multipart/form-data":
            boundary = request.mimetype_params.get("boundary", "")
            g.upload_form = await read_upload_form(request.body, boundary)
        else:
            g.upload_form = await _read_plain_form(request.body)
    return cast("UploadForm", g.upload_form)


async def _read_plain_form(body: AsyncIterable[bytes]) -> UploadForm:
    raw = bytearray()
    async for chunk in body:
        raw += chunk
        if len(raw) > _MAX_FIELD_BYTES:
            raise TooLarge("The fields of this form are too long.", "Shorten them.")
    fields = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)
    return UploadForm(MultiDict(fields), "", _read_nothing())


async def _read_nothing() -> AsyncIterator[bytes]:
    for chunk in ():
        yield chunk


async def read_upload_form(body: AsyncIterable[bytes], boundary: str) -> UploadForm:
    """Read the fields of a form, up to its file.

    Args:
        body: the form as `multipart/form-data` (RFC 7578).
        boundary: what separates its parts.

    Raises:
        InvalidInput: it is not a valid form.
        TooLarge: its fields are too long.
    """
    events = _decode(body, boundary.encode("latin-1", "replace"))
    fields, size = MultiDict[str, str](), 0
    name, value = "", bytearray()
    async for event in events:
        if isinstance(event, File):
            return UploadForm(fields, event.filename, _read_file(events))
        if isinstance(event, Field):
            # A part without a name is none of our fields.
            name, value = event.name or "", bytearray()
        elif isinstance(event, Data):
            size += len(event.data)
            if size > _MAX_FIELD_BYTES:
                raise TooLarge("The fields of this form are too long.", "Shorten them.")
            value += event.data
            if not event.more_data:
                fields.add(name, value.decode("utf-8", "replace"))
    return UploadForm(fields, "", _read_nothing())


async def _read_file(events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    async for event in events:
        if isinstance(event, Data):
            if event.data:
                yield event.data
            if not event.more_data:
                return


async def _decode(body: AsyncIterable[bytes], boundary: bytes) -> AsyncIterator[Event]:
    decoder = MultipartDecoder(boundary, _MAX_BUFFER, max_parts=_MAX_PARTS)
    try:
        async for piece in _cut(body, b"--" + boundary + b"-"):
            decoder.receive_data(piece)
            while not isinstance(event := decoder.next_event(), NeedData):
                yield event
        decoder.receive_data(None)
        while not isinstance(event := decoder.next_event(), Epilogue):
            yield event
    except RequestEntityTooLarge:
        raise TooLarge("This form is too long.", "Shorten its fields.") from None
    except ValueError:
        raise InvalidInput(
            "The upload ended before the file did.", "Check your connection, and upload it again."
        ) from None


async def _cut(body: AsyncIterable[bytes], marker: bytes) -> AsyncIterator[bytes]:
    """Yield a body in small pieces, none of which ends with a marker.

    Werkzeug's decoder takes the line break before the last boundary for a part of the file when the
    data that it has ends between the two hyphens after that boundary.
    """
    held, recent = b"", b""
    async for chunk in body:
        for start in range(0, len(chunk), _PIECE):
            piece = chunk[start : start + _PIECE]
            recent = (recent + piece)[-len(marker) :]
            piece, held = held + piece, b""
            if recent == marker:
                piece, held = piece[:-1], piece[-1:]
            yield piece
    yield held
