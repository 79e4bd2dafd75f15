"""Runs due turns in batches: loads their rows, advances each turn, and commits them together."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ..clock import Clock
from ..domain.enrollment import Enrollment
from ..domain.journal import PendingStep
from ..domain.journey import Journey
from ..engines.port import OnCommitted
from ..errors import StoreUnavailable
from ..ingest import BatchResult, Ingest
from ..store import contacts, enrollments
from ..store.batcher import Batcher
from ..store.counters import Tally
from ..store.db import Database
from ..store.steps import NewStep, upsert
from .calls.effect import Effect
from .commit import FinishedTurn, commit_turns
from .determinism_check import check_determinism
from .driver import Driver
from .execution import TurnExecution
from .reads import answer_reads
from .step_attempts import StepAttempt
from .step_runner import StepRunner, compute_step_id
from .turn import build_failed_result
from .turn_inputs import JourneyCode, TurnLimits, load_turns

log = logging.getLogger("hogsend.turns")

# A journey that has blocked its thread this often does not run until its code changes.
MAX_STUCK = 3
# The delay after an error of the database, in seconds.
_ERROR_RETRY_DELAY = 1.0

# A turn, and the outcome of its pending call's read or effect.
Answered = tuple[TurnExecution, Any]


class TurnRunner:
    """Runs turns.

    Args:
        database: where enrollments are.
        clock: the source of the current time.
        ingest: ingests the events that turns trigger, inside the transaction of the turns.
        code: the authors' code; may be replaced at any time.
        limits: the limits of each turn.
        checks_determinism: whether each turn runs a second time from its journal, and fails when
            it makes other calls then.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ingest: Ingest,
        code: JourneyCode,
        limits: TurnLimits | None = None,
        *,
        checks_determinism: bool = False,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self.limits = limits or TurnLimits()
        self._checks_determinism = checks_determinism
        self._driver = Driver(self.limits.time)
        self._steps = StepRunner()
        self._commits: Batcher[FinishedTurn, bool] = Batcher(
            self._commit, max_size=500, lock=database.write_lock
        )
        self._new_steps: Batcher[NewStep, None] = Batcher(
            self._store_steps, max_size=500, lock=database.write_lock
        )
        self._stuck: Counter[tuple[str, str]] = Counter()
        # The tasks that run effects, by enrollment.
        self._running_steps: dict[UUID, asyncio.Task[None]] = {}
        self.code = code

    async def close(self) -> None:
        """Abandon running effects; the next process runs their turns again."""
        for task in self._running_steps.values():
            task.cancel()
        await asyncio.gather(*self._running_steps.values(), return_exceptions=True)
        self._steps.close()

    async def run(
        self, ids: Sequence[UUID], on_committed: OnCommitted = lambda ids: None
    ) -> Collection[UUID]:
        """Run one turn of each enrollment, and return when all turns without an effect are over.

        Args:
            ids: due enrollments, of different contacts.
            on_committed: gets enrollments as soon as their turns are committed; the enrollments of
                a slow journey come later than the others.

        Returns:
            The enrollments whose effects are running: `on_committed` gets them when their turns
            have been committed or abandoned.
        """
        code, now = self.code, self._clock.now()
        environment = code.build_environment(
            now, self.limits, checks_determinism=self._checks_determinism
        )
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
        tasks = [self._drive(turns, [], now, on_committed) for turns in by_journey.values()]
        if loaded.failed:
            tasks.append(self._commit_all(loaded.failed, on_committed))
        if loaded.without_code:
            tasks.append(self._park(loaded.without_code, now))
        _raise_first(await asyncio.gather(*tasks, return_exceptions=True))
        return [enrollment_id for enrollment_id in ids if enrollment_id in self._running_steps]

    async def _drive(
        self,
        turns: Sequence[Answered],
        finished: list[TurnExecution],
        now: datetime,
        on_committed: OnCommitted,
    ) -> None:
        """Drive turns of one journey until each is over, and commit them together.

        Slow turns leave the batch, and are committed alone.

        Args:
            turns: turns, each with the answer that it continues with.
            finished: turns that are already over, to be committed in the same batch.
            now: the instant of these turns.
            on_committed: gets the enrollments whose turns are committed.
        """
        slow_tasks: list[asyncio.Task[None]] = []
        try:
            while turns:
                slow = await self._driver.advance(turns)
                slow_tasks += [
                    asyncio.create_task(self._drive_slow(execution, task, now, on_committed))
                    for execution, task in slow.items()
                ]
                for execution, _ in turns:
                    if execution.is_postponed:
                        # The enrollment is still due, so another batch runs the turn.
                        execution.discard()
                advanced = [
                    execution
                    for execution, _ in turns
                    if execution not in slow and not execution.is_postponed
                ]
                self._start_effects(advanced, now, on_committed)
                remaining = [execution for execution in advanced if execution.effect is None]
                turns = await self._answer_reads(remaining, finished)
            await self._finish(finished, on_committed)
            _raise_first(await asyncio.gather(*slow_tasks, return_exceptions=True))
        finally:
            for task in slow_tasks:
                task.cancel()

    async def _drive_slow(
        self,
        execution: TurnExecution,
        task: asyncio.Task[None],
        now: datetime,
        on_committed: OnCommitted,
    ) -> None:
        """Continue a slow turn when it has been advanced, or has failed at its limit."""
        await task
        if execution.is_stuck:
            self._note_stuck(execution.journey)
        finished: list[TurnExecution] = []
        self._start_effects([execution], now, on_committed)
        if execution.effect is None:
            turns = await self._answer_reads([execution], finished)
            await self._drive(turns, finished, now, on_committed)

    # -- effects of steps -----------------------------------------------------------------------

    def _start_effects(
        self, executions: Sequence[TurnExecution], now: datetime, on_committed: OnCommitted
    ) -> None:
        """Start the effects that turns need next; such a turn leaves its batch."""
        for execution in executions:
            if execution.effect is not None and not execution.is_stuck:
                enrollment_id = execution.inputs.enrollment.id
                if enrollment_id not in self._running_steps:
                    self._running_steps[enrollment_id] = asyncio.create_task(
                        self._run_effects(execution, now, on_committed)
                    )

    async def _run_effects(
        self, execution: TurnExecution, now: datetime, on_committed: OnCommitted
    ) -> None:
        """Run a turn's effects, one after the other, and drive the turn until it is committed."""
        enrollment_id = execution.inputs.enrollment.id
        try:
            while (effect := execution.effect) is not None:
                attempt = await self._attempt(execution, effect)
                await self._drive([(execution, attempt)], [], now, on_committed)
        except Exception:
            log.exception(
                "a step of %s could not be recorded; it is tried again", execution.journey.id
            )
            await asyncio.sleep(_ERROR_RETRY_DELAY)
        finally:
            del self._running_steps[enrollment_id]
            on_committed([enrollment_id])

    async def _attempt(self, execution: TurnExecution, effect: Effect) -> StepAttempt:
        """Run an effect once, and record the outcome immediately."""
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
            # The effect has happened, and must not be repeated because its result is not recorded.
            reason = (
                f"The step was done, but its result could not be recorded: {type(error).__name__}."
            )
            attempt = StepAttempt(error=reason, final=True, attempt=number)
            step = PendingStep(key, number, None, reason, True)
            await self._store_step(NewStep(enrollment.id, step))
        return attempt

    async def _store_step(self, step: NewStep) -> None:
        """Record an attempt, and retry while the database is unavailable."""
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
        """Return the turns that need a read, with the answers; add the others to `finished`."""
        reading = [
            execution
            for execution in executions
            if execution.pending is not None and not execution.is_stuck
        ]
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

    async def _finish(self, executions: Sequence[TurnExecution], on_committed: OnCommitted) -> None:
        """Commit turns that are over; check their determinism before, when asked to."""
        if self._checks_determinism:
            await check_determinism(self._driver, executions, self._clock.now())
        await self._commit_all(
            [_build_finished_turn(execution) for execution in executions], on_committed
        )

    async def _commit_all(
        self, finished: Sequence[FinishedTurn], on_committed: OnCommitted
    ) -> None:
        """Commit turns; a turn whose rows cannot be written is committed as failed."""
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
        on_committed([turn.enrollment.id for turn in finished])

    async def _commit(self, finished: Sequence[FinishedTurn]) -> Sequence[bool | Exception]:
        now = self._clock.now()
        tally = Tally(now)
        async with self._database.transaction() as tx:
            batch, results = await commit_turns(tx, finished, self._ingest, tally, now)
            await tx.apply([tally.to_write()])
        await self._ingest.publish_result(batch)
        for turn, is_written in zip(finished, results, strict=True):
            if is_written is True:
                _log_outcome(turn)
        return results

    async def _park(self, without_code: Sequence[Enrollment], now: datetime) -> None:
        """Park enrollments whose journey is not in the code or may not run."""
        tally = Tally(now)
        async with self._database.transaction() as tx:
            _, present = await tx.fetch(
                contacts.lock({e.contact_id for e in without_code}, tx.dialect.lock_rows),
                enrollments.find_by_ids([e.id for e in without_code]),
            )
            parked = [
                replace(enrollment, state="parked")
                for enrollment in present.values()
                if _is_due(enrollment, now)
            ]
            for enrollment in parked:
                before = present[enrollment.id].state
                tally.change_state(enrollment.journey_id, before, "parked")
            await tx.apply([enrollments.update(parked, now, freed=True), tally.to_write()])
        await self._ingest.publish_result(BatchResult(topics={"enrollments"}))


