"""Journeys as last seen in the code, and whether operators have switched them off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ..domain.event import EventMatch
from ..domain.journey import Entry, Journey
from .corrupt_rows import CORRUPTION_ERRORS
from .db import Query, Write
from .fields import to_micros
from .json_text import from_json, to_json
from .models import JourneyRow
from .rows import RowMapper
from .stored import Stored


@dataclass(frozen=True, slots=True)
class StoredJourney:
    """A journey as last seen in the code.

    Args:
        journey: the journey's last definition.
        is_corrupt: whether the stored definition cannot be read.
        is_switched_on: whether operators let the journey enroll contacts.
        is_missing: whether the journey is no longer in the code.
    """

    journey: Journey
    is_corrupt: bool
    is_switched_on: bool
    is_missing: bool


class _Row(NamedTuple):
    id: str
    definition: object
    code_hash: str
    enabled: bool
    gone_at: datetime | None


_ROWS = RowMapper(_Row, JourneyRow, definition=Stored())


def find_all() -> Query[dict[str, StoredJourney]]:
    """Query every journey that the code has ever had, by id."""
    return Query(
        f"SELECT {_ROWS.columns} FROM journeys",
        [],
        lambda rows: {row.id: _to_stored_journey(row) for row in map(_ROWS.read, rows)},
    )


def _to_stored_journey(row: _Row) -> StoredJourney:
    """Read a journey; a corrupt definition is replaced by a disabled placeholder without exits.

    The stored definition is only used for enrollments in a journey that is no longer in the code.
    """
    try:
        journey = Journey.from_json(row.id, row.code_hash, from_json(row.definition))
        is_corrupt = False
    except CORRUPTION_ERRORS:
        journey = Journey(row.id, row.id, "", EventMatch(row.id), Entry("once"), enabled=False)
        is_corrupt = True
    return StoredJourney(journey, is_corrupt, row.enabled, row.gone_at is not None)


def record_code(
    journeys: Iterable[Journey], missing_ids: Iterable[str], now: datetime
) -> list[Write]:
    """Record the journeys in the code, and those that the code has lost since the last call.

    Args:
        journeys: every journey in the code.
        missing_ids: the ids of the journeys that have gone from the code since the last call.
        now: the current time.
    """
    at = to_micros(now)
    return [
        Write(
            "UPDATE journeys SET gone_at = ? WHERE id = ?",
            [(at, journey_id) for journey_id in missing_ids],
        ),
        Write(
            "INSERT INTO journeys (id, definition, code_hash, enabled, first_seen_at, seen_at) "
            "VALUES (?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET definition = excluded.definition, "
            "code_hash = excluded.code_hash, seen_at = excluded.seen_at, gone_at = NULL",
            [
                (journey.id, to_json(journey.to_json()), journey.code_hash, True, at, at)
                for journey in journeys
            ],
        ),
    ]


def switch(journey_id: str, on: bool) -> Write:
    """Switch a journey on or off; a journey that is off enrolls no contact."""
    return Write("UPDATE journeys SET enabled = ? WHERE id = ?", [(on, journey_id)])
