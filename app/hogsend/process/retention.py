"""Keeps the database from growing for ever: what is old enough is summed up or deleted."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ..clock import Clock
from ..config.settings import Settings
from ..store import contacts, retention, summaries
from ..store.db import Database
from ..store.retention import Expiring
from ..store.summaries import EndedEnrollment, Summed

log = logging.getLogger("hogsend.retention")

EVERY = timedelta(hours=1)
# What a start has to do comes first.
AFTER_START = timedelta(minutes=1)
JOURNALS = "journals"

# The writer is kept no longer than this, in seconds: steps grow and shrink to fit.
LONGEST_STEP = 0.05
SMALLEST, FIRST, LARGEST = 256, 512, 4096
# Then others have it, so many times as long as the step took, and in seconds at most.
REST, LONGEST_REST = 9, 0.25
# Read at once of journals, however many or few turns an enrollment has.
MOST_ENDED, MOST_TURNS = 128, 256


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long things are kept; None is for ever.

    Args:
        journals: the turns of an enrollment, from its end.
        rows: rows that are deleted, from their beginning.
    """

    journals: timedelta | None
    rows: Mapping[Expiring, timedelta | None]

    @staticmethod
    def of(settings: Settings) -> RetentionPolicy:
        """Return what the settings say."""
        return RetentionPolicy(
            _days(settings.keep_journals),
            {
                retention.IDEMPOTENCY_KEYS: _days(settings.keep_idempotency_keys),
                retention.REFUSALS: _days(settings.keep_refusals),
                retention.MAILS: _days(settings.keep_mails),
                retention.INBOX: _days(settings.keep_inbox),
            },
        )


def _days(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)


class Retention:
    """Sums up and deletes what is old enough, in small steps.

    Args:
        database: where it is.
        clock: what tells the time.
        keep: how long things are kept.
        is_mine: says whether it is this worker that does it, where several are at work.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        keep: RetentionPolicy,
        is_mine: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._keep = keep
        self._is_mine = is_mine
        self._closing = asyncio.Event()

    async def run(self) -> None:
        """Do it soon after the start and then every hour, until closed."""
        await self._pause(AFTER_START.total_seconds())
        while not self._closing.is_set():
            try:
                if self._is_mine is None or await self._is_mine():
                    await self.apply()
            except Exception:
                log.exception("what is past its time could not be removed; trying again later")
            await self._pause(EVERY.total_seconds())

    async def close(self) -> None:
        """End after the step that is under way."""
        self._closing.set()

    async def apply(self) -> Mapping[str, int]:
        """Do it now; return how many there were of what."""
        done: Counter[str] = Counter()
        try:
            if self._keep.journals is not None:
                done[JOURNALS] = await self._compact(self._keep.journals)
            for kind, age in self._keep.rows.items():
                if age is not None:
                    done[kind.name] = await self._expire(kind, age)
        finally:
            done = +done
            if done:
                said = ", ".join(f"{count:,} {name}" for name, count in sorted(done.items()))
                log.info("past their time and not kept any more: %s", said)
        return done

    async def _compact(self, age: timedelta) -> int:
        compacted, until = 0, self._clock.now() - age
        while not self._closing.is_set():
            ended = await self._database.read_one(summaries.ended(until, MOST_ENDED))
            if not ended:
                break
            journals = await self._database.read_one(
                summaries.journals([one.id for one in ended], MOST_TURNS)
            )
            # Away from the loop: a turn may have thousands of steps.
            summed = await asyncio.to_thread(summaries.sum_up, ended, journals, MOST_TURNS)
            compacted += await self._replace(ended, summed)
        return compacted

    async def _replace(self, ended: Sequence[EndedEnrollment], summed: Sequence[Summed]) -> int:
        """Put summaries in the place of journals; return how many are whole."""
        ids = {one.enrollment_id for one in summed}
        people = {one.contact_id for one in ended if one.id in ids}
        async with self._database.transaction() as tx:
            began = _seconds()
            # Nobody lets an enrollment go on again, or merges its contact, in between.
            _, still = await tx.fetch(
                contacts.by_ids(people, tx.dialect.lock_rows), summaries.still_ended(list(ids))
            )
            kept = [one for one in summed if one.enrollment_id in still]
            await tx.apply([summaries.write(kept, self._clock.now())])
            await tx.fetch(*summaries.forget(kept))
        await self._rest(_seconds() - began)
        return sum(one.whole for one in kept)

    async def _expire(self, kind: Expiring, age: timedelta) -> int:
        removed, until, size = 0, self._clock.now() - age, FIRST
        while not self._closing.is_set():
            found = await self._database.read_one(retention.count(kind, until, size))
            if not found:
                break
            async with self._database.transaction() as tx:
                began = _seconds()
                await tx.apply(retention.delete(kind, until, size))
            took = _seconds() - began
            removed += found
            if found < size:
                break
            size = max(size // 2, SMALLEST) if took > LONGEST_STEP else size
            size = min(size * 2, LARGEST) if took < LONGEST_STEP / 4 else size
            await self._rest(took)
        return removed

    async def _rest(self, took: float) -> None:
        await self._pause(min(took * REST, LONGEST_REST))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            pass


def _seconds() -> float:
    return asyncio.get_running_loop().time()
