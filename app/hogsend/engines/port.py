"""What decides when and where a turn runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ..store.enrollments import DueEnrollment
from ..store.workers import Outage

Done = Callable[[Collection[UUID]], None]
# Plays one turn of each enrollment, tells of those that are committed as soon as they are, and
# returns when all are but those whose steps take long: these it returns, and tells of them later.
PlayTurns = Callable[[Sequence[UUID], Done], Awaitable[Collection[UUID]]]


@dataclass(frozen=True, slots=True)
class Wake:
    """An enrollment whose next turn is due at an instant."""

    enrollment_id: UUID
    at: datetime


class Leases(Protocol):
    """Keeps turns apart where several workers are at work on one database."""

    @property
    def holder(self) -> UUID:
        """What this worker's turns are held by."""
        ...

    async def take(self, due: Sequence[DueEnrollment], now: datetime) -> Collection[UUID]:
        """Take due enrollments, and return those that nobody else has; a commit frees them."""
        ...


class Rows(Protocol):
    """Finds the turns that may be played now."""

    async def look_up(
        self, now: datetime, held: Mapping[UUID, DueEnrollment]
    ) -> Sequence[Sequence[DueEnrollment]]:
        """Return rows that are due, and what is due next, by journey.

        Args:
            now: the present instant.
            held: the enrollments whose turns are under way.
        """
        ...

    def over(self, due: DueEnrollment) -> None:
        """Hear of a turn that has ended, was given up, or could not be played."""
        ...


class Engine(Protocol):
    """Decides when and where turns run; wake times themselves are rows that it finds again."""

    @property
    def away(self) -> Outage | None:
        """What the engine misses, if anything."""
        ...

    async def schedule(self, wakes: Sequence[Wake]) -> None:
        """Hear of wakes after their commit; safe to lose, the rows are looked at anyway."""
        ...

    async def cancel(self, enrollments: Sequence[UUID]) -> None:
        """Hear of enrollments that ended; safe to lose, a commit of theirs writes nothing."""
        ...

    async def work(self) -> None:
        """Play due turns until closed."""
        ...

    async def close(self) -> None:
        """Start no more turns, and return when those under way are committed."""
        ...
