"""The real thing, as the machine drives it: a whole instance on a loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch
from uuid import UUID

from hogsend.clock import ManualClock
from hogsend.domain.incoming import IncomingEvent, IngestResult
from hogsend.domain.journey import Journey
from hogsend.errors import Conflict
from hogsend.ingest import enroll
from hogsend.ingest.operator_action import ActionName
from hogsend.services.enrollment_actions import run_action
from hogsend.store import meta
from tests.actors import operator_named
from tests.patience import PATIENCE
from tests.world import World, open_world

from .journey_plans import LISTS, JourneyPlan
from .model_values import HoldoutLots, SubmittedEvent

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
# How long before its arrival a late event happened.
LATE = timedelta(days=2)
HELD = "the state machine decides when mail leaves"
T = TypeVar("T")


class SystemUnderTest:
    """An installation whose turns run and mails leave only when the state machine says so.

    Args:
        url: a migrated database with nothing in it.
        folder: an empty folder.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.clock = ManualClock(START)
        self.lots = HoldoutLots()
        self._url, self._folder = url, folder
        self._runner = asyncio.Runner()
        self._context: AbstractAsyncContextManager[World] | None = None
        self._open_gate = asyncio.Event()
        self._played: list[UUID] = []
        journeys = folder / "journeys"
        journeys.mkdir()
        (journeys / "lists.py").write_text("from hogsend import MailList\n" + LISTS)
        self._patch = patch.object(enroll, "is_held_out", self._is_held_out)
        self._patch.start()
        self.open()
        self.run(self._hold_mail())
        self.restart()

    def run(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return self._runner.run(wait())

    def _is_held_out(self, journey: Journey, contact_id: UUID) -> bool:
        return self.lots.drawn(journey.id, journey.holdout, contact_id)

    # -- its life -----------------------------------------------------------------------------

    def open(self) -> None:
        async def enter() -> World:
            self._context = open_world(self._url, self._folder, self.clock, with_worker=True)
            world = await self._context.__aenter__()
            self._gate(world)
            # There is no other process; on Postgres its own commits would count as another's.
            world.database.change_number = _nothing
            return world

        self.world = self.run(enter())

    def _gate(self, world: World) -> None:
        """Let turns wait until the machine lets them go, and note their order."""
        worker = world.runtime.worker
        assert worker is not None
        self.worker, play = worker, worker.engine._run_turns

        async def gated(ids: Sequence[UUID], done: Any) -> Collection[UUID]:
            await self._open_gate.wait()
            self._played.extend(ids)
            return await play(ids, done)

        worker.engine._run_turns = gated

    async def _hold_mail(self) -> None:
        # Kept in the database, so that it holds after a restart too.
        async with self.world.database.transaction() as tx:
            await tx.apply([meta.set_value(meta.SEND_HOLD, HELD)])

    def close(self) -> None:
        async def leave() -> None:
            assert self._context is not None
            await self._context.__aexit__(None, None, None)

        self.run(leave())

    def restart(self) -> None:
        self.close()
        self.open()

    def end(self) -> None:
        try:
            self.close()
        finally:
            self._patch.stop()
            self._runner.close()

    # -- what happens -------------------------------------------------------------------------

    def submit(self, events: Sequence[SubmittedEvent]) -> list[IngestResult]:
        async def all_at_once() -> list[IngestResult]:
            ingest = self.world.runtime.ingest
            return await asyncio.gather(*(ingest.submit(self._incoming(event)) for event in events))

        return self.run(all_at_once())

    def _incoming(self, event: SubmittedEvent) -> IncomingEvent:
        return IncomingEvent(
            event.name,
            event.user,
            event.email,
            event.anonymous,
            properties=event.properties,
            lists=event.lists,
            idempotency_key=event.key,
            digest=event.digest,
            timestamp=self.clock.now() - LATE if event.late else None,
        )

    def write(self, plan: JourneyPlan, *, broken: bool = False) -> None:
        self.world.write(plan.id, "def broken(:\n" if broken else plan.source)

    def load(self) -> None:
        self.run(self.world.load())

    def order(self, act: ActionName, enrollment: UUID) -> UUID | None:
        async def give() -> UUID | None:
            try:
                return await run_action(self.world.runtime, operator_named("op"), act, enrollment)
            except Conflict:
                return None

        return self.run(give())

    def settle(self) -> list[UUID]:
        """Let every turn be played that is due; return the enrollments in the order of that."""

        async def play() -> None:
            self._open_gate.set()
            self.worker.engine.poll()
            async with asyncio.timeout(PATIENCE):
                while await self._turns_due() or not self.worker.engine.is_idle:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            self._open_gate.clear()

        self.run(play())
        played, self._played[:] = list(self._played), []
        return played

    async def _turns_due(self) -> int:
        now = int(self.clock.now().timestamp() * 1_000_000)
        rows = await self.world.query(
            "SELECT COUNT(*) FROM enrollments WHERE state IN ('active', 'waiting') "
            "AND wake_at <= ?",
            now,
        )
        return rows[0][0]

    def deliver(self) -> None:
        """Let every mail leave that is due."""

        async def leave() -> None:
            mailer = self.worker.mailer
            mailer.send_hold = None
            mailer.poll()
            async with asyncio.timeout(PATIENCE):
                while await self._mails_due() or not mailer.is_idle:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            mailer.send_hold = HELD

        self.run(leave())

    async def _mails_due(self) -> int:
        now = int(self.clock.now().timestamp() * 1_000_000)
        rows = await self.world.query(
            "SELECT COUNT(*) FROM sends WHERE status = 'sending' "
            "OR (status = 'queued' AND due_at <= ?)",
            now,
        )
        return rows[0][0]


async def _nothing() -> int:
    return 0
