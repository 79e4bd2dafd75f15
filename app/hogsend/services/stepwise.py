"""Reads a page of a filtered list in bounded steps.

A query with a filter that few rows match, and that no index serves, would read all rows. Each step
therefore looks at a limited number of rows, in the order of their ids. A page that takes too long
ends early and says where to go on (docs/decisions/0023-bounded-filters.md).
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

# How many rows the first step looks at.
FIRST_STEP_ROWS = 100
# How long after its beginning a page still takes another step, in seconds.
MAX_PAGE_SECONDS = 0.02


class StepBudget:
    """Limits the steps of a page.

    Attributes:
        rows: how many rows the next step looks at: twice as many after a quick step.
    """

    def __init__(self) -> None:
        self.rows = FIRST_STEP_ROWS
        self._page_began = self._step_began = time.monotonic()

    def end_step(self) -> bool:
        """End a step; return whether there is time for another one."""
        now = time.monotonic()
        if now - self._step_began < MAX_PAGE_SECONDS / 4:
            self.rows *= 2
        self._step_began = now
        return now - self._page_began < MAX_PAGE_SECONDS


@dataclass(frozen=True, slots=True)
class StepwisePage(Generic[T]):
    """A page of a list, newest first.

    Args:
        items: the rows that match.
        next_before: the id before which the next page begins; None when there are no more rows.
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
    """Return the newest rows that match, which may be fewer than the limit although there are more.

    Args:
        database: the open database.
        find_bound: takes an id, or None for the newest row, and a number `n`; queries the id of the
            row that comes `n` rows later in the list, None past its end.
        find: takes the id before which a step begins, the id with which it ends (each of them may
            be None) and a limit; queries the rows between that match.
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
        if bound is None or not budget.end_step():
            return StepwisePage(items, bound)
        before = bound
