"""The workers on one Postgres database, and the heartbeat by which they see each other.

On Postgres several workers share the turns and the mails. Each has a row that it updates every few
seconds. When a row is old, its worker counts as lost: the other workers free the rows that it held,
and settle the mails whose hand-over it had begun. On SQLite none of this is needed, because a lock
on the data folder admits only one worker.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from .. import __version__
from ..domain.journey import Journey
from ..errors import StoreUnavailable
from ..store import workers
from ..store.db import Database
from ..store.workers import Outage, WorkerInfo
from .event_bus import EventBus, WorkersLost

log = logging.getLogger("hogsend.workers")

# How often a worker updates its row, in seconds: well before it would count as lost.
HEARTBEAT_INTERVAL = 3.0


class WorkerRegistry:
    """The workers on one database, and this one among them.

    Args:
        database: where their rows are.
        worker_id: the id of this worker.
        engine: the name of its engine.
        now: when it starts.
        journeys: those that it has code for, by id.
    """

    def __init__(
        self,
        database: Database,
        worker_id: UUID,
        engine: str,
        now: datetime,
        journeys: Mapping[str, Journey],
    ) -> None:
        self._database = database
        self._worker = WorkerInfo(
            worker_id,
            socket.gethostname()[:200],
            os.getpid(),
            engine,
            __version__,
            _list_code_hashes(journeys),
            now,
            now,
        )
        # The journeys that other workers have code for, as of the last heartbeat.
        self._journeys_of_others: frozenset[str] = frozenset()
        self._other_ids: frozenset[UUID] = frozenset()

    @property
    def id(self) -> UUID:
        """The id of this worker."""
        return self._worker.id

    def use_code(self, journeys: Mapping[str, Journey]) -> None:
        """Note which journeys this worker has code for from now on, by id."""
        self._worker = replace(self._worker, journeys=_list_code_hashes(journeys))

    def runs_journey(self, journey_id: str) -> bool:
        """Return whether this worker runs the turns of a journey.

        It also does so, to park them, when no worker has the journey's code.
        """
        return journey_id in self._worker.journeys or journey_id not in self._journeys_of_others

    async def heartbeat(self, outage: Outage | None) -> Sequence[UUID]:
        """Show that this worker is there, and free what lost workers held.

        Args:
            outage: what this worker's engine cannot reach, if anything.

        Returns:
            The workers whose work this worker takes over: those that it found lost and, on the
            oldest worker, those that have left in order since the last heartbeat.
        """
        async with self._database.transaction() as tx:
            await tx.apply([workers.register(replace(self._worker, away=outage))])
            lost = await tx.fetch_one(workers.remove_lost())
            await tx.apply(workers.release_abandoned())
            registered = await tx.fetch_one(workers.find_registered())
        others = [worker for worker in registered if worker.id != self.id]
        # Only one worker counts the enrollments that it parks.
        is_oldest = registered[0].id == self.id
        known_ids, self._other_ids = self._other_ids, frozenset(worker.id for worker in others)
        left = (known_ids - self._other_ids).difference(lost) if is_oldest else ()
        self._journeys_of_others = frozenset(
            journey_id for worker in others for journey_id in worker.journeys
        )
        for worker_id in lost:
            log.warning("worker %s is lost; the other workers take over its work", worker_id)
        return [*lost, *left]

    async def leave(self) -> None:
        """Remove this worker, and free what it holds."""
        async with self._database.transaction() as tx:
            await tx.fetch_one(workers.unregister(self.id))
            await tx.apply(workers.release_abandoned())

    async def is_leader(self) -> bool:
        """Return whether this worker does what only one has to do."""
        return await self._database.read_one(workers.find_oldest()) == self.id


class Heartbeat:
    """Updates this worker's row every few seconds, and publishes `WorkersLost`.

    Args:
        registry: the workers.
        outage: returns what this worker's engine cannot reach, if anything.
        bus: where the events go.
    """

    def __init__(
        self, registry: WorkerRegistry, outage: Callable[[], Outage | None], bus: EventBus
    ) -> None:
        self._registry = registry
        self._outage = outage
        self._bus = bus
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Send the first heartbeat, and go on from now on."""
        await self._beat()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Send no more, and leave: what this worker holds is free for the others at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with suppress(StoreUnavailable):
            await self._registry.leave()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_INTERVAL)
            try:
                await self._beat()
            except StoreUnavailable:
                continue
            except Exception:
                log.exception("this worker's heartbeat failed; trying again")

    async def _beat(self) -> None:
        lost = await self._registry.heartbeat(self._outage())
        if lost:
            await self._bus.publish(WorkersLost(lost))


def _list_code_hashes(journeys: Mapping[str, Journey]) -> Mapping[str, str]:
    return {journey_id: journey.code_hash for journey_id, journey in journeys.items()}
