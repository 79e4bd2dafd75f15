"""Journeys as last seen in the code, and the operator's switch for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ..domain.event import EventMatch
from ..domain.journey import Entry, Journey
from .corrupt_rows import UNREADABLE
from .db import Query, Row, Write
from .fields import to_micros
from .json_text import from_json, to_json


@dataclass(frozen=True, slots=True)
class StoredJourney:
    """A journey as last seen.

    Args:
        journey: its definition then.
        is_damaged: whether its row cannot be read.
        switched_on: whether the operator lets it run.
        gone: whether it is missing from the code.
    """

    journey: Journey
    is_damaged: bool
    switched_on: bool
    gone: bool


def all_known() -> Query[dict[str, StoredJourney]]:
    """Ask for every journey that was ever seen."""
    return Query(
        "SELECT id, definition, code_hash, enabled, gone_at FROM journeys",
        [],
        lambda rows: {
            row[0]: StoredJourney(*_definition(row), bool(row[3]), row[4] is not None)
            for row in rows
        },
    )


def _definition(row: Row) -> tuple[Journey, bool]:
    """Read a definition, and say whether it cannot be read: then it is one without exits.

    Only people of a journey that the code has lost depend on what is stored of it.
    """
    try:
        return Journey.from_json(row[0], row[2], from_json(row[1])), False
    except UNREADABLE:
        lost = Journey(row[0], row[0], "", EventMatch(row[0]), Entry("once"), enabled=False)
        return lost, True


def see(journeys: Iterable[Journey], gone: Iterable[str], now: datetime) -> list[Write]:
    """Record the journeys that the code has now, and those that it has lost."""
    at = to_micros(now)
    return [
        Write("UPDATE journeys SET gone_at = ? WHERE id = ?", [(at, one) for one in gone]),
        Write(
            "INSERT INTO journeys (id, definition, code_hash, enabled, first_seen_at, seen_at) "
            "VALUES (?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET definition = excluded.definition, "
            "code_hash = excluded.code_hash, seen_at = excluded.seen_at, gone_at = NULL",
            [(j.id, to_json(j.to_json()), j.code_hash, True, at, at) for j in journeys],
        ),
    ]


def switch(journey_id: str, on: bool) -> Write:
    """Let a journey run, or stop it from enrolling anybody."""
    return Write("UPDATE journeys SET enabled = ? WHERE id = ?", [(on, journey_id)])
