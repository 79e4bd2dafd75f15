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
from ..ingest.erasing import resume_erasures
from ..store import contacts, retention, summaries
from ..store.db import Database
from ..store.retention import Expiring
from ..store.summaries import EndedEnrollment, EnrollmentSummary

log = logging.getLogger("hogsend.retention")

INTERVAL = timedelta(hours=1)
# The start of the process has other work to do first.
START_DELAY = timedelta(minutes=1)
JOURNALS = "journals"
ERASURES = "erased contacts"

# A step holds the write lock for at most this long, in seconds. The number of rows that it deletes
# starts with the second of these sizes, and is adjusted between the first and the third.
MAX_STEP_SECONDS = 0.05
MIN_STEP_SIZE, FIRST_STEP_SIZE, MAX_STEP_SIZE = 256, 512, 4096
# Each step is followed by a pause of this many times its duration, and at most this many seconds.
PAUSE_FACTOR, MAX_PAUSE = 9, 0.25
# Enrollments and turns in one read, so that long journals do not fill the memory.
MAX_ENDED, MAX_TURNS = 128, 256


# For how long a repeated report about a mail is recognized.
_FEEDBACK_DAYS = timedelta(days=30)


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
    def from_settings(settings: Settings) -> RetentionPolicy:
        """Return the policy that the settings describe."""
        return RetentionPolicy(
            parse_days(settings.keep_journals),
            {
                retention.IDEMPOTENCY_KEYS: parse_days(settings.keep_idempotency_keys),
                retention.REFUSALS: parse_days(settings.keep_refusals),
                retention.MAILS: parse_days(settings.keep_mails),
                retention.BLOCKED_MAILS: parse_days(settings.keep_mails),
                retention.DIRECT_MAILS: parse_days(settings.keep_mails),
                retention.FEEDBACK: _FEEDBACK_DAYS,
                retention.ATTACHMENTS: parse_days(settings.keep_mails),
                retention.INBOX: parse_days(settings.keep_inbox),
                retention.AUDIT: parse_days(settings.keep_audit),
                retention.EVENTS: parse_days(settings.keep_events),
                retention.EMAILS: parse_days(settings.keep_emails),
                retention.IMPORT_REMARKS: parse_days(settings.keep_imports),
            },
        )


def parse_days(number: int | None) -> timedelta | None:
    """Return a number of days as a duration; None means forever."""
    return None if number is None else timedelta(days=number)


class Retention:
    """Summarizes and deletes old data, in small steps.

    Args:
        database: the database.
        clock: the source of the current time.
        keep: how long data is kept.
        is_leader: returns whether this worker applies the policy, where there are several workers.
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
        await self._pause(START_DELAY.total_seconds())
        while not self._closing.is_set():
            try:
                if self._is_leader is None or await self._is_leader():
                    await self.apply()
            except Exception:
                log.exception("old data could not be removed; trying again later")
            await self._pause(INTERVAL.total_seconds())

    async def close(self) -> None:
        """End `run` after the current step."""
        self._closing.set()

    async def apply(self) -> Mapping[str, int]:
        """Apply the policy now; return how many rows of each kind were removed."""
        removed: Counter[str] = Counter()
        try:
            removed[ERASURES] = await resume_erasures(self._database, self._clock)
            if self._keep.journals is not None:
                removed[JOURNALS] = await self._compact(self._keep.journals)
            for kind, age in self._keep.rows.items():
                if age is not None:
                    removed[kind.name] = await self._expire(kind, age)
        finally:
            removed = +removed
            if removed:
                counts = ", ".join(f"{count:,} {name}" for name, count in sorted(removed.items()))
                log.info("removed old data: %s", counts)
        return removed

    async def _compact(self, age: timedelta) -> int:
        compacted, ended_before = 0, self._clock.now() - age
        while not self._closing.is_set():
            ended = await self._database.read_one(summaries.find_ended(ended_before, MAX_ENDED))
            if not ended:
                break
            journals = await self._database.read_one(
                summaries.find_turns([enrollment.id for enrollment in ended], MAX_TURNS)
            )
            # In a thread: a turn may have thousands of steps.
            new = await asyncio.to_thread(summaries.summarize, ended, journals, MAX_TURNS)
            compacted += await self._replace(ended, new)
        return compacted

    async def _replace(
        self, ended: Sequence[EndedEnrollment], new: Sequence[EnrollmentSummary]
    ) -> int:
        """Replace journals by summaries; return how many enrollments are finished."""
        ids = {summary.enrollment_id for summary in new}
        contact_ids = {enrollment.contact_id for enrollment in ended if enrollment.id in ids}
        async with self._database.transaction() as tx:
            start = _read_seconds()
            # The locks keep an enrollment from being retried, and its contact from being merged.
            _, still_ended = await tx.fetch(
                contacts.find_by_ids(contact_ids, tx.dialect.lock_rows),
                summaries.find_still_ended(list(ids)),
            )
            valid = [summary for summary in new if summary.enrollment_id in still_ended]
            await tx.apply([summaries.update(valid, self._clock.now())])
            await tx.fetch(*summaries.delete_summarized(valid))
        await self._pause_after_step(_read_seconds() - start)
        return sum(summary.is_complete for summary in valid)

    async def _expire(self, kind: Expiring, age: timedelta) -> int:
        removed, until, size = 0, self._clock.now() - age, kind.step or FIRST_STEP_SIZE
        while not self._closing.is_set():
            count = await self._database.read_one(retention.count(kind, until, size))
            if not count:
                break
            async with self._database.transaction() as tx:
                start = _read_seconds()
                await tx.apply(retention.delete(kind, until, size))
            duration = _read_seconds() - start
            removed += count
            if count < size:
                break
            if kind.step is None:
                size = _adjust_step_size(size, duration)
            await self._pause_after_step(duration)
        return removed

    async def _pause_after_step(self, duration: float) -> None:
        await self._pause(min(duration * PAUSE_FACTOR, MAX_PAUSE))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            pass


def _adjust_step_size(size: int, duration: float) -> int:
    """Return how many rows the next step deletes, from how long the last one took, in seconds."""
    if duration > MAX_STEP_SECONDS:
        return max(size // 2, MIN_STEP_SIZE)
    return min(size * 2, MAX_STEP_SIZE) if duration < MAX_STEP_SECONDS / 4 else size


def _read_seconds() -> float:
    return asyncio.get_running_loop().time()
