"""Reads a page of a filtered list in bounded steps.

A filter that no index serves, and that few rows match, would read all of them. Each step therefore
looks at a part of an index, and a page that takes too long ends early and says where to go on
(docs/decisions/0023-bounded-filters.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from ..store.db import Database, Query

__all__ = ["StepBudget", "StepwisePage", "read_stepwise"]

T = TypeVar("T")

# How many rows the first step looks at, and how long a page looks further, in seconds.
FIRST_STEP = 100
PATIENCE = 0.02


class StepBudget:
    """How many rows each step of a page looks at: twice as many after a quick step."""

    def __init__(self) -> None:
        self.rows = FIRST_STEP
        self._begun = self._last = time.monotonic()

    def take_step(self) -> bool:
        """Note that a step has been taken, and return whether there is time for another one."""
        now = time.monotonic()
        if now - self._last < PATIENCE / 4:
            self.rows *= 2
        self._last = now
        return now - self._begun < PATIENCE


@dataclass(frozen=True, slots=True)
class StepwisePage(Generic[T]):
    """A page of a list, newest first.

    Args:
        items: the rows that match.
        next_before: the id before which the next page begins; None at the end.
    """

    items: Sequence[T]
    next_before: UUID | None = None


async def read_stepwise(
    database: Database,
    find_bound: Callable[[UUID | None, int], Query[UUID | None]],
    find: Callable[[UUID | None, UUID | None, int], Query[list[T]]],
    get_id: Callable[[T], UUID],
    *,
    before: UUID | None,
    limit: int,
) -> StepwisePage[T]:
    """Return the next rows that match, which may be fewer than the limit although there are more.

    Args:
        database: the open database.
        find_bound: queries the id of the row that is so many rows before another one.
        find: queries the matching rows before an id, down to another one, both of which may be
            None, and no more than a limit.
        get_id: returns the id of a row.
        before: only rows before this one; None begins at the newest.
        limit: how many rows at most.
    """
    budget, items = StepBudget(), list[T]()
    while True:
        bound = await database.read_one(find_bound(before, budget.rows - 1))
        items += await database.read_one(find(before, bound, limit + 1 - len(items)))
        if len(items) > limit:
            return StepwisePage(items[:limit], get_id(items[limit - 1]))
        if bound is None or not budget.take_step():
            return StepwisePage(items, bound)
        before = bound
