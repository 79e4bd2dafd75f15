"""Enrollments: the state and the wake time of each contact in each journey."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ..domain.enrollment import Enrollment
from ..domain.merging import PastEnrollment
from .db import Query, Row, Write
from .distinct import select_distinct
from .enrollment_rows import ENROLLMENTS
from .fields import to_micros
from .models import DUE, LIVE, EnrollmentRow
from .rows import RowMapper, read_column, read_pairs

# A new enrollment has had no turn, is in no wait and has not ended; the last has a default.
_ZERO = ("turn", "attempt", "sends", "fence")
_NEW = ENROLLMENTS.build_write_columns(
    without=(*_ZERO, "unaddressed_sends", "wait", "wait_result", "error", "end_reason", "ended_at"),
    extra=("updated_at",),
)
_CHANGED = ENROLLMENTS.build_write_columns(
    without=(
        "id",
        "journey_id",
        "entry_key",
        "trigger_event_id",
        "entered_at",
        "fence",
        "measured_as",
    ),
    extra=("wait_key", "updated_at"),
)


@dataclass(frozen=True, slots=True)
class DueEnrollment:
    """An enrollment whose next turn is due, or will be.

    Args:
        id: the enrollment.
        contact_id: the contact; a contact runs one turn at a time.
        journey_id: the journey.
        wake_at: when the turn is due.
    """

    id: UUID
    contact_id: UUID
    journey_id: str
    wake_at: datetime


DUE_ENROLLMENTS = RowMapper(DueEnrollment, EnrollmentRow)


def find_by_ids(ids: Sequence[UUID]) -> Query[dict[UUID, Enrollment]]:
    """Query enrollments by id, in the order of the ids."""
    read_by_id = ENROLLMENTS.read_by("id")

    def read(rows: list[Row]) -> dict[UUID, Enrollment]:
        by_id = read_by_id(rows)
        return {
            enrollment_id: by_id[enrollment_id] for enrollment_id in ids if enrollment_id in by_id
        }

    return Query(
        f"SELECT {ENROLLMENTS.columns} FROM enrollments n WHERE n.id IN ?", [list(ids)], read
    )


def find_live(contact_ids: Sequence[UUID]) -> Query[list[Enrollment]]:
    """Query the live enrollments of contacts, the oldest first."""
    return Query(
        f"SELECT {ENROLLMENTS.columns} FROM enrollments n "
        f"WHERE n.contact_id IN ? AND n.{LIVE} ORDER BY n.id",
        [list(contact_ids)],
        ENROLLMENTS.read_all,
    )


class QueuedEntry(NamedTuple):
    """An enrollment, of any state, with sends whose hand-over is not over.

    `contact_id` is the contact of the enrollment: the survivor, if that was merged. `end_reason` is
    why the enrollment ended, if it did.
    """

    enrollment_id: UUID
    contact_id: UUID
    journey_id: str
    entry_key: str
    trigger_event_id: UUID
    end_reason: str | None


_QUEUED = RowMapper(
    QueuedEntry,
    enrollment_id="n.id",
    contact_id="COALESCE(s.on_behalf_of, s.contact_id)",
    journey_id="n.journey_id",
    entry_key="n.entry_key",
    trigger_event_id="n.trigger_event_id",
    end_reason="n.end_reason",
)


def find_with_queued_sends(contact_ids: Collection[UUID]) -> Query[list[QueuedEntry]]:
    """Query the enrollments that an exit of contacts can still cancel sends of.

    Enrollments of others that have sent to these contacts are among them.
    """
    return Query(
        f"SELECT DISTINCT {_QUEUED.columns} FROM sends s JOIN enrollments n "
        "ON n.id = s.enrollment_id "
        "WHERE COALESCE(s.status, '') IN ('queued', 'blocked', 'sending') "
        "AND (s.contact_id IN ? OR s.on_behalf_of IN ?)",
        [list(contact_ids)] * 2,
        _QUEUED.read_all,
    )


@dataclass(frozen=True, slots=True)
class LastEntry:
    """A contact's last entry into a journey.

    Args:
        at: when the contact last entered; None if no entry counts always.
        unaddressed_at: the same for entries that could send nothing, because the contact had no
            address; such an entry counts until the contact has an address.
        held_out: whether the contact was ever held out.
    """

    at: datetime | None
    unaddressed_at: datetime | None
    held_out: bool


class _Entry(NamedTuple):
    contact_id: UUID
    journey_id: str
    entry_key: str
    entered_at: datetime | None
    unaddressed_at: datetime | None
    held_out: bool


_ENTRIES = RowMapper(_Entry)


def find_last_entries(contact_ids: Sequence[UUID]) -> Query[dict[tuple[UUID, str, str], LastEntry]]:
    """Query when contacts last entered journeys, by contact, journey and entry key.

    A failed enrollment counts only if it has sent an email. Enrollments of merged contacts count
    for the survivor.
    """
    entries = (
        "n.journey_id, n.entry_key, "
        "MAX(CASE WHEN n.sends > 0 OR n.unaddressed_sends = 0 THEN n.entered_at END), "
        "MAX(CASE WHEN n.sends = 0 AND n.unaddressed_sends > 0 THEN n.entered_at END), "
        "MAX(CASE n.state WHEN 'held_out' THEN 1 ELSE 0 END) FROM {} WHERE {} IN ? "
        "AND (n.state <> 'failed' OR n.sends > 0) GROUP BY {}, n.journey_id, n.entry_key"
    )
    own = entries.format("enrollments n", *["n.contact_id"] * 2)
    merged = entries.format(
        "contacts c JOIN enrollments n ON n.contact_id = c.id", *["c.merged_into"] * 2
    )
    return Query(
        f"SELECT n.contact_id, {own} UNION ALL SELECT c.merged_into, {merged}",
        [list(contact_ids)] * 2,
        _read_last_entries,
    )


def _read_last_entries(rows: list[Row]) -> dict[tuple[UUID, str, str], LastEntry]:
    entries: dict[tuple[UUID, str, str], LastEntry] = {}
    for row in map(_ENTRIES.read, rows):
        key = row.contact_id, row.journey_id, row.entry_key
        before = entries.get(key, LastEntry(None, None, False))
        entries[key] = LastEntry(
            max(filter(None, (before.at, row.entered_at)), default=None),
            max(filter(None, (before.unaddressed_at, row.unaddressed_at)), default=None),
            before.held_out or row.held_out,
        )
    return entries


_PAST = RowMapper(PastEnrollment, EnrollmentRow)


def find_past(contact_ids: Sequence[UUID]) -> Query[list[PastEnrollment]]:
    """Query all enrollments of contacts, live and ended, the oldest first."""
    return Query(
        f"SELECT {_PAST.columns} FROM enrollments WHERE contact_id IN ? ORDER BY id",
        [list(contact_ids)],
        _PAST.read_all,
    )


def find_due_journeys() -> Query[list[str]]:
    """Query which journeys have enrollments that wake, now or later."""
    return Query(select_distinct("enrollments", "journey_id", DUE), [], read_column(str))


def find_due(
    limits: Sequence[tuple[str, int]], now: datetime, holder: UUID | None = None
) -> Query[list[list[DueEnrollment]]]:
    """Query the due enrollments of journeys, and the next one of each that is not due yet.

    Args:
        limits: the journeys, each with the greatest number of enrollments to return.
        now: the current time.
        holder: the worker that asks: enrollments that other workers hold are left out; None when
            only one worker is possible.

    Returns:
        The enrollments of each journey, in the order of their wake times.
    """
    select = (
        f"SELECT * FROM (SELECT {DUE_ENROLLMENTS.columns} FROM enrollments "
        f"WHERE journey_id = ? AND {DUE} AND wake_at {{}} ?{{}} ORDER BY wake_at LIMIT ?) AS {{}}"
    )
    free, held = ("", []) if holder is None else (" AND (holder IS NULL OR holder = ?)", [holder])
    parts: list[str] = []
    values: list[Any] = []
    for n, (journey_id, limit) in enumerate(limits):
        parts += [select.format("<=", free, f"due_{n}"), select.format(">", "", f"later_{n}")]
        values += [journey_id, to_micros(now), *held, limit, journey_id, to_micros(now), 1]

    def read(rows: list[Row]) -> list[list[DueEnrollment]]:
        by_journey: dict[str, list[DueEnrollment]] = {journey_id: [] for journey_id, _ in limits}
        for due in map(DUE_ENROLLMENTS.read, rows):
            by_journey[due.journey_id].append(due)
        return list(by_journey.values())

    return Query(" UNION ALL ".join(parts) + " ORDER BY wake_at", values, read)


def count_live() -> Query[dict[str, int]]:
    """Query how many live enrollments each journey has; journeys without any are absent."""
    return Query(
        f"SELECT journey_id, COUNT(*) FROM enrollments WHERE {LIVE} GROUP BY journey_id",
        [],
        read_pairs(str, int),
    )


def find_compacted(ids: Sequence[UUID]) -> Query[frozenset[UUID]]:
    """Query which enrollments have a summary that replaces their journal or a part of it."""
    read = read_column(UUID)
    return Query(
        "SELECT id FROM enrollments WHERE id IN ? AND summary IS NOT NULL",
        [list(ids)],
        lambda rows: frozenset(read(rows)),
    )


def insert(enrollments: Iterable[Enrollment]) -> Write:
    """Add enrollments."""
    return Write(
        f"INSERT INTO enrollments ({_NEW.names}, {', '.join(_ZERO)}) "
        f"VALUES ({_NEW.placeholders},0,0,0,0)",
        [_NEW.values(new, to_micros(new.entered_at)) for new in enrollments],
    )


def update(enrollments: Iterable[Enrollment], now: datetime, *, freed: bool = False) -> Write:
    """Update enrollments to their present state.

    Args:
        enrollments: the enrollments as they are now.
        now: the current time.
        freed: whether to release them from the worker that holds them for a turn.
    """
    at = to_micros(now)
    return Write(
        f"UPDATE enrollments SET {_CHANGED.assignments}"
        f"{', holder = NULL' if freed else ''} WHERE id = ?",
        [
            _CHANGED.values(new, new.wait.key if new.wait and new.is_live else None, at, new.id)
            for new in enrollments
        ],
    )


def release(turns: Iterable[tuple[UUID, int]]) -> Write:
    """Release enrollments whose turn was not committed, unless another worker has leased them.

    Args:
        turns: pairs of an enrollment and its fencing token when the turn began.
    """
    return Write(
        "UPDATE enrollments SET holder = NULL WHERE id = ? AND fence = ? AND holder IS NOT NULL",
        list(turns),
    )
