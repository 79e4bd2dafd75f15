"""Finds due turns, some of each journey, so that no journey waits for another one's backlog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ..domain.round_robin import split_into_chunks
from ..store import enrollments
from ..store.db import Database
from ..store.enrollments import DueEnrollment

# The maximum number of turns in one batch.
BATCH_SIZE = 256
# The maximum number of journeys in one query.
JOURNEYS_PER_QUERY = 64
# The maximum number of enrollments of one journey whose turns run at once. Steps may take long, and
# the other enrollments wait as rows, not in memory.
MAX_IN_PROGRESS = 1024


class DueRows:
    """Finds due enrollments by their wake time.

    Args:
        database: the database with the enrollments.
        holder: this worker's id, where several workers share the database.
        runs_journey: returns whether this worker runs a journey's turns; by default it runs all.
    """

    def __init__(
        self,
        database: Database,
        *,
        holder: UUID | None = None,
        runs_journey: Callable[[str], bool] = lambda journey_id: True,
    ) -> None:
        self._database = database
        self._holder = holder
        self._runs_journey = runs_journey
        self._first = 0

    async def fetch_due(
        self, now: datetime, in_progress: Mapping[UUID, DueEnrollment]
    ) -> Sequence[Sequence[DueEnrollment]]:
        """Return the due rows, and the next row that is not due yet, by journey.

        The result includes the rows of running turns until they commit.

        Args:
            now: the current time.
            in_progress: the enrollments whose turns are running.
        """
        running = Counter(row.journey_id for row in in_progress.values())
        journey_ids = [
            journey_id
            for journey_id in await self._database.read_one(enrollments.find_due_journeys())
            if running[journey_id] < MAX_IN_PROGRESS and self._runs_journey(journey_id)
        ]
        if not journey_ids:
            return []
        # The order rotates, so that each journey comes first at times.
        self._first = (self._first + 1) % len(journey_ids)
        order = journey_ids[self._first :] + journey_ids[: self._first]
        limits = [(journey_id, BATCH_SIZE + running[journey_id]) for journey_id in order]
        return [
            rows
            for rows_by_journey in await self._database.read(
                *(
                    enrollments.find_due(part, now, self._holder)
                    for part in split_into_chunks(limits, JOURNEYS_PER_QUERY)
                )
            )
            for rows in rows_by_journey
        ]

    def release(self, due: DueEnrollment) -> None:
        """Do nothing, because no caller waits for a turn."""
