"""Finds due sends and claims them for this worker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ..domain.round_robin import interleave, split_into_chunks
from ..store import lag, sends, workers
from ..store.db import Database
from .send_jobs import SendJob, load_jobs

# The maximum number of journeys in one query.
_MAX_JOURNEYS = 64


class DueSends:
    """Finds the due sends of the ledger, and claims them.

    A claim is kept in memory. Where several workers share the database, the row has it as well.

    Args:
        database: holds the ledger.
        holder: this worker's id, where several workers deliver.
    """

    def __init__(self, database: Database, holder: UUID | None) -> None:
        self._database = database
        self._holder = holder
        self._claimed: set[UUID] = set()

    @property
    def has_claims(self) -> bool:
        """Whether any send is claimed."""
        return bool(self._claimed)

    async def find(self, limit: int, now: datetime) -> tuple[list[UUID], datetime | None]:
        """Return the due sends that are not claimed, and when the next send is due.

        Each journey is queried separately, so that its mails do not wait for the backlog of another
        journey.

        Args:
            limit: the maximum number of sends of each journey.
            now: the current time.
        """
        limit += len(self._claimed)
        journeys = [None, *await self._database.read_one(sends.find_queued_journeys())]
        results = await self._database.read(
            *(
                sends.find_due(part, limit, now, self._holder)
                for part in split_into_chunks(journeys, _MAX_JOURNEYS)
            )
        )
        queues = [queue for result in results for queue in result]
        due = [
            send_id
            for send_id, due_at in interleave(queues)
            if due_at <= now and send_id not in self._claimed
        ]
        later_due_times = [due_at for queue in queues for _, due_at in queue if due_at > now]
        return due, min(later_due_times, default=None)

    async def find_next_due_at(self) -> datetime | None:
        """Return when the first queued send is due."""
        return await self._database.read_one(lag.find_next_send())

    async def claim(self, ids: Sequence[UUID], now: datetime) -> list[SendJob]:
        """Claim sends; return the sends that are still due, with the data that their mails need.

        Args:
            ids: the sends.
            now: the current time.
        """
        self._claimed.update(ids)
        try:
            leased = ids if self._holder is None else await self._lease(ids, self._holder)
            jobs = await load_jobs(self._database, leased, now)
        except BaseException:
            self._claimed.difference_update(ids)
            raise
        self._claimed.difference_update(set(ids) - {job.send.id for job in jobs})
        return jobs

    def release(self, send_id: UUID) -> None:
        """Give up the claim of a send."""
        self._claimed.discard(send_id)

    async def _lease(self, ids: Sequence[UUID], holder: UUID) -> Sequence[UUID]:
        async with self._database.transaction() as tx:
            return await tx.fetch_one(workers.lease_mails(ids, holder))
