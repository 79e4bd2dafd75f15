"""`/v1/admin/contacts/{id}/archive` and `/erase`: what is stored about a person."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from quart import Response

from ...services.archive import open_archive
from ...services.contacts import find_contact
from ...services.privacy import erase_contact
from ..background import run_in_background
from .routes import Answer, ApiCall, Reply, RouteTable
from .schemas import NoQuery, View

# How long a request waits for an erasure, in seconds; a longer one continues.
PATIENCE = 20.0
ZIP = "application/zip"

routes = RouteTable("Privacy")


class ErasureView(View):
    """What an erasure removed; the counts are missing while it continues."""

    id: UUID
    finished: bool
    identities: int | None = None
    events: int | None = None
    enrollments: int | None = None
    live: int | None = None
    sends: int | None = None
    queued: int | None = None
    mails: int | None = None


_EXAMPLE = {
    "id": "01a20364-0bb6-73eb-9330-0f5a70953204",
    "finished": True,
    "identities": 2,
    "events": 41,
    "enrollments": 3,
    "live": 1,
    "sends": 7,
    "queued": 1,
    "mails": 6,
}


@routes.route(
    "GET",
    "/v1/admin/contacts/<contact_id>/archive",
    scope="full-admin",
    answers={200: Answer(None, "A ZIP file.", content_type=ZIP)},
    errors=(404,),
)
async def download_archive(call: ApiCall[NoQuery, None]) -> Response:
    """Download everything that is stored about a person.

    `contact_id` is the contact's id, user id or email address. The file has a page to read, JSON
    and the emails, with links that act for the person; the download is recorded in the audit log.
    """
    contact = await find_contact(call.context, call.actor, call.values["contact_id"])
    archive = await open_archive(call.context, call.actor, contact.id)
    headers = {
        "Content-Disposition": f'attachment; filename="{archive.file_name}"',
        "Cache-Control": "no-store",
    }
    return Response(archive.chunks, content_type=ZIP, headers=headers)


@routes.route(
    "POST",
    "/v1/admin/contacts/<contact_id>/erase",
    scope="full-admin",
    answers={
        200: Answer(ErasureView, "The contact is erased.", _EXAMPLE),
        202: Answer(
            ErasureView, "The erasure continues.", {"id": _EXAMPLE["id"], "finished": False}
        ),
    },
    errors=(404,),
)
async def erase(call: ApiCall[NoQuery, None]) -> Reply:
    """Erase everything personal about a contact; counts stay, and its addresses get no more email.

    `contact_id` is the contact's id, user id or email address. This cannot be undone. The answer
    has how much was stored.
    """
    context, actor = call.context, call.actor
    contact = await find_contact(context, actor, call.values["contact_id"])
    try:
        result = await run_in_background(
            lambda: erase_contact(context, actor, contact.id), PATIENCE
        )
    except TimeoutError:
        return Reply(ErasureView(id=contact.id, finished=False), 202)
    view = ErasureView(id=result.contact_id, finished=result.is_finished, **asdict(result.counts))
    return Reply(view, 200 if result.is_finished else 202)
