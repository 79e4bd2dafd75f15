"""Runs due turns in batches: loads what they touch, advances each, and commits them together."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ..clock import Clock
from ..domain.enrollment import Enrollment
from ..domain.journal import PendingStep
from ..domain.journey import Journey
from ..errors import StoreUnavailable
from ..ingest import BatchResult, Ingest
from ..store import contacts, enrollments
from ..store.batcher import Batcher
from ..store.counters import Tally
from ..store.db import Database
from ..store.steps import NewStep, upsert
from .calls.effect import Effect
from .commit import FinishedTurn, commit
from .determinism_check import check_determinism
from .driver import Driver
from .execution import TurnExecution
from .reads import answer_reads
from .step_attempts import StepAttempt
from .step_runner import StepRunner, compute_step_id
from .turn import build_failed_result
from .turn_inputs import JourneyCode, TurnLimits, load_turns

log = logging.getLogger("hogsend.turns")

# A journey that blocked its thread this often is not run until its code changes.
MAX_STUCK = 3
# The delay after an error of the database, in seconds.
_ERROR_RETRY_DELAY = 1.0

# A turn, and what its pending call's read or effect came to.
Answered = tuple[TurnExecution, Any]
Done = Callable[[Collection[UUID]], None]


class TurnRunner:
    """Runs turns.

    Args:
        database: where enrollments are.
        clock: gives the present instant.
        ingest: takes the events that turns trigger, inside their transaction.
        code: the authors' code; may be replaced at any time.
        limits: what one turn may use up.
        twice: whether each turn runs a second time from its journal, and fails when it then
            makes other calls.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ingest: Ingest,
        code: JourneyCode,
        limits: TurnLimits | None = None,
        *,
        twice: bool = False,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self.limits = limits or TurnLimits()
        self._twice = twice
        self._driver = Driver(self.limits.time)
        self._steps = StepRunner()
        self._commits: Batcher[FinishedTurn, bool] = Batcher(
            self._commit, most=500, lock=database.write_lock
        )
        self._new_steps: Batcher[NewStep, None] = Batcher(
            self._store_steps, most=500, lock=database.write_lock
        )
        self._stuck: Counter[tuple[str, str]] = Counter()
        # Enrollments whose turn runs an effect now.
        self._running_steps: dict[UUID, asyncio.Task[None]] = {}
        self.code = code

    async def close(self) -> None:
        """Abandon effects that are running: their turns run again."""
        for task in self._running_steps.values():
            task.cancel()
        await asyncio.gather(*self._running_steps.values(), return_exceptions=True)
        self._steps.close()

    async def run(self, ids: Sequence[UUID], done: Done = lambda ids: None) -> Collection[UUID]:
        """Run one turn of each enrollment, and return when all that can be are committed.

        Args:
            ids: due enrollments, of different contacts.
            done: gets the enrollments whose turns are committed, as soon as they are; those whose
                journey keeps its thread come later than the others.

        Returns:
            The enrollments whose effects are running: `done` gets them when their turns have been
            committed or abandoned.
        """
        code, now = self.code, self._clock.now()
        environment = code.environment(now, self.limits, checks_determinism=self._twice)
        loaded = await load_turns(
            self._database,
            ids,
            code,
            environment,
            is_selected=lambda enrollment: _is_due(enrollment, now),
            can_run=lambda journey: self._stuck[journey.id, journey.code_hash] < MAX_STUCK,
        )
        by_journey: dict[str, list[Answered]] = {}
        for execution in loaded.executions:
            by_journey.setdefault(execution.journey.id, []).append((execution, None))
        tasks = [self._drive(turns, [], now, done) for turns in by_journey.values()]
        if loaded.failed:
            tasks.append(self._commit_all(loaded.failed, done))
        if loaded.without_code:
            tasks.append(self._park(loaded.without_code, now))
        _raise_first(await asyncio.gather(*tasks, return_exceptions=True))
        return [enrollment_id for enrollment_id in ids if enrollment_id in self._running_steps]

    async def _drive(
        self,
        turns: Sequence[Answered],
        finished: list[TurnExecution],
        now: datetime,
        done: Done,
    ) -> None:
        """Drive turns of one journey until each is over, and commit them together.

        Turns that keep their thread are left behind, and committed by themselves.

        Args:
            turns: turns, each with the answer that it continues with.
            finished: turns that are over already, to be committed with them.
            now: the instant of these turns.
            done: gets the enrollments that are committed.
        """
        slow_tasks: list[asyncio.Task[None]] = []
        try:
            while turns:
                slow = await self._driver.advance(turns)
                slow_tasks += [
                    asyncio.create_task(self._drive_slow(execution, task, now, done))
                    for execution, task in slow.items()
                ]
                for execution, _ in turns:
                    if execution.is_postponed:
                        # Still due: another batch runs it.
                        execution.discard()
                advanced = [e for e, _ in turns if e not in slow and not e.is_postponed]
                self._start_effects(advanced, now, done)
                remaining = [execution for execution in advanced if execution.effect is None]
                turns = await self._answer_reads(remaining, finished)
            await self._finish(finished, done)
            _raise_first(await asyncio.gather(*slow_tasks, return_exceptions=True))
        finally:
            for task in slow_tasks:
                task.cancel()

    async def _drive_slow(
        self, execution: TurnExecution, task: asyncio.Task[None], now: datetime, done: Done
    ) -> None:
        """Drive on a turn that has kept its thread, once it was advanced or has failed."""
        await task
        if execution.is_stuck:
            self._note_stuck(execution.journey)
        finished: list[TurnExecution] = []
        self._start_effects([execution], now, done)
        if execution.effect is None:
            turns = await self._answer_reads([execution], finished)
            await self._drive(turns, finished, now, done)

    # -- effects of steps -----------------------------------------------------------------------

    def _start_effects(
        self, executions: Sequence[TurnExecution], now: datetime, done: Done
    ) -> None:
        """Start the effects that turns need next; such a turn leaves its batch and runs alone."""
        for execution in executions:
            if execution.effect is not None and not execution.is_stuck:
                enrollment_id = execution.inputs.enrollment.id
                if enrollment_id not in self._running_steps:
                    self._running_steps[enrollment_id] = asyncio.create_task(
                        self._run_effects(execution, now, done)
                    )

    async def _run_effects(self, execution: TurnExecution, now: datetime, done: Done) -> None:
        """Run a turn's effects, one after the other, and drive it until it is committed."""
        enrollment_id = execution.inputs.enrollment.id
        try:
            while (effect := execution.effect) is not None:
                attempt = await self._attempt(execution, effect)
                await self._drive([(execution, attempt)], [], now, done)
        except Exception:
            log.exception(
                "a step of %s could not be recorded; it is tried again", execution.journey.id
            )
            await asyncio.sleep(_ERROR_RETRY_DELAY)
        finally:
            del self._running_steps[enrollment_id]
            done([enrollment_id])

    async def _attempt(self, execution: TurnExecution, effect: Effect) -> StepAttempt:
        """Run an effect once, and record the outcome at once."""
        enrollment, key = execution.inputs.enrollment, execution.replay.pending_key
        pending = execution.inputs.pending_steps.get(key)
        number = pending.attempts + 1 if pending else 1
        attempt = await self._steps.run(
            execution.journey.id, effect, compute_step_id(enrollment.id, key), number
        )
        is_over = attempt.error is None or attempt.final or number > effect.retries
        step = PendingStep(key, number, attempt.answer, attempt.error, is_over)
        try:
            await self._store_step(NewStep(enrollment.id, step))
        except Exception as error:
            # The effect is done, and must not be repeated for want of a record.
            reason = f"It was done, but its result could not be recorded: {type(error).__name__}."
            attempt = StepAttempt(error=reason, final=True, attempt=number)
            step = PendingStep(key, number, None, reason, True)
            await self._store_step(NewStep(enrollment.id, step))
        return attempt

    async def _store_step(self, step: NewStep) -> None:
        """Record an attempt, however long the database refuses: an effect is not repeated."""
        while True:
            try:
                await self._new_steps.submit(step)
                return
            except StoreUnavailable:
                await asyncio.sleep(_ERROR_RETRY_DELAY)

    async def _store_steps(self, steps: Sequence[NewStep]) -> Sequence[None]:
        async with self._database.transaction() as tx:
            await tx.apply([upsert(steps)])
        return [None] * len(steps)

    # -- reads ----------------------------------------------------------------------------------

    async def _answer_reads(
        self, executions: Sequence[TurnExecution], finished: list[TurnExecution]
    ) -> Sequence[Answered]:
        """Return turns that need a read, with its answer; add the others to those finished."""
        reading = [e for e in executions if e.pending is not None and not e.is_stuck]
        answered = await answer_reads(self._database, reading) if reading else []
        continuing = {execution for execution, _ in answered}
        finished.extend(execution for execution in executions if execution not in continuing)
        return answered

    def _note_stuck(self, journey: Journey) -> None:
        version = journey.id, journey.code_hash
        self._stuck[version] += 1
        if self._stuck[version] == MAX_STUCK:
            log.error(
                "%s:%d: %s has blocked its thread %d times and is stopped until its code changes "
                "or the server is restarted",
                journey.file,
                journey.line,
                journey.id,
                MAX_STUCK,
            )

    # -- writing ------------------------------------------------------------------------------

    async def _finish(self, executions: Sequence[TurnExecution], done: Done) -> None:
        """Commit turns that are over; with `twice`, check first that they are deterministic."""
        if self._twice:
            await check_determinism(self._driver, executions, self._clock.now())
        await self._commit_all([_build_finished_turn(execution) for execution in executions], done)

    async def _commit_all(self, finished: Sequence[FinishedTurn], done: Done) -> None:
        """Commit turns; one that the database refuses has failed."""
        results = await asyncio.gather(
            *(self._commits.enqueue(turn) for turn in finished), return_exceptions=True
        )
        for turn, result in zip(finished, results, strict=True):
            if isinstance(result, StoreUnavailable):
                raise result
            if isinstance(result, Exception):
                error = "".join(traceback.format_exception(result))
                failure = build_failed_result(turn.enrollment.look_back, error)
                await self._commits.submit(replace(turn, result=failure))
        done([turn.enrollment.id for turn in finished])

    async def _commit(self, finished: Sequence[FinishedTurn]) -> Sequence[bool | Exception]:
        now = self._clock.now()
        tally = Tally(now)
        async with self._database.transaction() as tx:
            batch, results = await commit(tx, finished, self._ingest, tally, now)
            await tx.apply([tally.to_write()])
        await self._ingest.publish_result(batch)
        for turn, is_written in zip(finished, results, strict=True):
            if is_written is True:
                _log_outcome(turn)
        return results

    async def _park(self, without_code: Sequence[Enrollment], now: datetime) -> None:
        """Park enrollments whose journey has no code, or none that may run."""
        tally = Tally(now)
        async with self._database.transaction() as tx:
            _, present = await tx.fetch(
                contacts.lock({e.contact_id for e in without_code}, tx.dialect.lock_rows),
                enrollments.find_by_ids([e.id for e in without_code]),
            )
            parked = [replace(e, state="parked") for e in present.values() if _is_due(e, now)]
            for enrollment in parked:
                before = present[enrollment.id].state
                tally.change_state(enrollment.journey_id, before, "parked")
            await tx.apply([enrollments.update(parked, now, freed=True), tally.to_write()])
        await self._ingest.publish_result(BatchResult(topics={"enrollments"}))


def _log_outcome(turn: FinishedTurn) -> None:
    """Log the outcomes that an operator should look at: failure and drift."""
    result, address = turn.result, f"/enrollments/{turn.enrollment.id}"
    if result.error:
        last = result.error.rstrip().rsplit("\n", 1)[-1][:300]
        number = turn.enrollment.attempt + 1
        log.warning(
            "a turn of %s failed (%s, attempt %d): %s", turn.journey.id, address, number, last
        )
    elif result.outcome == "drifted":
        log.warning("%s has drifted in %s: %s", address, turn.journey.id, result.reason)


def _is_due(enrollment: Enrollment, now: datetime) -> bool:
    wake_at = enrollment.wake_at
    return enrollment.state in ("active", "waiting") and wake_at is not None and wake_at <= now


def _build_finished_turn(execution: TurnExecution) -> FinishedTurn:
    inputs, result = execution.inputs, execution.result
    last_seq = max(inputs.contact.event_seq, result.last_counted_seq)
    return FinishedTurn(execution.journey, inputs.enrollment, last_seq, result)


def _raise_first(results: Sequence[BaseException | None]) -> None:
    """Raise the first error of tasks that ran at the same time, when all have ended."""
    for result in results:
        if isinstance(result, BaseException):
            raise result
