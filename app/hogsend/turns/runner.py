"""Plays due enrollments in sets: load what they touch, drive every turn, commit them together."""

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
from ..store.steps import NewStep, keep
from .commit import Played, commit
from .determinism_check import compare
from .driver import Driver
from .execution import TurnExecution
from .reads import answer_each
from .requests import RunStep
from .step_attempts import StepAttempt
from .step_runner import StepRunner, step_id
from .turn import failed
from .turn_inputs import JourneyCode, TurnLimits, load_plays

log = logging.getLogger("hogsend.turns")

# A journey that passed the limit of a turn so many times is not played until its code changes.
MOST_STUCK = 3
_AFTER_ERROR = 1.0

Moving = tuple[TurnExecution, Any]
Done = Callable[[Collection[UUID]], None]


class TurnRunner:
    """Plays turns.

    Args:
        database: where enrollments are.
        clock: what tells the time.
        ingest: takes the events that turns trigger, inside their transaction.
        code: the authors' code; may be replaced at any time.
        limits: what one turn may use up.
        twice: whether each turn is played a second time from its journal, and fails when it
            then asks for something else.
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
        self._effects = StepRunner()
        self._commits: Batcher[Played, bool] = Batcher(self._commit, most=500, turn=database.turn)
        self._kept: Batcher[NewStep, None] = Batcher(self._keep, most=500, turn=database.turn)
        self._stuck: Counter[tuple[str, str]] = Counter()
        self._trying: dict[UUID, asyncio.Task[None]] = {}
        self.code = code

    @property
    def idle(self) -> bool:
        """Whether no effect of a step is under way."""
        return not self._trying

    async def close(self) -> None:
        """Leave effects that are under way to themselves: their turns are played again."""
        for task in self._trying.values():
            task.cancel()
        await asyncio.gather(*self._trying.values(), return_exceptions=True)
        self._effects.close()

    async def play(self, ids: Sequence[UUID], done: Done = lambda ids: None) -> Collection[UUID]:
        """Play one turn of each enrollment, and return when all are committed that can be.

        Args:
            ids: due enrollments, of different contacts.
            done: told of enrollments whose turns are committed, as soon as they are; those whose
                journey keeps its thread come later than the others.

        Returns:
            Those whose effects are under way: `done` is told of them when their turns are
            committed, or have been given up.
        """
        code, now = self.code, self._clock.now()
        world = code.world(now, self.limits, compares=self._twice)
        loaded = await load_plays(
            self._database,
            ids,
            code,
            world,
            chosen=lambda enrollment: _is_due(enrollment, now),
            playable=lambda one: self._stuck[one.id, one.code_hash] < MOST_STUCK,
        )
        groups: dict[str, list[TurnExecution]] = {}
        for play in loaded.plays:
            groups.setdefault(play.journey.id, []).append(play)
        sets = [[(play, None) for play in group] for group in groups.values()]
        works = [self._drive(moving, [], now, done) for moving in sets]
        if loaded.failed:
            works.append(self._commit_all(loaded.failed, done))
        if loaded.lost:
            works.append(self._park(loaded.lost, now))
        _raise_first(await asyncio.gather(*works, return_exceptions=True))
        return [one for one in ids if one in self._trying]

    async def _drive(
        self, moving: Sequence[Moving], over: list[TurnExecution], now: datetime, done: Done
    ) -> None:
        """Drive turns of one journey until each is over, and commit them together.

        Those that keep their thread are left behind and go on by themselves.

        Args:
            moving: turns, each with the answer that it is to go on with.
            over: turns that are over already, to be committed with them.
            now: the instant of these turns.
            done: told of the enrollments that are committed.
        """
        slow: list[asyncio.Task[None]] = []
        try:
            while moving:
                kept = await self._driver.advance(moving)
                slow += [
                    asyncio.create_task(self._see_through(play, end, now, done))
                    for play, end in kept.items()
                ]
                for play, _ in moving:
                    if play.left:
                        # Still due: another set plays it.
                        play.drop()
                there = [play for play, _ in moving if play not in kept and not play.left]
                self._try_steps(there, now, done)
                there = [play for play in there if not isinstance(play.need, RunStep)]
                moving = await self._answer(there, over, now)
            await self._finish(over, done)
            _raise_first(await asyncio.gather(*slow, return_exceptions=True))
        finally:
            for task in slow:
                task.cancel()

    async def _see_through(
        self, play: TurnExecution, end: asyncio.Task[None], now: datetime, done: Done
    ) -> None:
        """Go on with a turn that has kept its thread, once that has ended one way or the other."""
        await end
        if play.stuck:
            self._note_stuck(play.journey)
        over: list[TurnExecution] = []
        self._try_steps([play], now, done)
        if not isinstance(play.need, RunStep):
            await self._drive(await self._answer([play], over, now), over, now, done)

    # -- effects of steps -----------------------------------------------------------------------

    def _try_steps(self, plays: Sequence[TurnExecution], now: datetime, done: Done) -> None:
        """Begin the effects that turns want next; such a turn leaves its set and goes on alone."""
        for play in plays:
            if isinstance(play.need, RunStep) and not play.stuck:
                one = play.facts.enrollment.id
                if one not in self._trying:
                    self._trying[one] = asyncio.create_task(self._try_alone(play, now, done))

    async def _try_alone(self, play: TurnExecution, now: datetime, done: Done) -> None:
        """Run a turn's effects, one after the other, and go on with it until it is committed."""
        one = play.facts.enrollment.id
        try:
            while isinstance(play.need, RunStep):
                tried = await self._try(play, play.need)
                await self._drive([(play, tried)], [], now, done)
        except Exception:
            log.exception("a step of %s could not be kept; it is tried again", play.journey.id)
            await asyncio.sleep(_AFTER_ERROR)
        finally:
            del self._trying[one]
            done([one])

    async def _try(self, play: TurnExecution, step: RunStep) -> StepAttempt:
        """Try an effect once, and record at once what it came to."""
        enrollment, key = play.facts.enrollment, play.answers.asked[-1]
        kept = play.facts.kept.get(key)
        attempt = kept.attempts + 1 if kept else 1
        tried = await self._effects.run(
            play.journey.id, step.run, step_id(enrollment.id, key), step.timeout, attempt
        )
        over = tried.error is None or tried.final or attempt > step.retries
        new = PendingStep(key, attempt, tried.answer, tried.error, over)
        try:
            await self._keep_at_last(NewStep(enrollment.id, new))
        except Exception as error:
            # It was done, and must not be done again and again for want of a record.
            said = f"It was done, but what it gave could not be recorded: {type(error).__name__}."
            tried = StepAttempt(error=said, final=True, attempt=attempt)
            await self._keep_at_last(
                NewStep(enrollment.id, PendingStep(key, attempt, None, said, True))
            )
        return tried

    async def _keep_at_last(self, new: NewStep) -> None:
        """Record a try, however long the database refuses: what was done is not to be repeated."""
        while True:
            try:
                await self._kept.submit(new)
                return
            except StoreUnavailable:
                await asyncio.sleep(_AFTER_ERROR)

    async def _keep(self, steps: Sequence[NewStep]) -> Sequence[None]:
        async with self._database.transaction() as tx:
            await tx.apply([keep(steps)])
        return [None] * len(steps)

    # -- reads ----------------------------------------------------------------------------------

    async def _answer(
        self, plays: Sequence[TurnExecution], over: list[TurnExecution], now: datetime
    ) -> Sequence[Moving]:
        """Return those that need a read with its answer, and add the others to those over."""
        needy = [play for play in plays if play.need is not None and not play.stuck]
        answered = await answer_each(self._database, needy, now) if needy else []
        going_on = {play for play, _ in answered}
        over.extend(play for play in plays if play not in going_on)
        return answered

    def _note_stuck(self, journey: Journey) -> None:
        version = journey.id, journey.code_hash
        self._stuck[version] += 1
        if self._stuck[version] == MOST_STUCK:
            log.error(
                "%s:%d: %s has blocked its thread %d times and is stopped until its code changes "
                "or the server is started anew",
                journey.file,
                journey.line,
                journey.id,
                MOST_STUCK,
            )

    # -- writing ------------------------------------------------------------------------------

    async def _finish(self, over: Sequence[TurnExecution], done: Done) -> None:
        """Commit turns that are over, having played each once more if that is wanted."""
        if self._twice:
            await compare(self._driver, over, self._clock.now())
        await self._commit_all([_played(play) for play in over], done)

    async def _commit_all(self, turns_over: Sequence[Played], done: Done) -> None:
        """Commit turns; one that the database does not take has failed."""
        results = await asyncio.gather(
            *(self._commits.enqueue(one) for one in turns_over), return_exceptions=True
        )
        for one, result in zip(turns_over, results, strict=True):
            if isinstance(result, StoreUnavailable):
                raise result
            if isinstance(result, Exception):
                error = "".join(traceback.format_exception(result))
                fault = failed(one.enrollment.look_back, error)
                await self._commits.submit(replace(one, result=fault))
        done([one.enrollment.id for one in turns_over])

    async def _commit(self, played: Sequence[Played]) -> Sequence[bool | Exception]:
        now = self._clock.now()
        tally = Tally(now)
        async with self._database.transaction() as tx:
            taking, answers = await commit(tx, played, self._ingest, tally, now)
            await tx.apply([tally.write()])
        await self._ingest.publish_result(taking)
        for one, counted in zip(played, answers, strict=True):
            if counted is True:
                _tell(one)
        return answers

    async def _park(self, lost: Sequence[Enrollment], now: datetime) -> None:
        """Park people whose journey there is no code for, or none that can be played."""
        tally = Tally(now)
        async with self._database.transaction() as tx:
            _, present = await tx.fetch(
                contacts.locked({e.contact_id for e in lost}, tx.dialect.lock_rows),
                enrollments.by_ids([e.id for e in lost]),
            )
            parked = [replace(e, state="parked") for e in present.values() if _is_due(e, now)]
            for enrollment in parked:
                before = present[enrollment.id].state
                tally.change_state(enrollment.journey_id, before, "parked")
            await tx.apply([enrollments.update(parked, now, freed=True), tally.write()])
        await self._ingest.publish_result(BatchResult(topics={"enrollments"}))


def _tell(one: Played) -> None:
    """Log what an operator should look at: failures, and those who drifted."""
    result, place = one.result, f"/enrollments/{one.enrollment.id}"
    if result.error:
        last = result.error.rstrip().rsplit("\n", 1)[-1][:300]
        number = one.enrollment.attempt + 1
        log.warning("a turn of %s failed (%s, try %d): %s", one.journey.id, place, number, last)
    elif result.outcome == "drifted":
        log.warning("%s has drifted in %s: %s", place, one.journey.id, result.reason)


def _is_due(enrollment: Enrollment, now: datetime) -> bool:
    wake_at = enrollment.wake_at
    return enrollment.state in ("active", "waiting") and wake_at is not None and wake_at <= now


def _played(play: TurnExecution) -> Played:
    facts, result = play.facts, play.final
    seen = max(facts.contact.event_seq, result.seen)
    return Played(play.journey, facts.enrollment, seen, result)


def _raise_first(results: Sequence[BaseException | None]) -> None:
    """Raise the first error of what was done at the same time, when all of it has ended."""
    for result in results:
        if isinstance(result, BaseException):
            raise result
