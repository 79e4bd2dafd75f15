"""The engine port: what decides when and where a turn runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ..store.enrollments import DueEnrollment
from ..store.workers import Outage

OnCommitted = Callable[[Collection[UUID]], None]
# Runs one turn of each enrollment and reports those that are committed as soon as they are. Returns
# when all are done but those whose steps take long: these it returns, and reports them later.
RunTurns = Callable[[Sequence[UUID], OnCommitted], Awaitable[Collection[UUID]]]


@dataclass(frozen=True, slots=True)
class Wake:
    """An enrollment whose next turn is due at an instant."""

    enrollment_id: UUID
    at: datetime


class Leases(Protocol):
    """Keeps several workers on one database from running the same turn."""

    @property
    def holder(self) -> UUID:
        """The worker that holds these leases."""
        ...

    async def acquire(self, due: Sequence[DueEnrollment], now: datetime) -> Collection[UUID]:
        """Lease due enrollments; return those that no other worker holds. A commit frees them."""
        ...


class DueTurns(Protocol):
    """Finds the turns that may run now."""

    async def fetch_due(
        self, now: datetime, in_progress: Mapping[UUID, DueEnrollment]
    ) -> Sequence[Sequence[DueEnrollment]]:
        """Return the rows that are due, and the next one that is not, by journey.

        Args:
            now: the present instant.
            in_progress: the enrollments whose turns are running.
        """
        ...

    def release(self, due: DueEnrollment) -> None:
        """Note that a turn was committed, given up, or could not run."""
        ...


class Engine(Protocol):
    """Decides when and where turns run.

    Wake times are rows that every engine finds again by itself. The notifications only shorten the
    delay until it does, so losing one is safe.
    """

    @property
    def outage(self) -> Outage | None:
        """What the engine cannot reach, if anything."""
        ...

    @property
    def is_idle(self) -> bool:
        """Whether no turn is running."""
        ...

    async def schedule(self, wakes: Sequence[Wake]) -> None:
        """Note wake times that were committed."""
        ...

    async def cancel(self, enrollments: Sequence[UUID]) -> None:
        """Note enrollments that ended; a turn of theirs that still runs commits nothing."""
        ...

    def notify_mail(self) -> None:
        """Note that sends may be due, for an engine that also decides when mail leaves."""
        ...

    def use_code(self, journey_ids: Collection[str]) -> None:
        """Run the turns of these journeys from now on: the author's code was loaded again."""
        ...

    def poll(self) -> None:
        """Read the rows again soon: another process may have changed them."""
        ...

    async def run(self) -> None:
        """Run due turns until closed."""
        ...

    async def close(self) -> None:
        """Start no more turns, and return when the running ones are committed."""
        ...
