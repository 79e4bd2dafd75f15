"""Merges of contacts, with what undoing them needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ..domain.merge_record import Choice, DuplicateEnrollment, MergeRecord, MergeUndo, Unmerge
from ..domain.merging import REASON as MERGE_REASON
from . import send_statuses
from .corrupt_rows import parse_object
from .db import Query, Row, Write
from .fields import from_micros, to_micros
from .json_text import to_json
from .models import ConsentRow, EnrollmentRow, MergeRow
from .rows import RowMapper, read_column
from .stored import Stored


def _read_undo(stored: Any) -> MergeUndo:
    return MergeUndo.from_json(parse_object(stored))


def _write_undo(undo: MergeUndo) -> str:
    return to_json(undo.to_json())


def _show_no_undo(_: Any) -> MergeUndo:
    return MergeUndo()


MERGES = RowMapper(
    MergeRecord, MergeRow, "m", undo=Stored(_read_undo, _write_undo, fallback=_show_no_undo)
)
_NEW = MERGES.build_write_columns()


class _ListChoice(NamedTuple):
    contact_id: UUID
    list_id: str
    choice: Choice


_CHOICES = RowMapper(
    _ListChoice,
    list_id="list_id",
    choice=RowMapper(Choice, ConsentRow, at=Stored(from_micros, columns=("changed_at",))),
)


_ENDED = RowMapper(DuplicateEnrollment, EnrollmentRow, "e")


def find(merge_id: UUID) -> Query[MergeRecord | None]:
    """Query one merge."""
    return Query(
        f"SELECT {MERGES.columns} FROM merges m WHERE m.id = ?", [merge_id], MERGES.read_first
    )


def find_present(merged_id: UUID) -> Query[MergeRecord | None]:
    """Query the merge by which a contact was merged into another, while it holds."""
    return Query(
        f"SELECT {MERGES.columns} FROM merges m WHERE m.merged_id = ? AND m.undone_at IS NULL "
        "ORDER BY m.id DESC LIMIT 1",
        [merged_id],
        MERGES.read_first,
    )


def find_by_survivor(survivor_id: UUID) -> Query[list[MergeRecord]]:
    """Query the merges into a contact that hold, the oldest first."""
    return Query(
        f"SELECT {MERGES.columns} FROM merges m WHERE m.survivor_id = ? AND m.undone_at IS NULL "
        "ORDER BY m.id",
        [survivor_id],
        MERGES.read_all,
    )


def find_by_contacts(contact_ids: Sequence[UUID], limit: int) -> Query[list[MergeRecord]]:
    """Query the merges of contacts, newest first, those that were undone included."""
    return Query(
        f"SELECT {MERGES.columns} FROM merges m WHERE m.survivor_id IN ? OR m.merged_id IN ? "
        "ORDER BY m.id DESC LIMIT ?",
        [list(contact_ids), list(contact_ids), limit],
        MERGES.read_all,
    )


def find_choices(contact_ids: Sequence[UUID]) -> Query[dict[UUID, dict[str, Choice]]]:
    """Query the choices of contacts with their circumstances, by contact and list."""

    def read(rows: list[Row]) -> dict[UUID, dict[str, Choice]]:
        choices: dict[UUID, dict[str, Choice]] = {}
        for row in map(_CHOICES.read, rows):
            choices.setdefault(row.contact_id, {})[row.list_id] = row.choice
        return choices

    return Query(
        f"SELECT {_CHOICES.columns} FROM consents WHERE contact_id IN ?", [list(contact_ids)], read
    )


def find_identities(contact_id: UUID) -> Query[list[str]]:
    """Query the identities of a contact."""
    return Query(
        "SELECT identity FROM identities WHERE contact_id = ? ORDER BY identity",
        [contact_id],
        read_column(str),
    )


def find_pending_sends(contact_id: UUID) -> Query[list[UUID]]:
    """Query the pending mails to a contact."""
    return Query(
        f"SELECT id FROM sends WHERE contact_id = ? AND status IN {send_statuses.PENDING}",
        [contact_id],
        read_column(UUID),
    )


def find_pending_sends_on_behalf(contact_id: UUID) -> Query[list[UUID]]:
    """Query the pending mails that enrollments of a contact send to others."""
    return Query(
        "SELECT id FROM sends WHERE on_behalf_of = ? "
        f"AND COALESCE(status, '') IN {send_statuses.PENDING}",
        [contact_id],
        read_column(UUID),
    )


def find_started_by(survivor_id: UUID, contact_ids: Sequence[UUID]) -> Query[list[UUID]]:
    """Query a survivor's enrollments that were started by events of contacts merged into it."""
    return Query(
        "SELECT n.id FROM enrollments n JOIN events e ON e.id = n.trigger_event_id "
        "WHERE n.contact_id = ? AND e.contact_id IN ?",
        [survivor_id, list(contact_ids)],
        read_column(UUID),
    )


