"""The door itself: facts go in one by one and are written in sets."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ..changes import Changes
from ..clock import Clock
from ..domain.enrollment import Enrollment
from ..domain.intake import Incoming, Taken
from ..errors import Conflict, NotFound
from ..store import contacts, enrollments, sends
from ..store.batcher import Batcher
from ..store.counters import Tally
from ..store.db import Database, Transaction
from .rules import Rules
from .taking import Taking, take

log = logging.getLogger("hogsend.ingest")


class Ingest:
    """Takes facts: events of the product, of recipients, of journeys and of operators.

    Args:
        database: where everything is stored.
        clock: what tells the time.
        rules: what decides; may be replaced at any time.
        changes: where dashboards hear of it.
    """

    def __init__(self, database: Database, clock: Clock, rules: Rules, changes: Changes) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes
        self._batcher: Batcher[Incoming, Taken] = Batcher(self._write, most=500)
        self.rules = rules
        # Set by whoever plays turns; nobody is told when nothing plays.
        self.on_commit: Callable[[Taking], Awaitable[None]] | None = None

    async def take(self, incoming: Incoming) -> Taken:
        """Take one fact; return when it and all it caused are durable.

        Raises:
            NotFound: its `contact_id` is not known.
        """
        return await self._batcher.submit(incoming)

    async def take_within(
        self, tx: Transaction, items: Sequence[Incoming], tally: Tally, now: datetime
    ) -> Taking:
        """Take facts inside somebody else's transaction, such as the end of a turn."""
        return await take(tx, items, self.rules, tally, now)

    async def committed(self, taking: Taking) -> None:
        """Tell engine and dashboards what a transaction that took facts has changed.

        Never raises: the facts are stored, and whoever is told looks at the rows anyway.
        """
        self._changes.publish(*taking.topics)
        try:
            if self.on_commit is not None:
                await self.on_commit(taking)
        except Exception:
            log.exception("the engine could not be told of what was stored")

    async def _write(self, items: Sequence[Incoming]) -> Sequence[Taken | Exception]:
        now = self._clock.now()
        tally = Tally(now)
        async with self._database.transaction() as tx:
            taking = await take(tx, items, self.rules, tally, now)
            await tx.apply([tally.write()])
        await self.committed(taking)
        return taking.answers

    async def wake(self, enrollment_id: UUID) -> None:
        """Let a waiting enrollment go on now, as if its wait were over.

        Raises:
            NotFound: there is no such enrollment.
            Conflict: it does not wait.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            enrollment = await self._live(tx, enrollment_id)
            if enrollment.state not in ("active", "waiting"):
                raise Conflict(
                    f"This enrollment does not wait for a time: it is {enrollment.state}."
                )
            wait = enrollment.wait
            if wait is not None:
                wait = replace(wait, until=min(wait.until or now, now))
            woken = replace(enrollment, wait=wait, wake_at=now)
            await tx.apply([enrollments.update([woken], now)])
        await self.committed(Taking(wakes={enrollment_id: now}, topics={"enrollments"}))

    async def exit(self, enrollment_id: UUID, reason: str) -> None:
        """End a live enrollment and cancel what it has not handed over.

        Args:
            enrollment_id: which one.
            reason: why, as the timeline shows it.

        Raises:
            NotFound: there is no such enrollment.
            Conflict: it has ended already.
        """
        now = self._clock.now()
        tally = Tally(now)
        async with self._database.transaction() as tx:
            before = await self._live(tx, enrollment_id)
            reason = reason[:200]
            ended = replace(
                before,
                state="exited",
                end_reason=reason,
                ended_at=now,
                wake_at=None,
                wait=None,
                wait_result=None,
            )
            tally.moved(before.journey_id, before.state, "exited")
            tally.waits(before.journey_id, before.wait.key if before.wait else None, None)
            tally.today(f"ended/{before.journey_id}/exited")
            tally.today("sends/cancelled", await tx.one(sends.queued_of([enrollment_id], ())))
            await tx.apply(
                [
                    enrollments.update([ended], now),
                    sends.cancel_of_enrollments({enrollment_id: reason}, now),
                    tally.write(),
                ]
            )
        await self.committed(Taking(ended=[enrollment_id], topics={"enrollments", "sends"}))

    @staticmethod
    async def _live(tx: Transaction, enrollment_id: UUID) -> Enrollment:
        """Read an enrollment under its contact's lock, which a turn's commit takes as well."""
        await tx.one(contacts.lock_of_enrollment(enrollment_id, tx.dialect.lock_rows))
        found = (await tx.one(enrollments.by_ids([enrollment_id]))).get(enrollment_id)
        if found is None:
            raise NotFound("This enrollment does not exist.")
        if not found.is_live:
            raise Conflict(f"This enrollment has ended already ({found.state}).")
        return found
