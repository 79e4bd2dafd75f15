"""`/v1/admin/contacts/export` and `/v1/admin/suppressions/export`."""

from __future__ import annotations

from quart import Response

from ...services.exports import export_contacts, export_suppressions
from ..downloads import send_export
from .import_views import ExportQuery
from .routes import Answer, ApiCall, RouteTable

routes = RouteTable("Exports")


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
    return send_export("contacts", chunks, call.query.format)


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
    return send_export("suppressions", chunks, call.query.format)
