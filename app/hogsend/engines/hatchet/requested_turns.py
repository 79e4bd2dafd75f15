"""The turns that Hatchet's runs request, which the embedded engine runs in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ...store import hatchet_runs
from ...store.db import Database
from ...store.enrollments import DueEnrollment

# The maximum number of requests in one query.
_MAX_REQUESTS = 1024


class RequestedTurns:
    """Finds due rows among the enrollments whose turn a run has requested.

    Args:
        database: the database with the enrollments.
        on_request: called for each new request, so that the engine polls.
    """

    def __init__(self, database: Database, on_request: Callable[[], None]) -> None:
        self._database = database
        self._on_request = on_request
        self._requests: dict[UUID, asyncio.Future[None]] = {}
        self._is_closed = False

    async def request(self, enrollment_id: UUID) -> None:
        """Request an enrollment's turn; return when the turn has ended, or if no turn is due.

        Requests for the same enrollment share one turn.
        """
        if self._is_closed:
            return
        future = self._requests.get(enrollment_id)
        if future is None:
            future = self._requests[enrollment_id] = asyncio.get_running_loop().create_future()
            self._on_request()
        await asyncio.shield(future)

    async def fetch_due(
        self, now: datetime, in_progress: Mapping[UUID, DueEnrollment]
    ) -> Sequence[Sequence[DueEnrollment]]:
        """Return the requested rows that are due, by journey; answer the other requests."""
        requested = [
            enrollment_id for enrollment_id in self._requests if enrollment_id not in in_progress
        ][:_MAX_REQUESTS]
        if not requested:
            return []
        rows = await self._database.read_one(hatchet_runs.find_due(requested, now))
        by_journey: dict[str, list[DueEnrollment]] = {}
        for row in rows:
            by_journey.setdefault(row.journey_id, []).append(row)
        for enrollment_id in set(requested).difference(row.id for row in rows):
            self._answer(enrollment_id)
        return list(by_journey.values())

    def close(self) -> None:
        """Answer all present and future requests without a turn."""
        self._is_closed = True
        for enrollment_id in list(self._requests):
            self._answer(enrollment_id)

    def release(self, due: DueEnrollment) -> None:
        """Answer the request for a turn that has ended."""
        self._answer(due.id)

    def is_requested(self, enrollment_id: UUID) -> bool:
        """Return whether an enrollment's turn was requested and has not ended."""
        return enrollment_id in self._requests

    def _answer(self, enrollment_id: UUID) -> None:
        future = self._requests.pop(enrollment_id, None)
        if future is not None and not future.done():
            future.set_result(None)
