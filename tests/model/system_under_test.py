"""The system under test: a complete installation on a separate event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
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
from hogsend.turns.commit import FinishedTurn
from tests.actors import operator_named
from tests.patience import PATIENCE
from tests.world import World, open_world

from .journey_plans import LISTS, JourneyPlan
from .model_values import Holdouts, SubmittedEvent

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
# How long before its arrival a late event happened.
LATE = timedelta(days=2)
HELD = "the state machine decides when emails are sent"
T = TypeVar("T")
Change = Callable[[], Awaitable[Any]]


class SystemUnderTest:
    """An installation that runs turns and sends emails only when the state machine asks for it.

    Args:
        url: a migrated database without rows.
        folder: an empty folder.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.clock = ManualClock(START)
        self.holdouts = Holdouts()
        self._url, self._folder = url, folder
        self._runner = asyncio.Runner()
        self._context: AbstractAsyncContextManager[World] | None = None
        self._may_run = asyncio.Event()
        self._run_ids: list[UUID] = []
        # Makes a change when the first turns have run and none is committed.
        self._change: Change | None = None
        self._change_task: asyncio.Future[Any] | None = None
        journeys = folder / "journeys"
        journeys.mkdir()
        (journeys / "lists.py").write_text("from hogsend import MailList\n" + LISTS)
        self._patch = patch.object(enroll, "is_held_out", self._is_held_out)
        self._patch.start()
        self.open()
        self.run(self._hold_emails())
        self.restart()

    def run(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return self._runner.run(wait())

    def _is_held_out(self, journey: Journey, contact_id: UUID) -> bool:
        return self.holdouts.is_held_out(journey.id, journey.holdout, contact_id)

    # -- life cycle ---------------------------------------------------------------------------

    def open(self) -> None:
        async def enter() -> World:
            self._context = open_world(self._url, self._folder, self.clock, with_worker=True)
            world = await self._context.__aenter__()
            self._hold_turns(world)
            # There is no other process, but on Postgres the own commits would look like another's.
            database: Any = world.database
            database.change_number = _return_zero
            return world

        self.world = self.run(enter())

    def _hold_turns(self, world: World) -> None:
        """Hold turns until `run_due_turns`, and record the order of the turns that are written."""
        worker = world.runtime.worker
        assert worker is not None
        engine: Any = worker.engine
        runner: Any = worker.turn_runner
        self.worker = worker
        run_turns, commit_all, write = engine._run_turns, runner._commit_all, runner._commits._write

        async def wait_and_run(ids: Sequence[UUID], on_committed: Any) -> Collection[UUID]:
            await self._may_run.wait()
            return await run_turns(ids, on_committed)

        async def change_and_commit(*arguments: Any) -> None:
            if self._change is not None:
                self._change_task = asyncio.ensure_future(self._change())
                self._change = None
            if self._change_task is not None:
                await self._change_task
            await commit_all(*arguments)

        async def write_and_record(finished: Sequence[FinishedTurn]) -> Sequence[bool | Exception]:
            results = await write(finished)
            self._run_ids += [
                turn.enrollment.id
                for turn, is_written in zip(finished, results, strict=True)
                if is_written is True
            ]
            return results

        engine._run_turns, runner._commit_all = wait_and_run, change_and_commit
        runner._commits._write = write_and_record

    async def _hold_emails(self) -> None:
        # The database keeps the hold, so that it survives a restart.
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

    def shut_down(self) -> None:
        try:
            self.close()
        finally:
            self._patch.stop()
            self._runner.close()

    # -- actions ------------------------------------------------------------------------------

    def submit(self, events: Sequence[SubmittedEvent]) -> list[IngestResult]:
        return self.run(self.submit_together(events))

    async def submit_together(self, events: Sequence[SubmittedEvent]) -> list[IngestResult]:
        ingest = self.world.runtime.ingest
        return await asyncio.gather(*(ingest.submit(self._build_event(event)) for event in events))

    def _build_event(self, event: SubmittedEvent) -> IncomingEvent:
        return IncomingEvent(
            event.name,
            event.user,
            event.email,
            event.anonymous,
            properties=event.properties,
            contact_properties=event.contact_properties,
            lists=event.lists,
            idempotency_key=event.key,
            digest=event.digest,
            timestamp=self.clock.now() - LATE if event.late else None,
        )

    def write(self, plan: JourneyPlan, *, broken: bool = False) -> None:
        self.world.write(plan.id, "def broken(:\n" if broken else plan.source)

    def load(self) -> None:
        self.run(self.world.load())

    def run_action(self, action: ActionName, enrollment_id: UUID) -> UUID | None:
        async def run() -> UUID | None:
            operator = operator_named("op")
            try:
                return await run_action(self.world.runtime, operator, action, enrollment_id)
            except Conflict:
                return None

        return self.run(run())

    def run_due_turns(self, change: Change | None = None) -> list[UUID]:
        """Run all turns that are due; return their enrollments in the order of the turns.

        Args:
            change: made once, when the first turns have run and none is committed.
        """

        async def release() -> None:
            self._change = change
            self._may_run.set()
            self.worker.engine.poll()
            async with asyncio.timeout(PATIENCE):
                while await self._count_due_turns() or not self.worker.engine.is_idle:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            self._may_run.clear()
            if self._change is not None:
                # No turn was due.
                await self._change()
            self._change = self._change_task = None

        self.run(release())
        enrollment_ids, self._run_ids[:] = list(self._run_ids), []
        return enrollment_ids

    async def _count_due_turns(self) -> int:
        now = int(self.clock.now().timestamp() * 1_000_000)
        rows = await self.world.query(
            "SELECT COUNT(*) FROM enrollments WHERE state IN ('active', 'waiting') "
            "AND wake_at <= ?",
            now,
        )
        return rows[0][0]

    def deliver(self) -> None:
        """Send every email that is due."""

        async def release() -> None:
            mailer = self.worker.mailer
            mailer.send_hold = None
            mailer.poll()
            async with asyncio.timeout(PATIENCE):
                while await self._count_due_sends() or not mailer.is_idle:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            mailer.send_hold = HELD

        self.run(release())

    async def _count_due_sends(self) -> int:
        now = int(self.clock.now().timestamp() * 1_000_000)
        rows = await self.world.query(
            "SELECT COUNT(*) FROM sends WHERE status = 'sending' "
            "OR (status = 'queued' AND due_at <= ?)",
            now,
        )
        return rows[0][0]


async def _return_zero() -> int:
    return 0
