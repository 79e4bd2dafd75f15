"""Imports: listed, read, cancelled, deleted, and the rows that they refused."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from ..domain.ids import compute_instant
from ..domain.import_job import ImportJob, ImportRemark
from ..errors import Conflict, NotFound
from ..store import erased_content, imports
from .actor import Actor, Permission
from .audit import build_audit_entry
from .import_files import get_folder, remove_file
from .installation import Installation

__all__ = [
    "TOPIC",
    "ImportJob",
    "ImportRemark",
    "cancel_import",
    "delete_import",
    "get_import",
    "list_imports",
    "list_remarks",
]

# The topic of the change feed.
TOPIC = "imports"
# Remarks of one transaction, which holds the write lock for less than 50 ms.
_REMARKS_PER_STEP = 500


async def cancel_import(installation: Installation, actor: Actor, import_id: UUID) -> ImportJob:
    """Stop an import; what it has imported stays.

    Raises:
        Conflict: the import has ended.
        Forbidden: the actor may not operate.
        NotFound: there is no such import.
    """
    actor.require(Permission.OPERATE)
    now = installation.clock.now()
    async with installation.database.transaction() as tx:
        job = await tx.fetch_one(imports.lock(import_id, tx.dialect.lock_rows))
        if job is None:
            raise build_unknown_error()
        if job.has_ended:
            raise Conflict(f"This import is {job.status}.", "There is nothing left to cancel.")
        job = replace(job, status="cancelled", ended_at=now, updated_at=now, holder=None)
        entry = build_audit_entry(
            installation,
            actor,
            "cancel import",
            f"/imports/{import_id}",
            after={"file": job.file_name, "rows": job.rows},
        )
        await tx.apply([imports.update(job), entry])
    remove_file(installation.settings, import_id)
    installation.change_feed.publish(TOPIC)
    return job


async def delete_import(installation: Installation, actor: Actor, import_id: UUID) -> None:
    """Delete an import with its file and its refused rows; the contacts that it made stay.

    Raises:
        Conflict: the import runs, or is about to.
        Forbidden: the actor may not operate.
        NotFound: there is no such import.
    """
    actor.require(Permission.OPERATE)
    _require_no_run(await find_job(installation, import_id))
    await delete_remarks(installation, import_id)
    async with installation.database.transaction() as tx:
        # Someone may have started it meanwhile.
        job = await tx.fetch_one(imports.lock(import_id, tx.dialect.lock_rows))
        job = _require_no_run(job)
        entry = build_audit_entry(
            installation,
            actor,
            "delete import",
            f"/imports/{import_id}",
            before={"file": job.file_name, "rows": job.rows, "status": job.status},
        )
        await tx.apply([imports.delete_remarks(import_id), imports.delete(import_id), entry])
    remove_file(installation.settings, import_id)
    installation.change_feed.publish(TOPIC)


def _require_no_run(job: ImportJob | None) -> ImportJob:
    if job is None:
        raise build_unknown_error()
    if not job.has_ended and job.status != "draft":
        raise Conflict(f"This import is {job.status}.", "Cancel it first.")
    return job


async def delete_remarks(installation: Installation, import_id: UUID) -> None:
    """Delete the remarks of an import that does not run, some at a time."""
    database = installation.database
    find = imports.find_remark_ids(import_id, _REMARKS_PER_STEP)
    while ids := await database.read_one(find):
        async with database.transaction() as tx:
            await tx.fetch(erased_content.delete_import_remarks(ids))
            tx.wrote = True
        if len(ids) < _REMARKS_PER_STEP:
            return


def require_idle(job: ImportJob | None) -> None:
    """Refuse to change an import that runs, or that has imported something.

    Raises:
        Conflict: it does, or has.
        NotFound: there is no such import.
    """
    if job is None:
        raise build_unknown_error()
    if not job.has_ended and job.status != "draft":
        raise Conflict(f"This import is {job.status}.", "Wait for its end, or cancel it.")
    if not job.is_idle:
        raise Conflict(f"This import is {job.status}.", "Upload the file again.")


async def get_import(installation: Installation, actor: Actor, import_id: UUID) -> ImportJob:
    """Return an import.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no such import.
    """
    actor.require(Permission.READ)
    return await find_job(installation, import_id)


async def list_imports(
    installation: Installation, actor: Actor, limit: int, before: UUID | None = None
) -> list[ImportJob]:
    """Return imports, newest first.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    return await installation.database.read_one(imports.find_newest(limit, before))


async def list_remarks(
    installation: Installation, actor: Actor, import_id: UUID, limit: int, after: int = 0
) -> list[ImportRemark]:
    """Return the rows of an import that were refused, or imported with a remark, by row.

    Args:
        installation: where the import ran.
        actor: who reads them.
        import_id: the import.
        limit: how many at most.
        after: only those of rows after this one.

    Raises:
        Forbidden: the actor may not operate, as the rows hold addresses as they were uploaded.
        NotFound: there is no such import.
    """
    actor.require(Permission.OPERATE)
    await find_job(installation, import_id)
    return await installation.database.read_one(imports.find_remarks(import_id, limit, after))


async def find_unfinished(installation: Installation) -> list[UUID]:
    """Return the imports that servers run or are to run, the oldest first."""
    return [job.id for job in await installation.database.read_one(imports.find_unfinished())]


async def remove_old_files(installation: Installation) -> None:
    """Remove the files of imports that have ended, or that nobody has started for long."""
    settings, now = installation.settings, installation.clock.now()
    folder = get_folder(settings)
    ids = _list_folders(folder) if folder.exists() else []
    if not ids:
        return
    if settings.keep_imports is not None:
        before = now - timedelta(days=settings.keep_imports)
        async with installation.database.transaction() as tx:
            await tx.apply([imports.cancel_drafts(before, now)])
    kept = set(await installation.database.read_one(imports.find_ids_with_file(ids)))
    for import_id in set(ids) - kept:
        # A file that is just being uploaded has no row yet.
        if now - compute_instant(import_id) > timedelta(days=1):
            remove_file(settings, import_id)


def _list_folders(folder: Path) -> list[UUID]:
    ids: list[UUID] = []
    for path in folder.iterdir():
        # Others may leave files here, such as a file manager.
        with suppress(ValueError):
            ids.append(UUID(path.name))
    return ids


async def find_job(installation: Installation, import_id: UUID) -> ImportJob:
    """Return an import for another service, which has checked that its caller may see it.

    Raises:
        NotFound: there is no such import.
    """
    job = await installation.database.read_one(imports.find(import_id))
    if job is None:
        raise build_unknown_error()
    return job


def build_unknown_error() -> NotFound:
    """Return the error for an import that does not exist."""
    return NotFound("Import job not found", "It may have been removed after its time.")


def build_gone_error() -> NotFound:
    """Return the error for an import whose file is not there any more."""
    return NotFound("The file of this import is gone.", "Upload the file again.")
