"""The import of one file: what was asked for, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from .import_columns import ImportKind

# A draft waits until someone has confirmed its columns.
ImportStatus = Literal["draft", "pending", "processing", "completed", "failed", "cancelled"]
ImportFormat = Literal["csv", "jsonl"]
ENDED: tuple[ImportStatus, ...] = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class ImportJob:
    """The import of one file.

    Args:
        id: its id, which is also the name of the folder with its file.
        kind: what the rows are.
        status: how far the import has come.
        file_name: the name of the file, as it was given.
        format: the format of the file.
        options: how the file is read and what is done with its rows.
        actor: who started the import, as in the audit log.
        created_at: when the import was created.
        updated_at: when it last got on.
        size: the bytes of the file.
        position: the byte after the last row that is dealt with, where the import resumes.
        line: the line of that byte.
        rows: the rows that are dealt with.
        created: those that made a contact.
        updated: those that changed a contact.
        unchanged: those that had nothing new.
        refused: those that could not be imported.
        noted: those that were imported with a remark.
        total_rows: the rows of the file; None while it is unknown.
        is_dry_run: whether nothing is written but the counts.
        is_background: whether servers run the import; else the command line does.
        problem: why the import failed.
        started_at: when it began.
        ended_at: when it ended.
        holder: the process that runs it.
        held_until: until when no other process may run it.
    """

    id: UUID
    kind: ImportKind
    status: ImportStatus
    file_name: str
    format: ImportFormat
    options: Mapping[str, Any]
    actor: str
    created_at: datetime
    updated_at: datetime
    size: int = 0
    position: int = 0
    line: int = 0
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    noted: int = 0
    total_rows: int | None = None
    is_dry_run: bool = False
    is_background: bool = True
    problem: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    holder: UUID | None = None
    held_until: datetime | None = None

    @property
    def share_done(self) -> float:
        """How much of the file is dealt with, from 0 to 1."""
        if self.status == "completed":
            return 1.0
        return min(1.0, self.position / self.size) if self.size else 0.0

    @property
    def has_ended(self) -> bool:
        """Whether the import has ended."""
        return self.status in ENDED

    @property
    def is_idle(self) -> bool:
        """Whether nothing of it is imported yet, and someone may still decide how."""
        is_tried = self.is_dry_run and self.status in ("completed", "failed")
        return self.status == "draft" or is_tried


@dataclass(frozen=True, slots=True)
class ImportRemark:
    """A row that was refused, or imported with a remark.

    Args:
        id: our id.
        import_id: the import.
        row: the number of the row, from 1, without the header and empty lines.
        line: the line on which it begins.
        reason: why it was refused, or what is remarkable.
        content: the row as it is in the file; a long row is cut.
        is_refused: whether it was not imported.
    """

    id: UUID
    import_id: UUID
    row: int
    line: int
    reason: str
    content: str
    is_refused: bool = True


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is read, and what is done with its rows.

    Args:
        encoding: the encoding of the file.
        separator: what separates the cells of a CSV.
        columns: what each column is imported as, as text.
        preset: the product that the file comes from; empty for none.
        lists: lists that every contact is subscribed to.
        resubscribe: whether contacts who have unsubscribed are subscribed again.
        event: an event that is submitted for each imported contact; empty for none.
    """

    encoding: str = "utf-8"
    separator: str = ","
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    preset: str = ""
    lists: tuple[str, ...] = ()
    resubscribe: bool = False
    event: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            "encoding": self.encoding,
            "separator": self.separator,
            # As a list, because the order of the columns matters.
            "columns": [list(pair) for pair in self.columns.items()],
            "preset": self.preset,
            "lists": list(self.lists),
            "resubscribe": self.resubscribe,
            "event": self.event,
        }

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> ImportOptions:
        """Return the options that `to_json` stored."""
        return ImportOptions(
            encoding=stored["encoding"],
            separator=stored["separator"],
            columns=dict(stored["columns"]),
            preset=stored["preset"],
            lists=tuple(stored["lists"]),
            resubscribe=stored["resubscribe"],
            event=stored["event"],
        )
