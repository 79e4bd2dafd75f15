"""Plays due enrollments in sets: load what they touch, drive every turn, commit them together."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ..clock import Clock
from ..domain.enrollment import Enrollment
from ..domain.journey import Journey
from ..domain.sending import Consents, SendFacts
from ..ingest import Ingest, Taking
from ..store import consents, contacts, enrollments, events, sends, turns
from ..store.batcher import Batcher
from ..store.counters import Tally
from ..store.db import Database
from .commit import Played, commit
from .driver import Driver
from .facts import Facts, World
from .looks import answer_looks
from .play import Play, failed
from .registry import Registry

log = logging.getLogger("hogsend.turns")

# A journey that passed the limit of a turn so many times is not played until its code changes.
MOST_STUCK = 3

Moving = tuple[Play, Any]
Done = Callable[[Collection[UUID]], None]


@dataclass(frozen=True, slots=True)
class Code:
    """The authors' code as of now.

    Args:
        registry: journeys and lists.
        templates: the keys of the mails that can be sent, each with its list if it names one.
    """

    registry: Registry
    templates: Mapping[str, str | None]


class Player:
    """Plays turns.

    Args:
        database: where enrollments are.
        clock: what tells the time.
        ingest: takes the events that turns trigger, inside their transaction.
        code: the authors' code; may be replaced at any time.
        limit: how long one turn may keep its thread.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ingest: Ingest,
        code: Code,
        limit: timedelta = timedelta(seconds=60),
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._driver = Driver(limit)
        self._commits: Batcher[Played, bool] = Batcher(self._commit, most=500)
        self._stuck: Counter[tuple[str, str]] = Counter()
        self.code = code

    async def play(self, ids: Sequence[UUID], done: Done = lambda ids: None) -> None:
        """Play one turn of each enrollment, and return when all are committed.

        Args:
            ids: due enrollments, of different contacts.
            done: told of enrollments whose turns are committed, as soon as they are; those whose
                journey keeps its thread come later than the others.
        """
        code, now = self.code, self._clock.now()
        loaded = await self._load(ids, code, now)
        groups: dict[str, list[Play]] = {}
        for play in loaded.plays:
            groups.setdefault(play.journey.id, []).append(play)
        sets = [[(play, None) for play in group] for group in groups.values()]
        works = [self._drive(moving, [], now, done) for moving in sets]
        if loaded.failed:
            works.append(self._commit_all(loaded.failed, done))
        if loaded.lost:
            works.append(self._park(loaded.lost, now))
        _raise_first(await asyncio.gather(*works, return_exceptions=True))

    async def _drive(
        self, moving: Sequence[Moving], over: list[Play], now: datetime, done: Done
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
                there = [play for play, _ in moving if play not in kept]
                moving = await self._answer(there, over, now)
            await self._commit_all([_played(play) for play in over], done)
            _raise_first(await asyncio.gather(*slow, return_exceptions=True))
        finally:
            for task in slow:
                task.cancel()

    async def _see_through(
        self, play: Play, end: asyncio.Task[None], now: datetime, done: Done
    ) -> None:
        """Go on with a turn that has kept its thread, once that has ended one way or the other."""
        await end
        if play.stuck:
            self._note_stuck(play.journey)
        over: list[Play] = []
        await self._drive(await self._answer([play], over, now), over, now, done)

    async def _answer(
        self, plays: Sequence[Play], over: list[Play], now: datetime
    ) -> Sequence[Moving]:
        """Return those that need a read with its answer, and add the others to those over."""
        needy = [play for play in plays if play.need is not None and not play.stuck]
        answered = await self._look(needy, now) if needy else []
        going_on = {play for play, _ in answered}
        over.extend(play for play in plays if play not in going_on)
        return answered

    async def _look(self, needy: Sequence[Play], now: datetime) -> list[Moving]:
        """Answer reads together; where that fails, each by itself, so that one fails alone."""
        try:
            return await answer_looks(self._database, needy, now)
        except Exception:
            if len(needy) == 1:
                needy[0].fail(traceback.format_exc())
                return []
        return [moving for play in needy for moving in await self._look([play], now)]

    def _note_stuck(self, journey: Journey) -> None:
        version = journey.id, journey.code_hash
        self._stuck[version] += 1
        if self._stuck[version] == MOST_STUCK:
            log.error(
                "%s:%d: %s has blocked its thread %d times and is stopped until its code changes",
                journey.file,
                journey.line,
                journey.id,
                MOST_STUCK,
            )

    # -- writing ------------------------------------------------------------------------------

    async def _commit_all(self, turns_over: Sequence[Played], done: Done) -> None:
        """Commit turns; one that the database does not take has failed."""
        results = await asyncio.gather(
            *(self._commits.enqueue(one) for one in turns_over), return_exceptions=True
        )
        for one, result in zip(turns_over, results, strict=True):
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
        await self._ingest.committed(taking)
        for one, counted in zip(played, answers, strict=True):
            if counted is True and one.result.error:
                last = one.result.error.rstrip().rsplit("\n", 1)[-1][:300]
                log.warning("a turn of %s failed: %s", one.journey.id, last)
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
                tally.moved(enrollment.journey_id, before, "parked")
            await tx.apply([enrollments.update(parked, now), tally.write()])
        await self._ingest.committed(Taking(topics={"enrollments"}))

    # -- reading ------------------------------------------------------------------------------

    async def _load(self, ids: Sequence[UUID], code: Code, now: datetime) -> _Loaded:
        due, people, triggers, journals, said, suppressed = await self._database.read(
            enrollments.by_ids(ids),
            contacts.of_enrollments(ids),
            events.triggers_of(ids),
            turns.of_enrollments(ids),
            consents.of_enrollments(ids),
            consents.suppressed_of_enrollments(ids),
        )
        last = await self._last_sent(due.values(), code)
        world = World(code.registry.lists, code.templates, now)
        loaded = _Loaded()
        for enrollment in due.values():
            if not _is_due(enrollment, now):
                continue
            journey = code.registry.journeys.get(enrollment.journey_id)
            contact = people.get(enrollment.contact_id)
            if journey is None or self._stuck[journey.id, journey.code_hash] >= MOST_STUCK:
                loaded.lost.append(enrollment)
                continue
            if contact is None:
                # Merged while this was read; the next look finds the survivor.
                continue
            sending = SendFacts(
                email=contact.email,
                consents=said.get(contact.id) or Consents(),
                suppression=suppressed.get(contact.email) if contact.email else None,
                last_sent_at=last.get((contact.id, journey.id)),
            )
            steps = [step for turn in journals.get(enrollment.id, ()) for step in turn.steps]
            try:
                cause = triggers[enrollment.trigger_event_id]
                facts = Facts(enrollment, contact, cause.event, steps, sending, cause.depth)
                play = Play(journey, code.registry.functions[journey.id], facts, world)
            except Exception:
                fault = failed(enrollment.look_back, traceback.format_exc())
                loaded.failed.append(Played(journey, enrollment, contact.event_seq, fault))
            else:
                loaded.plays.append(play)
        return loaded

    async def _last_sent(
        self, due: Iterable[Enrollment], code: Code
    ) -> dict[tuple[UUID, str], datetime]:
        """Ask when journeys that keep a gap between their mails last sent one."""
        gaps = [e for e in due if (j := code.registry.journeys.get(e.journey_id)) and j.suppress]
        if not gaps:
            return {}
        return await self._database.read_one(
            sends.last_of_journeys(
                [e.contact_id for e in gaps], sorted({e.journey_id for e in gaps})
            )
        )


@dataclass
class _Loaded:
    """What became of due enrollments when they were loaded.

    Args:
        plays: turns that can be driven.
        failed: turns that failed before they began.
        lost: enrollments whose journey cannot be played.
    """

    plays: list[Play] = field(default_factory=list[Play])
    failed: list[Played] = field(default_factory=list[Played])
    lost: list[Enrollment] = field(default_factory=list[Enrollment])


def _is_due(enrollment: Enrollment, now: datetime) -> bool:
    wake_at = enrollment.wake_at
    return enrollment.state in ("active", "waiting") and wake_at is not None and wake_at <= now


def _played(play: Play) -> Played:
    facts = play.facts
    return Played(play.journey, facts.enrollment, facts.contact.event_seq, play.final)


def _raise_first(results: Sequence[BaseException | None]) -> None:
    """Raise the first error of what was done at the same time, when all of it has ended."""
    for result in results:
        if isinstance(result, BaseException):
            raise result
