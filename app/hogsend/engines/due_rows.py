"""Finds the rows of due turns: some of each journey, so that none waits for another's crowd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ..domain.round_robin import parts
from ..store import enrollments
from ..store.db import Database
from ..store.enrollments import DueEnrollment

# Turns in one set.
SET = 256
# Journeys that one statement asks for.
MOST_JOURNEYS = 64
# Enrollments of one journey that may be under way at once: its steps may take long, and those who
# would wait for them in memory wait as rows.
MOST_HELD = 1024


class DueRows:
    """Finds what is due by its wake time.

    Args:
        database: where wake times are.
        holder: the worker that asks, where several are at work.
        knows: says of which journeys there is code here; of all, where there is one worker.
    """

    def __init__(
        self,
        database: Database,
        *,
        holder: UUID | None = None,
        knows: Callable[[str], bool] = lambda journey_id: True,
    ) -> None:
        self._database = database
        self._holder = holder
        self._knows = knows
        self._first = 0

    async def look_up(
        self, now: datetime, held: Mapping[UUID, DueEnrollment]
    ) -> Sequence[Sequence[DueEnrollment]]:
        """Return the rows that are due and the next that is not, by journey.

        Rows of turns under way are among them until they commit.

        Args:
            now: the present instant.
            held: the enrollments whose turns are under way.
        """
        busy = Counter(due.journey_id for due in held.values())
        found = await self._database.read_one(enrollments.due_journeys())
        open_ones = [one for one in found if busy[one] < MOST_HELD and self._knows(one)]
        if not open_ones:
            return []
        # Each of many journeys is the first one now and then.
        self._first = (self._first + 1) % len(open_ones)
        order = open_ones[self._first :] + open_ones[: self._first]
        limits = [(one, SET + busy[one]) for one in order]
        return [
            rows
            for answers in await self._database.read(
                *(
                    enrollments.next_due(part, now, self._holder)
                    for part in parts(limits, MOST_JOURNEYS)
                )
            )
            for rows in answers
        ]

    def over(self, due: DueEnrollment) -> None:
        """Nobody waits for any of them."""