def _log_outcome(turn: FinishedTurn) -> None:
    """Log the outcomes that an operator should look at: failure and drift."""
    result, address = turn.result, f"/enrollments/{turn.enrollment.id}"
    if result.error:
        message = result.error.rstrip().rsplit("\n", 1)[-1][:300]
        number = turn.enrollment.attempt + 1
        log.warning(
            "a turn of %s failed (%s, attempt %d): %s", turn.journey.id, address, number, message
        )
    elif result.outcome == "drifted":
        log.warning("%s has drifted in %s: %s", address, turn.journey.id, result.reason)


def _is_due(enrollment: Enrollment, now: datetime) -> bool:
    wake_at = enrollment.wake_at
    return enrollment.state in ("active", "waiting") and wake_at is not None and wake_at <= now


def _build_finished_turn(execution: TurnExecution) -> FinishedTurn:
    inputs, result = execution.inputs, execution.result
    last_seq = max(inputs.contact.event_seq, result.last_counted_seq)
    revision = inputs.contact.revision
    return FinishedTurn(execution.journey, inputs.enrollment, revision, last_seq, result)


def _raise_first(results: Sequence[BaseException | None]) -> None:
    """Raise the first error among the results of tasks."""
    for result in results:
        if isinstance(result, BaseException):
            raise result
