"""Counts for screens: daily totals of two weeks, and counts of rows that stop at a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..counters import DailyTotal
from ..db import Query

FORTNIGHT = 14
WEEK = 7
MOST_COUNTED = 5_000


@dataclass(frozen=True, slots=True)
class Days:
    """Totals of the last days, up to today.

    Args:
        today: the number of today, in days since 1970.
        values: by name, then by day.
    """

    today: int
    values: Mapping[str, Mapping[int, int]]

    def series(self, *names: DailyTotal, days: int = FORTNIGHT) -> list[int]:
        """Return one total for each day, oldest first; several names are added up."""
        first = self.today - days + 1
        return [
            sum(self.values.get(name, {}).get(day, 0) for name in names)
            for day in range(first, self.today + 1)
        ]

    def total(self, *names: DailyTotal, days: int = WEEK) -> int:
        """Return the sum over the last days, today included."""
        return sum(self.series(*names, days=days))


def days(names: Sequence[DailyTotal], today: int) -> Query[Days]:
    """Ask for the totals of the last fortnight.

    Args:
        names: which counts.
        today: the number of today, in days since 1970.
    """

    def read(rows: Sequence[Sequence[object]]) -> Days:
        values: dict[str, dict[int, int]] = {}
        for name, day, value in rows:
            values.setdefault(str(name), {})[int(str(day))] = int(str(value))
        return Days(today, values)

    return Query(
        "SELECT name, day, value FROM counters WHERE name IN ? AND day > ?",
        [list(names), today - FORTNIGHT],
        read,
    )


@dataclass(frozen=True, slots=True)
class Bounded:
    """A count that stops at `MOST_COUNTED`, so that it is always quick."""

    count: int

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        return f"{MOST_COUNTED:,}+" if self.count > MOST_COUNTED else f"{self.count:,}"


def bounded(sql: str, values: Sequence[object]) -> Query[Bounded]:
    """Count rows, no further than `MOST_COUNTED`.

    Args:
        sql: a statement that gives one row for each that counts.
        values: what it is asked with.
    """
    return Query(
        f"SELECT COUNT(*) FROM ({sql} LIMIT ?) counted",
        [*values, MOST_COUNTED + 1],
        lambda rows: Bounded(rows[0][0]),
    )
