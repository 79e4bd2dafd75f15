"""Counts for screens: daily totals of two weeks, and counts of rows that stop at a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..counters import DailyTotal
from ..db import Query, Row
from ..models import CounterRow
from ..rows import RowMapper, read_scalar

FORTNIGHT = 14
WEEK = 7
MAX_COUNTED = 5_000


@dataclass(frozen=True, slots=True)
class DailyTotals:
    """Totals of the last days, up to today.

    Args:
        today: today, in days since 1970.
        values: the totals by name, then by day.
    """

    today: int
    values: Mapping[str, Mapping[int, int]]

    def list_by_day(self, *names: DailyTotal, days: int = FORTNIGHT) -> list[int]:
        """Return a total for each day, the oldest first; several names are added up."""
        first = self.today - days + 1
        return [
            sum(self.values.get(name, {}).get(day, 0) for name in names)
            for day in range(first, self.today + 1)
        ]

    def sum_up(self, *names: DailyTotal, days: int = WEEK) -> int:
        """Return the sum over the last days, today included."""
        return sum(self.list_by_day(*names, days=days))


class _Total(NamedTuple):
    name: str
    day: int
    value: int


_TOTALS = RowMapper(_Total, CounterRow)


def find_totals(
    names: Sequence[DailyTotal], today: int, days: int = FORTNIGHT
) -> Query[DailyTotals]:
    """Query the totals of the last days.

    Args:
        names: the names of the totals.
        today: today, in days since 1970.
        days: how many days, today included.
    """

    def read(rows: list[Row]) -> DailyTotals:
        values: dict[str, dict[int, int]] = {}
        for total in map(_TOTALS.read, rows):
            values.setdefault(total.name, {})[total.day] = total.value
        return DailyTotals(today, values)

    return Query(
        f"SELECT {_TOTALS.columns} FROM counters WHERE name IN ? AND day > ?",
        [list(names), today - days],
        read,
    )


@dataclass(frozen=True, slots=True)
class BoundedCount:
    """A count that stops at `MAX_COUNTED`, so that it is always quick."""

    count: int

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        return f"{MAX_COUNTED:,}+" if self.count > MAX_COUNTED else f"{self.count:,}"


def count_up_to_limit(sql: str, values: Sequence[object]) -> Query[BoundedCount]:
    """Count rows, no further than `MAX_COUNTED`.

    Args:
        sql: a statement that returns one row for each thing to count.
        values: the parameters of the statement.
    """
    return Query(
        f"SELECT COUNT(*) FROM ({sql} LIMIT ?) counted",
        [*values, MAX_COUNTED + 1],
        lambda rows: BoundedCount(read_scalar(rows)),
    )
