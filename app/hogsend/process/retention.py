"""Keeps the database from growing forever: summarizes old journals and deletes old rows."""

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
from ..store.summaries import EndedEnrollment, EnrollmentSummary

log = logging.getLogger("hogsend.retention")

EVERY = timedelta(hours=1)
# The start of the process has other work to do first.
AFTER_START = timedelta(minutes=1)
JOURNALS = "journals"

# A step holds the writer for at most this long, in seconds; its size is adjusted to that.
MAX_STEP = 0.05
SMALLEST, FIRST, LARGEST = 256, 512, 4096
# Then it pauses for this many times as long as the step took, and at most this many seconds.
REST, MAX_REST = 9, 0.25
# Enrollments and turns in one read, so that long journals do not fill the memory.
MAX_ENDED, MAX_TURNS = 128, 256


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long data is kept; None means forever.

    Args:
        journals: the turns of an enrollment, from its end.
        rows: other rows, from their creation.
    """

    journals: timedelta | None
    rows: Mapping[Expiring, timedelta | None]

    @staticmethod
    def of(settings: Settings) -> RetentionPolicy:
        """Return the policy that the settings describe."""
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
    """Summarizes and deletes old data, in small steps.

    Args:
        database: the database.
        clock: the source of the present instant.
        keep: how long data is kept.
        is_leader: returns whether this worker does it, where there are several.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        keep: RetentionPolicy,
        is_leader: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._keep = keep
        self._is_leader = is_leader
        self._closing = asyncio.Event()

    async def run(self) -> None:
        """Apply the policy soon after the start and then every hour, until closed."""
        await self._pause(AFTER_START.total_seconds())
        while not self._closing.is_set():
            try:
                if self._is_leader is None or await self._is_leader():
                    await self.apply()
            except Exception:
                log.exception("old data could not be removed; trying again later")
            await self._pause(EVERY.total_seconds())

    async def close(self) -> None:
        """End `run` after the current step."""
        self._closing.set()

    async def apply(self) -> Mapping[str, int]:
        """Apply the policy now; return how many rows of each kind were removed."""
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
                counts = ", ".join(f"{count:,} {name}" for name, count in sorted(done.items()))
                log.info("removed old data: %s", counts)
        return done

    async def _compact(self, age: timedelta) -> int:
        compacted, until = 0, self._clock.now() - age
        while not self._closing.is_set():
            ended = await self._database.read_one(summaries.find_ended(until, MAX_ENDED))
            if not ended:
                break
            journals = await self._database.read_one(
                summaries.find_turns([one.id for one in ended], MAX_TURNS)
            )
            # In a thread: a turn may have thousands of steps.
            summed = await asyncio.to_thread(summaries.summarize, ended, journals, MAX_TURNS)
            compacted += await self._replace(ended, summed)
        return compacted

    async def _replace(
        self, ended: Sequence[EndedEnrollment], summed: Sequence[EnrollmentSummary]
    ) -> int:
        """Replace journals by summaries; return how many enrollments are finished."""
        ids = {one.enrollment_id for one in summed}
        contact_ids = {one.contact_id for one in ended if one.id in ids}
        async with self._database.transaction() as tx:
            began = _seconds()
            # The locks keep an enrollment from being retried, and its contact from being merged.
            _, still = await tx.fetch(
                contacts.find_by_ids(contact_ids, tx.dialect.lock_rows),
                summaries.find_still_ended(list(ids)),
            )
            kept = [one for one in summed if one.enrollment_id in still]
            await tx.apply([summaries.update(kept, self._clock.now())])
            await tx.fetch(*summaries.delete_summarized(kept))
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
            size = max(size // 2, SMALLEST) if took > MAX_STEP else size
            size = min(size * 2, LARGEST) if took < MAX_STEP / 4 else size
            await self._rest(took)
        return removed

    async def _rest(self, took: float) -> None:
        await self._pause(min(took * REST, MAX_REST))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            pass


def _seconds() -> float:
    return asyncio.get_running_loop().time()
