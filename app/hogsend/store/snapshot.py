"""Queries of whole tables, for installations with few contacts, such as in tests."""

from __future__ import annotations

from typing import Literal, NamedTuple
from uuid import UUID

from .db import Query
from .rows import RowMapper, read_column, read_pairs, read_scalar

Table = Literal["contacts", "enrollments", "events", "sends"]


def find_ids(table: Table) -> Query[list[UUID]]:
    """Query the ids of all rows of a table, the oldest first."""
    return Query(f"SELECT id FROM {table} ORDER BY id", [], read_column(UUID))


def find_survivors() -> Query[dict[UUID, UUID]]:
    """Query all merged contacts, each with its survivor."""
    return Query(
        "SELECT id, merged_into FROM contacts WHERE merged_into IS NOT NULL",
        [],
        read_pairs(UUID, UUID),
    )


class StoredRefusal(NamedTuple):
    """An event that did not start a journey, and the reason."""

    event_id: UUID
    journey_id: str
    reason: str


_REFUSALS = RowMapper(StoredRefusal)


def find_refusals() -> Query[list[StoredRefusal]]:
    """Query every event that did not start a journey."""
    return Query(
        f"SELECT {_REFUSALS.columns} FROM refusals ORDER BY id",
        [],
        _REFUSALS.read_all,
    )


def count_failed_turns() -> Query[int]:
    """Query how many turns have failed, retried ones included."""
    return Query("SELECT COUNT(*) FROM turns WHERE error IS NOT NULL", [], read_scalar)
