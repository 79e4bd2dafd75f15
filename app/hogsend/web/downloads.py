"""Sends files while they are made."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from quart import Response

from ..services.exports import ImportFormat

_CONTENT_TYPES: Mapping[ImportFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
}


def send_export(name: str, chunks: AsyncGenerator[bytes], format: ImportFormat) -> Response:
    """Return a response that sends an export as a file.

    Args:
        name: the name of the file, without its ending.
        chunks: the parts of the file.
        format: its format.
    """
    response = Response(chunks, content_type=_CONTENT_TYPES[format])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{format}"'
    response.headers["Cache-Control"] = "no-store"
    # A large export takes longer than the framework's limit of a minute.
    response.timeout = None
    return response
