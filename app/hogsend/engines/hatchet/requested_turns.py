"""The turns that Hatchet's runs ask for; they are played in the embedded engine's sets."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ...store import hatchet_runs
from ...store.db import Database
from ...store.enrollments import DueEnrollment

# Looked up at once, beside those that are under way.
_MOST = 1024


class RequestedTurns:
    """Finds due rows among those that somebody asks for.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked: dict[UUID, asyncio.Future[None]] = {}
        self._over: Counter[str] = Counter()
        self._ended = False
        # Set by whoever plays them.
        self.look: Callable[[], None] = lambda: None

    async def play(self, enrollment_id: UUID) -> None:
        """Let an enrollment be played; return when a turn of it is over, or none is due.

        Whoever asks for the same one meanwhile waits for the same turn.
        """
        if self._ended:
            return
        future = self._asked.get(enrollment_id)
        if future is None:
            future = self._asked[enrollment_id] = asyncio.get_running_loop().create_future()
            self.look()
        await asyncio.shield(future)

    async def look_up(
        self, now: datetime, held: Mapping[UUID, DueEnrollment]
    ) -> Sequence[Sequence[DueEnrollment]]:
        """Return the rows asked for that are due, by journey; those that are not are answered."""
        wanted = [one for one in self._asked if one not in held][:_MOST]
        rows = await self._database.read_one(hatchet_runs.due_among(wanted, now)) if wanted else []
        by_journey: dict[str, list[DueEnrollment]] = {}
        for row in rows:
            by_journey.setdefault(row.journey_id, []).append(row)
        for one in set(wanted).difference(row.id for row in rows):
            self._answer(one)
        return list(by_journey.values())

    def end(self) -> None:
        """Play nobody any more, and tell so whoever has asked."""
        self._ended = True
        for one in list(self._asked):
            self._answer(one)

    def over(self, due: DueEnrollment) -> None:
        """Tell whoever asked for a turn that it is over."""
        self._over[due.journey_id] += 1
        self._answer(due.id)

    def played(self) -> Counter[str]:
        """Return how many turns of each journey have ended since this was asked last."""
        over, self._over = self._over, Counter()
        return over

    def _answer(self, enrollment_id: UUID) -> None:
        future = self._asked.pop(enrollment_id, None)
        if future is not None and not future.done():
            future.set_result(None)
