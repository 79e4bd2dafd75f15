"""The engine port: an engine decides when and where turns run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ..store.enrollments import DueEnrollment
from ..store.workers import Outage

OnCommitted = Callable[[Collection[UUID]], None]
# Runs one turn of each enrollment, and reports each turn immediately when it is committed. Does not
# wait for turns whose steps take long: returns the enrollments of these turns, and reports them
# when their turns are committed or given up.
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
        """The id of the worker that holds these leases."""
        ...

    async def acquire(self, due: Sequence[DueEnrollment], now: datetime) -> Collection[UUID]:
        """Lease due enrollments until their commit; return those that no other worker holds."""
        ...


class DueTurns(Protocol):
    """Finds the turns that may run now."""

    async def fetch_due(
        self, now: datetime, in_progress: Mapping[UUID, DueEnrollment]
    ) -> Sequence[Sequence[DueEnrollment]]:
        """Return the due rows, and the next row that is not due yet, by journey.

        Args:
            now: the current time.
            in_progress: the enrollments whose turns are running.
        """
        ...

    def release(self, due: DueEnrollment) -> None:
        """Record that a turn was committed, was given up, or could not run."""
        ...


class Engine(Protocol):
    """Decides when and where turns run.

    Wake times are stored in rows, which every engine polls. The notifications only shorten the
    delay until the next poll, so a lost notification does no harm.
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
        """Notify the engine of committed wake times."""
        ...

    async def cancel(self, enrollments: Sequence[UUID]) -> None:
        """Notify the engine of ended enrollments, whose running turns commit nothing."""
        ...

    def notify_mail(self) -> None:
        """Notify an engine that also decides when mail leaves that sends may be due."""
        ...

    def use_code(self, journey_ids: Collection[str]) -> None:
        """Run the turns of these journeys from now on, because the author's code was reloaded."""
        ...

    def poll(self) -> None:
        """Read the rows again soon, because another process may have changed them."""
        ...

    async def run(self) -> None:
        """Run due turns until closed."""
        ...

    async def close(self) -> None:
        """Start no more turns, and return when the running ones are committed."""
        ...
