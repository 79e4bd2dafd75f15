"""The pages of imports: upload a file, map its columns, try it, import it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from quart import Response

from ...domain.import_job import ImportJob, ImportOptions
from ...errors import InvalidInput, NotFound
from ...services.actor import Actor
from ...services.context import ServiceContext
from ...services.exports import ImportFormat, export_contacts, export_remarks
from ...services.import_uploads import (
    PRESETS,
    ImportChoices,
    ImportKind,
    configure_import,
    create_import,
    find_mapping_problem,
    preview_import,
    start_import,
)
from ...services.imports import (
    cancel_import,
    delete_import,
    get_import,
    list_imports,
    list_remarks,
)
from ..downloads import send_export
from ..errors import get_status
from ..pages import get_content, get_context, read_form, render_page
from ..session import WebResponse
from ..upload_form import open_upload_form
from .base import (
    FORM_ERRORS,
    PAGE_SIZE,
    blueprint,
    build_url,
    get_actor,
    parse_id,
    read_before_id,
    redirect_with_notice,
)
from .import_mapping import build_columns, list_options, parse_columns

# How many refused rows a page shows; the download has all that are kept.
_SHOWN_REMARKS = 20
# How many of the first rows of a file are shown, and how many are read for the values of columns.
_SHOWN_ROWS, _SAMPLE_SIZE = 5, 20
_KINDS: Mapping[str, ImportKind] = {"contacts": "contacts", "suppressions": "suppressions"}
_FORMATS: Mapping[str, ImportFormat] = {"csv": "csv", "jsonl": "jsonl"}
_SEPARATORS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Vertical bar"}


@blueprint.get("/imports")
async def show_imports() -> WebResponse:
    """Show the imports, newest first, and the form for a new one."""
    return await _render_imports()


async def _render_imports(*, problem: str = "", status: int = 200) -> WebResponse:
    before = read_before_id()
    jobs = await list_imports(get_context(), get_actor(), PAGE_SIZE + 1, before)
    page = jobs[:PAGE_SIZE]
    form = await read_form()
    return render_page(
        "admin/imports.html",
        status=status,
        imports=page,
        problem=problem,
        kind=form.get("kind", "contacts"),
        max_size=get_context().settings.max_import_size,
        older=build_url("/imports", before=page[-1].id) if len(jobs) > PAGE_SIZE else "",
        newest="/imports" if before else "",
    )


@blueprint.post("/imports")
async def upload_import() -> WebResponse:
    """Store an uploaded file, and go to the page on which its columns are mapped."""
    try:
        upload = await open_upload_form()
        if not upload.file_name:
            raise InvalidInput("No file was chosen.", "Choose a CSV or JSON Lines file.")
        job = await create_import(
            get_context(),
            get_actor(),
            _KINDS.get(upload.fields.get("kind", ""), "contacts"),
            upload.file_name,
            upload.chunks,
            is_draft=True,
        )
    except FORM_ERRORS as error:
        return await _render_imports(problem=str(error), status=get_status(error))
    return redirect_with_notice(_build_path(job.id))


@blueprint.get("/imports/<import_id>")
async def show_import(import_id: str) -> WebResponse:
    """Show an import: how its columns are mapped, how far it has come, what it refused."""
    return await _render_import(parse_id(import_id, "import"))


async def _render_import(import_id: UUID, *, problem: str = "", status: int = 200) -> WebResponse:
    context, actor = get_context(), get_actor()
    job = await get_import(context, actor, import_id)
    may_operate = actor.can_operate
    remarks = []
    if may_operate and (job.refused or job.noted):
        remarks = await list_remarks(context, actor, import_id, _SHOWN_REMARKS)
    options = ImportOptions.from_json(job.options)
    sample, mapping_problem = [], _describe_mapping_problem(job, options)
    if may_operate and job.is_idle:
        try:
            sample = await preview_import(context, actor, job, _SAMPLE_SIZE)
        except NotFound as error:
            # Such as after a restore, as a backup has no uploaded files: it can be deleted here.
            mapping_problem = str(error)
    registry = get_content().registry
    groups = list_options(job.kind, registry.lists)
    return render_page(
        "admin/import.html",
        status=status,
        job=job,
        problem=problem or mapping_problem,
        options=options,
        remarks=remarks,
        preset=PRESETS.get(options.preset),
        presets=PRESETS,
        separators=_SEPARATORS,
        columns=build_columns(options.columns, sample) if job.is_idle else [],
        groups=groups,
        known_choices=[choice for group in groups.values() for choice in group],
        lists=registry.lists,
        triggers=sorted({journey.trigger.event for journey in registry.journeys.values()}),
        sample=[] if mapping_problem else sample[:_SHOWN_ROWS],
    )


def _describe_mapping_problem(job: ImportJob, options: ImportOptions) -> str:
    """Return why a draft cannot be imported as its columns are mapped; empty if it can."""
    problem = find_mapping_problem(job.kind, options) if job.status == "draft" else None
    return f"{problem}. Choose below what the columns are imported as." if problem else ""


@blueprint.post("/imports/<import_id>/read")
async def read_file_again(import_id: str) -> WebResponse:
    """Read the columns of a file again, with another encoding, separator or product."""
    requested, form = parse_id(import_id, "import"), await read_form()
    context, actor = get_context(), get_actor()
    options = ImportOptions.from_json((await get_import(context, actor, requested)).options)
    choices = ImportChoices(
        preset=form.get("preset", ""),
        encoding=form.get("encoding", "").strip(),
        separator=form.get("separator", ""),
        lists=options.lists,
        resubscribe=options.resubscribe,
        event=options.event,
    )
    try:
        await configure_import(context, actor, requested, choices, is_draft=True)
    except FORM_ERRORS as error:
        return await _render_import(requested, problem=str(error), status=get_status(error))
    return redirect_with_notice(_build_path(requested), "import-read")


@blueprint.post("/imports/<import_id>")
async def save_import(import_id: str) -> WebResponse:
    """Save how columns are mapped; then try or start the import, if that button was pressed."""
    requested, form = parse_id(import_id, "import"), await read_form()
    context, actor = get_context(), get_actor()
    next_step = form.get("next", "save")
    job = await get_import(context, actor, requested)
    options = ImportOptions.from_json(job.options)
    try:
        choices = ImportChoices(
            columns=parse_columns(list(options.columns), form),
            preset=options.preset or "none",
            encoding=options.encoding,
            separator=options.separator,
            lists=form.getlist("list"),
            resubscribe=form.get("resubscribe") == "1",
            event=form.get("event", "") if form.get("journeys") == "1" else "",
        )
        await configure_import(context, actor, requested, choices, is_draft=True)
        if next_step in ("check", "start"):
            if form.get("journeys") == "1" and not choices.event.strip():
                raise InvalidInput("The event has no name.", "Name it, or start no journeys.")
            await start_import(context, actor, requested, dry_run=next_step == "check")
    except FORM_ERRORS as error:
        return await _render_import(requested, problem=str(error), status=get_status(error))
    return redirect_with_notice(
        _build_path(requested), "import-saved" if next_step == "save" else ""
    )


@blueprint.post("/imports/<import_id>/start")
async def start(import_id: str) -> WebResponse:
    """Import a file after its dry run."""
    return await _act(import_id, start_import)


@blueprint.post("/imports/<import_id>/cancel")
async def cancel(import_id: str) -> WebResponse:
    """Cancel an import that runs, or is about to."""
    return await _act(import_id, cancel_import, notice="import-cancelled")


@blueprint.post("/imports/<import_id>/delete")
async def delete(import_id: str) -> WebResponse:
    """Delete an import that does not run, with its file."""
    return await _act(import_id, delete_import, path="/imports", notice="import-deleted")


async def _act(
    import_id: str,
    act: Callable[[ServiceContext, Actor, UUID], Awaitable[object]],
    *,
    path: str = "",
    notice: str = "",
) -> WebResponse:
    """Act on an import; go to a page, by default the import's, or show there what is wrong."""
    requested = parse_id(import_id, "import")
    try:
        await act(get_context(), get_actor(), requested)
    except FORM_ERRORS as error:
        return await _render_import(requested, problem=str(error), status=get_status(error))
    return redirect_with_notice(path or _build_path(requested), notice)


@blueprint.get("/imports/<import_id>/rows.csv")
async def download_rows(import_id: str) -> Response:
    """Send the rows that an import refused, or imported with a remark."""
    requested = parse_id(import_id, "import")
    chunks = await export_remarks(get_context(), get_actor(), requested)
    return send_export("refused-rows", chunks, "csv")


@blueprint.post("/contacts/export")
async def download_contacts() -> Response:
    """Send all contacts as a file, as a stream."""
    format = _FORMATS.get((await read_form()).get("format", ""), "csv")
    chunks = await export_contacts(get_context(), get_actor(), format)
    return send_export("contacts", chunks, format)


def _build_path(import_id: UUID) -> str:
    return f"/imports/{import_id}"
