"""All rows at once: what only an installation that holds a handful of people can be asked for."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from .db import Query, only
from .fields import to_id

Table = Literal["contacts", "enrollments", "events", "sends"]


def ids(table: Table) -> Query[list[UUID]]:
    """Ask for the ids of all rows of a table, the oldest first."""
    return Query(
        f"SELECT id FROM {table} ORDER BY id", [], lambda rows: [to_id(row[0]) for row in rows]
    )


def survivors() -> Query[dict[UUID, UUID]]:
    """Ask for everyone who was merged, and into whom."""
    return Query(
        "SELECT id, merged_into FROM contacts WHERE merged_into IS NOT NULL",
        [],
        lambda rows: {to_id(row[0]): to_id(row[1]) for row in rows},
    )


def refusals() -> Query[list[tuple[UUID, str, str]]]:
    """Ask for every event that did not start a journey: event, journey and reason."""
    return Query(
        "SELECT event_id, journey_id, reason FROM refusals ORDER BY id",
        [],
        lambda rows: [(to_id(row[0]), row[1], row[2]) for row in rows],
    )


def failures() -> Query[int]:
    """Ask how many turns have failed, whatever became of them later."""
    return Query("SELECT COUNT(*) FROM turns WHERE error IS NOT NULL", [], only)
