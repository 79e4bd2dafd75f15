"""`/v1/admin/imports`, `/v1/admin/contacts/import` and `/v1/admin/suppressions/import`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

from quart import request

from ...errors import InvalidInput
from ...services.import_uploads import ImportChoices, ImportKind, create_import, start_import
from ...services.imports import (
    ImportJob,
    ImportRemark,
    cancel_import,
    delete_import,
    get_import,
    list_imports,
    list_remarks,
)
from .contacts import DeletedView
from .import_views import (
    MAX_DATA_LENGTH,
    FileQuery,
    ImportBody,
    ImportJobView,
    ImportsPage,
    JobCreatedView,
    RemarksPage,
    RemarkView,
    RowErrorView,
)
from .routes import Answer, ApiCall, RawBody, RouteTable
from .schemas import NoQuery, PageQuery, cut_page, parse_cursor, parse_path_id

routes = RouteTable("Imports")

# JSON may spell each character of the data in six bytes.
_MAX_BODY_BYTES = 6 * MAX_DATA_LENGTH + 4096
_MAX_ERRORS = 100

_CREATED = {"jobId": "01a20364-0bb6-73eb-9330-0f5a70953204", "status": "pending"}
_ACCEPTED = {202: Answer(JobCreatedView, "The import will run.", _CREATED)}
_JOB: dict[str, Any] = {
    "id": "01a20364-0bb6-73eb-9330-0f5a70953204",
    "kind": "contacts",
    "fileName": "people.csv",
    "status": "completed",
    "detail": "completed",
    "totalRows": 2,
    "processedRows": 2,
    "failedRows": 1,
    "created": 1,
    "updated": 0,
    "unchanged": 0,
    "dryRun": False,
    "problem": None,
    "errors": [{"row": 1, "error": "The row has no email address and no user id"}],
    "createdAt": "2026-01-02T03:04:05.678Z",
    "updatedAt": "2026-01-02T03:04:06.678Z",
}
_STATUS = {200: Answer(ImportJobView, "The import.", _JOB)}
_FILE = RawBody(("text/csv", "application/x-ndjson", "application/octet-stream"))


async def _import_text(call: ApiCall[NoQuery, ImportBody], kind: ImportKind) -> JobCreatedView:
    body = call.body
    content, total = body.data, None
    if body.format == "json":
        rows = _parse_rows(body.data)
        content, total = "\n".join(json.dumps(row) for row in rows), len(rows)

    async def chunks() -> AsyncIterator[bytes]:
        yield content.encode("utf-8", "replace")

    job = await create_import(
        call.context,
        call.actor,
        kind,
        body.file_name,
        chunks(),
        format="csv" if body.format == "csv" else "jsonl",
    )
    await start_import(call.context, call.actor, job.id, total_rows=total)
    return JobCreatedView(job_id=job.id, status="pending")


def _parse_rows(data: str) -> list[Any]:
    try:
        rows: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidInput("data is not valid JSON", "Send the text of a JSON array.") from None
    if not isinstance(rows, list):
        raise InvalidInput("data is not a JSON array", "Send the text of a JSON array.")
    return cast("list[Any]", rows)


async def _import_upload(call: ApiCall[FileQuery, None], kind: ImportKind) -> JobCreatedView:
    query = call.query
    job = await create_import(
        call.context,
        call.actor,
        kind,
        query.file_name,
        cast("AsyncIterator[bytes]", request.body),
        format=query.format,
        import_choices=ImportChoices(
            columns=_parse_map(query.map),
            preset=query.preset,
            lists=[name.strip() for name in query.lists.split(",") if name.strip()],
            resubscribe=query.resubscribe,
            event=query.event,
        ),
    )
    await start_import(call.context, call.actor, job.id, dry_run=query.dry_run)
    return JobCreatedView(job_id=job.id, status="pending")


def _parse_map(text: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        columns: Any = json.loads(text)
    except (ValueError, RecursionError):
        columns = None
    if not isinstance(columns, dict) or not all(
        isinstance(target, str) for target in cast("dict[str, Any]", columns).values()
    ):
        raise InvalidInput("map is not a JSON object of texts", 'Send {"Plan": "property:plan"}.')
    return cast("dict[str, str]", columns)


async def _show(call: ApiCall[NoQuery, None], kind: ImportKind) -> ImportJobView:
    import_id = parse_path_id(call.values["job_id"], "import job")
    job = await get_import(call.context, call.actor, import_id)
    remarks: Sequence[ImportRemark] = ()
    if job.refused:
        remarks = await list_remarks(call.context, call.actor, import_id, 2 * _MAX_ERRORS)
    errors = [
        RowErrorView(row=remark.row - 1, error=remark.reason)
        for remark in remarks
        if remark.is_refused
    ]
    return _to_view(job, errors[:_MAX_ERRORS])


def _to_view(job: ImportJob, errors: Sequence[RowErrorView] = ()) -> ImportJobView:
    has_failed = job.status in ("failed", "cancelled")
    if job.status == "completed":
        has_failed = job.rows > 0 and job.refused == job.rows
    running = "processing" if job.status == "processing" else "pending"
    return ImportJobView(
        id=job.id,
        kind=job.kind,
        file_name=job.file_name,
        status="failed" if has_failed else "completed" if job.has_ended else running,
        detail=job.status,
        total_rows=job.total_rows,
        processed_rows=job.rows,
        failed_rows=job.refused,
        created=job.created,
        updated=job.updated,
        unchanged=job.unchanged,
        dry_run=job.is_dry_run,
        problem=job.problem,
        errors=list(errors) or None,
        created_at=job.created_at,
        updated_at=job.updated_at,
    )


@routes.route(
    "POST",
    "/v1/admin/contacts/import",
    scope="full-admin",
    body=ImportBody,
    body_example={"format": "csv", "data": "email,plan\nada@example.com,pro\n"},
    answers=_ACCEPTED,
    max_body_bytes=_MAX_BODY_BYTES,
)
async def import_contacts(call: ApiCall[NoQuery, ImportBody]) -> JobCreatedView:
    """Import contacts from the text of a small file.

    A JSON row has `externalId` or `email`, `phone` and `properties`; the other columns of a CSV are
    properties. No journey starts.
    """
    return await _import_text(call, "contacts")


@routes.route(
    "POST",
    "/v1/admin/suppressions/import",
    scope="full-admin",
    body=ImportBody,
    body_example={"format": "csv", "data": "email,reason\nada@example.com,bounced\n"},
    answers=_ACCEPTED,
    max_body_bytes=_MAX_BODY_BYTES,
)
async def import_suppressions(call: ApiCall[NoQuery, ImportBody]) -> JobCreatedView:
    """Import addresses that must not get mail.

    A row has `email` and `reason`: `unsubscribed`, which is the default, `bounced` or `complained`.
    """
    return await _import_text(call, "suppressions")


@routes.route(
    "POST",
    "/v1/admin/contacts/import/file",
    scope="full-admin",
    query=FileQuery,
    body=_FILE,
    answers=_ACCEPTED,
    errors=(413,),
    max_body_bytes=0,
)
async def upload_contacts(call: ApiCall[FileQuery, None]) -> JobCreatedView:
    """Import contacts from a file of any size, which is the body.

    After a dry run the file waits to be started or deleted, by the id in the answer.
    """
    return await _import_upload(call, "contacts")


@routes.route(
    "GET",
    "/v1/admin/contacts/import/<job_id>",
    scope="full-admin",
    answers=_STATUS,
    errors=(404,),
)
async def show_contact_import(call: ApiCall[NoQuery, None]) -> ImportJobView:
    """Return how far an import of contacts has come, with the first rows that were refused."""
    return await _show(call, "contacts")


@routes.route(
    "GET",
    "/v1/admin/suppressions/import/<job_id>",
    scope="full-admin",
    answers=_STATUS,
    errors=(404,),
)
async def show_suppression_import(call: ApiCall[NoQuery, None]) -> ImportJobView:
    """Return how far an import of suppressions has come, with the first rows that were refused."""
    return await _show(call, "suppressions")


@routes.route(
    "POST",
    "/v1/admin/contacts/import/<job_id>/cancel",
    scope="full-admin",
    answers=_STATUS,
    errors=(404, 409),
)
async def cancel(call: ApiCall[NoQuery, None]) -> ImportJobView:
    """Stop an import; what it has imported stays."""
    import_id = parse_path_id(call.values["job_id"], "import job")
    return _to_view(await cancel_import(call.context, call.actor, import_id))


@routes.route(
    "POST",
    "/v1/admin/contacts/import/<job_id>/start",
    scope="full-admin",
    answers=_ACCEPTED,
    errors=(404, 409),
)
async def start(call: ApiCall[NoQuery, None]) -> JobCreatedView:
    """Import the file of a dry run."""
    import_id = parse_path_id(call.values["job_id"], "import job")
    job = await start_import(call.context, call.actor, import_id)
    return JobCreatedView(job_id=job.id, status="pending")


@routes.route(
    "DELETE",
    "/v1/admin/contacts/import/<job_id>",
    scope="full-admin",
    answers={200: Answer(DeletedView, "It is gone.", {"deleted": True})},
    errors=(404, 409),
)
async def delete(call: ApiCall[NoQuery, None]) -> DeletedView:
    """Delete an import that does not run, with its file and refused rows; its contacts stay."""
    import_id = parse_path_id(call.values["job_id"], "import job")
    await delete_import(call.context, call.actor, import_id)
    return DeletedView(deleted=True)


@routes.route(
    "GET",
    "/v1/admin/imports",
    scope="read",
    query=PageQuery,
    answers={
        200: Answer(ImportsPage, "The imports.", {"imports": [_JOB], "limit": 50, "offset": 0})
    },
)
async def list_(call: ApiCall[PageQuery, None]) -> ImportsPage:
    """List imports of contacts and suppressions, newest first."""
    query = call.query
    wanted = query.offset + query.limit + 1
    jobs = await list_imports(call.context, call.actor, wanted, parse_cursor(query.cursor))
    page = cut_page(query, jobs, lambda job: job.id)
    return ImportsPage(imports=[_to_view(job) for job in page.items], **page.fields)


@routes.route(
    "GET",
    "/v1/admin/contacts/import/<job_id>/rows",
    scope="full-admin",
    query=PageQuery,
    answers={
        200: Answer(
            RemarksPage,
            "The rows.",
            {
                "rows": [
                    {
                        "row": 1,
                        "line": 3,
                        "reason": "The row has no email address and no user id",
                        "content": ",pro",
                        "refused": True,
                    }
                ],
                "limit": 50,
                "offset": 0,
            },
        )
    },
    errors=(404,),
)
async def list_rows(call: ApiCall[PageQuery, None]) -> RemarksPage:
    """Return the rows that an import refused, or imported with a remark."""
    query = call.query
    import_id = parse_path_id(call.values["job_id"], "import job")
    after = _parse_row(query.cursor)
    end = query.offset + query.limit
    remarks = await list_remarks(call.context, call.actor, import_id, end + 1, after)
    page = cut_page(query, remarks, lambda remark: remark.row)
    return RemarksPage(
        rows=[
            RemarkView(
                row=remark.row - 1,
                line=remark.line,
                reason=remark.reason,
                content=remark.content,
                refused=remark.is_refused,
            )
            for remark in page.items
        ],
        **page.fields,
    )


def _parse_row(cursor: str) -> int:
    if not cursor:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise InvalidInput("The cursor is not valid.", "Use the `nextCursor` of the page before.")
    return int(cursor)
