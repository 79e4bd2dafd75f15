"""Imports of files, and the rows that were refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ..domain.import_job import ImportJob, ImportRemark
from .db import Query, Write
from .fields import to_micros
from .models import UNFINISHED_IMPORT, ImportRemarkRow, ImportRow
from .rows import RowMapper, read_column
from .stored import Stored, json_object

_JOBS = RowMapper(ImportJob, ImportRow, options=json_object())
_REMARKS = RowMapper(
    ImportRemark, ImportRemarkRow, row_id=("import_id", "row"), row=Stored(columns=("number",))
)
_NEW = _JOBS.build_write_columns()
_PROGRESS = _JOBS.build_write_columns(
    *("position", "line", "rows", "created", "updated", "unchanged", "refused", "noted"),
    *("updated_at", "held_until"),
)
_STATE = _JOBS.build_write_columns(without=("id", "kind", "created_at"))
_NEW_REMARK = _REMARKS.build_write_columns()


def find(import_id: UUID) -> Query[ImportJob | None]:
    """Query an import."""
    return Query(f"SELECT {_JOBS.columns} FROM imports WHERE id = ?", [import_id], _JOBS.read_first)


def lock(import_id: UUID, lock: str) -> Query[ImportJob | None]:
    """Query an import and lock its row until the transaction ends.

    Args:
        import_id: the import.
        lock: `Transaction.dialect.lock_rows`.
    """
    return Query(
        f"SELECT {_JOBS.columns} FROM imports WHERE id = ?{lock}", [import_id], _JOBS.read_first
    )


def find_newest(limit: int, before: UUID | None = None) -> Query[list[ImportJob]]:
    """Query imports, newest first.

    Args:
        limit: how many at most.
        before: only imports older than this one.
    """
    where, values = ("WHERE id < ? ", [before]) if before else ("", list[UUID]())
    return Query(
        f"SELECT {_JOBS.columns} FROM imports {where}ORDER BY id DESC LIMIT ?",
        [*values, limit],
        _JOBS.read_all,
    )


def find_unfinished() -> Query[list[ImportJob]]:
    """Query the imports that servers run, or are to run, the oldest first."""
    return Query(
        f"SELECT {_JOBS.columns} FROM imports WHERE {UNFINISHED_IMPORT} AND is_background = ? "
        "ORDER BY id",
        [True],
        _JOBS.read_all,
    )


def find_ids_with_file(ids: Sequence[UUID]) -> Query[list[UUID]]:
    """Query which of some imports have not ended, and so still need their file."""
    return Query(
        "SELECT id FROM imports WHERE id IN ? AND (ended_at IS NULL OR (is_dry_run = ? "
        "AND status <> 'cancelled'))",
        [list(ids), True],
        read_column(UUID),
    )


def cancel_drafts(before: datetime, now: datetime) -> Write:
    """Cancel imports that nobody has started, or only tried, since an instant."""
    return Write(
        "UPDATE imports SET status = 'cancelled', ended_at = ?, updated_at = ? "
        "WHERE updated_at < ? AND (status = 'draft' OR (is_dry_run = ? AND status = 'completed'))",
        [(to_micros(now), to_micros(now), to_micros(before), True)],
    )


def insert(job: ImportJob) -> Write:
    """Add an import."""
    return Write(
        f"INSERT INTO imports ({_NEW.names}) VALUES ({_NEW.placeholders})", [_NEW.values(job)]
    )


def update(job: ImportJob) -> Write:
    """Update an import whose row this transaction has locked."""
    return Write(
        f"UPDATE imports SET {_STATE.assignments} WHERE id = ?", [_STATE.values(job, job.id)]
    )


def record_progress(job: ImportJob) -> Write:
    """Record how far an import has come."""
    return Write(
        f"UPDATE imports SET {_PROGRESS.assignments} WHERE id = ?", [_PROGRESS.values(job, job.id)]
    )


def add_remarks(remarks: Sequence[ImportRemark]) -> Write:
    """Add rows that were refused, or imported with a remark."""
    return Write(
        f"INSERT INTO import_remarks ({_NEW_REMARK.names}) VALUES ({_NEW_REMARK.placeholders})",
        [_NEW_REMARK.values(remark) for remark in remarks],
    )


def delete_remarks(import_id: UUID) -> Write:
    """Delete the remarks of an import that begins again."""
    return Write("DELETE FROM import_remarks WHERE import_id = ?", [(import_id,)])


def delete(import_id: UUID) -> Write:
    """Delete an import."""
    return Write("DELETE FROM imports WHERE id = ?", [(import_id,)])


def find_remark_ids(import_id: UUID, limit: int) -> Query[list[UUID]]:
    """Query the ids of remarks of an import."""
    return Query(
        "SELECT id FROM import_remarks WHERE import_id = ? LIMIT ?",
        [import_id, limit],
        read_column(UUID),
    )


def measure_remarks(import_id: UUID) -> Query[list[tuple[int, int]]]:
    """Query how many remarks of an import there are, and the characters that they have."""
    return Query(
        "SELECT COUNT(*), COALESCE(SUM(LENGTH(reason) + LENGTH(content)), 0) FROM import_remarks "
        "WHERE import_id = ?",
        [import_id],
        lambda rows: [(int(count), int(length)) for count, length in rows],
    )


def find_remarks(import_id: UUID, limit: int, after: int = 0) -> Query[list[ImportRemark]]:
    """Query the remarks of an import, by row.

    Args:
        import_id: the import.
        limit: how many at most.
        after: only those of rows after this one.
    """
    return Query(
        f"SELECT {_REMARKS.columns} FROM import_remarks WHERE import_id = ? AND number > ? "
        "ORDER BY number LIMIT ?",
        [import_id, after, limit],
        _REMARKS.read_all,
    )


def find_claimable(now: datetime, import_id: UUID) -> Query[ImportJob | None]:
    """Query an import that no process runs at the moment.

    Args:
        now: the current time.
        import_id: the import.
    """
    return Query(
        f"SELECT {_JOBS.columns} FROM imports WHERE id = ? AND {UNFINISHED_IMPORT} "
        "AND (holder IS NULL OR held_until <= ?)",
        [import_id, to_micros(now)],
        _JOBS.read_first,
    )
