"""`/v1/admin/contacts/export` and `/v1/admin/suppressions/export`."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from quart import Response

from ...services.exports import ImportFormat, export_contacts, export_suppressions
from .import_views import ExportQuery
from .routes import Answer, ApiCall, RouteTable

routes = RouteTable("Exports")

_NAMES: dict[ImportFormat, tuple[str, str]] = {
    "csv": ("csv", "text/csv; charset=utf-8"),
    "jsonl": ("jsonl", "application/x-ndjson"),
}


@routes.route(
    "GET",
    "/v1/admin/contacts/export",
    scope="full-admin",
    query=ExportQuery,
    answers={200: Answer(None, "The file.", content_type="application/x-ndjson")},
)
async def download_contacts(call: ApiCall[ExportQuery, None]) -> Response:
    """Export all contacts as a file, which is sent while it is read."""
    chunks = await export_contacts(call.context, call.actor, call.query.format)
    return send_file("contacts", chunks, call.query.format)


@routes.route(
    "GET",
    "/v1/admin/suppressions/export",
    scope="full-admin",
    query=ExportQuery,
    answers={200: Answer(None, "The file.", content_type="application/x-ndjson")},
)
async def download_suppressions(call: ApiCall[ExportQuery, None]) -> Response:
    """Export the suppressed addresses as a file."""
    chunks = await export_suppressions(call.context, call.actor, call.query.format)
    return send_file("suppressions", chunks, call.query.format)


def send_file(name: str, chunks: AsyncGenerator[bytes], format: ImportFormat) -> Response:
    """Return a response that sends an export as a file."""
    suffix, content_type = _NAMES[format]
    response = Response(chunks, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{suffix}"'
    response.headers["Cache-Control"] = "no-store"
    # A large export takes longer than the framework's limit of a minute.
    response.timeout = None
    return response