def find_ended_by(record: MergeRecord) -> Query[list[DuplicateEnrollment]]:
    """Query the enrollments of either contact that a merge has ended as duplicates."""
    family = [record.survivor_id, record.merged_id, *record.undo.merged_before]
    return Query(
        f"SELECT {_ENDED.columns} FROM enrollments e WHERE e.contact_id IN ? AND e.ended_at = ? "
        "AND e.end_reason = ? ORDER BY e.id",
        [family, to_micros(record.at), MERGE_REASON],
        _ENDED.read_all,
    )


def insert(record: MergeRecord) -> Write:
    """Record a merge."""
    return Write(
        f"INSERT INTO merges ({_NEW.names}) VALUES ({_NEW.placeholders})", [_NEW.values(record)]
    )


def record_undo(merge_id: UUID, who: str, now: datetime) -> Write:
    """Record that a merge was undone."""
    return Write(
        "UPDATE merges SET undone_at = ?, undone_by = ? WHERE id = ?",
        [(to_micros(now), who, merge_id)],
    )


def update_undo(merge_id: UUID, undo: MergeUndo) -> Write:
    """Change what undoing a merge needs."""
    return Write("UPDATE merges SET undo = ? WHERE id = ?", [(_write_undo(undo), merge_id)])


def split(record: MergeRecord, decision: Unmerge, now: datetime) -> list[Write]:
    """Make a merged contact a contact of its own again.

    Args:
        record: the merge.
        decision: how to split the contacts.
        now: the current time.
    """
    survivor, merged, undo = record.survivor_id, record.merged_id, record.undo
    at = to_micros(now)
    first_seen_at = to_micros(undo.first_seen_at) if undo.first_seen_at else None
    return [
        Write(
            "UPDATE contacts SET merged_into = NULL, revision = ?, updated_at = ? WHERE id = ?",
            [(decision.merged.revision, at, merged)],
        ),
        Write(
            "UPDATE contacts SET merged_into = ?, updated_at = ? WHERE id = ? AND merged_into = ?",
            [(merged, at, other, survivor) for other in undo.merged_before],
        ),
        Write(
            "UPDATE contacts SET first_seen_at = COALESCE(?, first_seen_at) WHERE id = ?",
            [(first_seen_at, survivor)],
        ),
        Write(
            "UPDATE identities SET contact_id = ? WHERE identity = ? AND contact_id = ?",
            [(merged, identity, survivor) for identity in decision.identities],
        ),
    ]


def return_sends(record: MergeRecord, moved: Iterable[UUID]) -> list[Write]:
    """Return pending mails to a merged contact.

    Args:
        record: the merge.
        moved: the enrollments that have been moved back before.
    """
    survivor, merged, undo = record.survivor_id, record.merged_id, record.undo
    returned = list(moved)
    return [
        # A mail that an enrollment of the survivor has taken over stays with that enrollment.
        Write(
            "UPDATE sends SET contact_id = ? WHERE id = ? AND contact_id = ? "
            f"AND status IN {send_statuses.PENDING} AND (on_behalf_of IS NOT NULL OR NOT EXISTS "
            "(SELECT 1 FROM enrollments e WHERE e.id = sends.enrollment_id AND e.contact_id = ?))",
            [(merged, send_id, survivor, survivor) for send_id in undo.sends],
        ),
        Write(
            "UPDATE sends SET contact_id = ? WHERE enrollment_id = ? AND contact_id = ? "
            f"AND on_behalf_of IS NULL AND status IN {send_statuses.PENDING}",
            [(merged, enrollment_id, survivor) for enrollment_id in returned],
        ),
        *(
            Write(
                f"UPDATE sends SET on_behalf_of = ? WHERE {column} = ? AND on_behalf_of = ? "
                f"AND COALESCE(status, '') IN {send_statuses.PENDING}",
                [(merged, key, survivor) for key in keys],
            )
            for column, keys in (("id", undo.sends_on_behalf), ("enrollment_id", returned))
        ),
    ]


def restore_choices(contact_id: UUID, choices: Sequence[tuple[str, Choice | None]]) -> list[Write]:
    """Restore a contact's choices about lists.

    Args:
        contact_id: the contact.
        choices: for each list the choice; None removes it.
    """
    return [
        Write(
            "DELETE FROM consents WHERE contact_id = ? AND list_id = ?",
            [(contact_id, list_id) for list_id, choice in choices if choice is None],
        ),
        Write(
            "UPDATE consents SET subscribed = ?, changed_at = ?, source = ?, send_id = ? "
            "WHERE contact_id = ? AND list_id = ?",
            [
                (
                    choice.subscribed,
                    to_micros(choice.at),
                    choice.source,
                    choice.send_id,
                    contact_id,
                    list_id,
                )
                for list_id, choice in choices
                if choice is not None
            ],
        ),
    ]
