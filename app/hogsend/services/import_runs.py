"""Runs an import in steps, each of which is one short transaction.

A step commits its contacts together with the position in the file, so that an import which is
killed resumes after its last step, and no row is imported twice. Exactly one process runs an
import: the one that holds its lease, which every step renews and checks.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from ..domain.ids import new_id
from ..domain.import_job import ImportJob, ImportOptions, ImportRemark
from ..domain.import_rows import ContactFacts
from ..domain.incoming import IncomingEvent
from ..errors import CorruptRow, StoreUnavailable, TooLarge
from ..ingest import BatchResult
from ..ingest.contact_import import SOURCE, ImportedContact, import_contacts, list_identities
from ..store import imports
from ..store.conflicts import CONFLICTS
from ..store.corrupt_row_failures import fail_enrollment
from ..store.counters import Tally
from ..store.db import Transaction
from ..store.seen_identities import SeenIdentities
from .import_files import get_file, get_seen_file, remove_file
from .import_leases import LEASE, LeaseLost, check_lease, claim_import, release_import
from .import_steps import ParsedRow, RowReader, build_parser, describe_result
from .imports import TOPIC
from .journey_context import JourneyContext

# How long a step should take at most, in seconds. On SQLite it holds the write lock; on Postgres it
# locks its contacts only, and longer steps save round trips.
MAX_STEP_SECONDS, MAX_STEP_SECONDS_ON_POSTGRES = 0.05, 0.2
# How many rows a step has at least, as the first one, and at most: steps are adjusted to the time
# that they take.
MIN_STEP_SIZE, FIRST_STEP_SIZE, MAX_STEP_SIZE = 64, 200, 1000
# The pause between two steps, in seconds, in which others can write.
PAUSE = 0.002
# How many remarks an import keeps, and with how many characters; later ones are only counted.
MAX_REMARKS, MAX_REMARK_CHARACTERS = 100_000, 16_000_000
# In characters; a reason may quote a value of the row.
_MAX_REASON_LENGTH = 500
# How often a step is tried that conflicts with another process, or meets a corrupt row.
_MAX_ATTEMPTS = 5

log = logging.getLogger("hogsend.imports")
OnProgress = Callable[[ImportJob], None]


class _RollBack(Exception):
    """Rolls back the transaction of a dry run."""


@dataclass
class _StepSummary:
    """The counts and remarks of a step.

    Args:
        counts: how many rows the step created, updated, left unchanged, refused and noted, by the
            names of the fields of `ImportJob`.
        remarks: what to tell about single rows.
    """

    counts: dict[str, int] = field(default_factory=dict[str, int])
    remarks: list[ImportRemark] = field(default_factory=list[ImportRemark])

    def count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1


async def run_import(
    context: JourneyContext, import_id: UUID, holder: UUID, on_progress: OnProgress | None = None
) -> ImportJob:
    """Run an import to its end.

    Args:
        context: where the contacts are imported to.
        import_id: the import, which is to run or was interrupted.
        holder: names this process.
        on_progress: is called with the import after each step.

    Returns:
        The import as it ended: completed, failed, or cancelled by someone.

    Raises:
        LeaseLost: another process runs it.
        StoreUnavailable: the database takes no writes; the import can be resumed.
    """
    run = _ImportRun(context, await claim_import(context, import_id, holder), holder, on_progress)
    try:
        return await run.run()
    except LeaseLost:
        job = await context.database.read_one(imports.find(import_id))
        if job is not None and job.status == "cancelled":
            return job
        raise
    except BaseException:
        await release_import(context, import_id, holder)
        raise


class _ImportRun:
    """The run of an import whose lease this process holds."""

    def __init__(
        self,
        context: JourneyContext,
        job: ImportJob,
        holder: UUID,
        on_progress: OnProgress | None,
    ) -> None:
        self._context = context
        self._job = job
        self._holder = holder
        self._on_progress = on_progress
        self._options = ImportOptions.from_json(job.options)
        self._seen: SeenIdentities | None = None
        # How many remarks are stored, and how many characters they have.
        self._remark_size = (0, 0)
        # How long the last step of a dry run took before it was rolled back, in seconds.
        self._dry_run_seconds = 0.0

    async def run(self) -> ImportJob:
        """Run the import from where it has come to; return it as it ended."""
        reader: RowReader | None = None
        try:
            path = get_file(self._context.settings, self._job.id)
            parser = build_parser(self._job, self._context.clock.now())
            reader = await asyncio.to_thread(RowReader, path, self._job, parser)
            if self._job.refused or self._job.noted:
                query = imports.measure_remarks(self._job.id)
                self._remark_size, *_ = await self._context.database.read_one(query)
            await self._run_steps(reader)
        except OSError as error:
            return await self._end(f"The file cannot be read: {error.strerror}. Upload it again.")
        except (LeaseLost, StoreUnavailable):
            raise
        except Exception:
            log.exception("an import failed")
            return await self._end("The program has an error; the log describes it.")
        finally:
            for file in filter(None, (reader, self._seen)):
                file.close()
        return await self._end()

    async def _run_steps(self, reader: RowReader) -> None:
        size, longest = FIRST_STEP_SIZE, MAX_STEP_SECONDS
        if not self._context.database.is_sqlite:
            longest = MAX_STEP_SECONDS_ON_POSTGRES
        while rows := await asyncio.to_thread(reader.read, size):
            seconds = await self._run_step(rows)
            if seconds > longest * 0.8:
                size = max(size // 2, MIN_STEP_SIZE)
            elif seconds < longest / 3:
                size = min(size * 3 // 2, MAX_STEP_SIZE)
            if self._on_progress is not None:
                self._on_progress(self._job)
            await asyncio.sleep(PAUSE)

    async def _run_step(self, rows: Sequence[ParsedRow]) -> float:
        """Write the rows of a step; return how long that took, in seconds."""
        for attempts_left in reversed(range(_MAX_ATTEMPTS)):
            try:
                return await self._write_step(rows)
            except CONFLICTS:
                # Another process has added one of the contacts meanwhile.
                if not attempts_left:
                    raise
            except CorruptRow as error:
                enrollment_id = UUID(error.row) if error.table == "enrollments" else None
                now, database = self._context.clock.now(), self._context.database
                if enrollment_id is None or not await fail_enrollment(
                    database, enrollment_id, error, now
                ):
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def _write_step(self, rows: Sequence[ParsedRow]) -> float:
        context = self._context
        facts = [row.facts for row in rows if row.facts is not None]
        is_dry_run, changes = self._job.is_dry_run, BatchResult()
        results = await self._try_rows(facts) if is_dry_run else list[ImportedContact | TooLarge]()
        async with context.database.transaction() as tx:
            started = time.monotonic()
            await check_lease(tx, self._job, self._holder)
            if not is_dry_run:
                results, changes = await self._import(tx, facts)
            job, remark_size = await self._record(tx, rows, results)
        seconds = self._dry_run_seconds if is_dry_run else time.monotonic() - started
        self._job, self._remark_size = job, remark_size
        if not is_dry_run:
            await context.ingest.publish_result(changes)
        context.change_feed.publish(TOPIC)
        return seconds

    async def _try_rows(self, facts: Sequence[ContactFacts]) -> list[ImportedContact | TooLarge]:
        """Import the rows of a step, and roll everything back.

        The contacts of earlier steps were rolled back as well. So a row that comes out as a new
        contact counts as updated if an earlier step had one of its identities.
        """
        results: list[ImportedContact | TooLarge] = []
        started = time.monotonic()
        try:
            async with self._context.database.transaction() as tx:
                started = time.monotonic()
                results, _ = await self._import(tx, facts, with_events=False)
                raise _RollBack
        except _RollBack:
            self._dry_run_seconds = time.monotonic() - started
        if self._seen is None:
            path = get_seen_file(self._context.settings, self._job.id)
            self._seen = await asyncio.to_thread(SeenIdentities, path)
        identities = [
            list_identities(row) if isinstance(result, ImportedContact) else []
            for row, result in zip(facts, results, strict=True)
        ]
        seen = await asyncio.to_thread(self._seen.add, self._job.rows, identities)
        return [
            replace(result, change="updated")
            if is_known and isinstance(result, ImportedContact) and result.change == "created"
            else result
            for result, is_known in zip(results, seen, strict=True)
        ]

    async def _import(
        self, tx: Transaction, facts: Sequence[ContactFacts], *, with_events: bool = True
    ) -> tuple[list[ImportedContact | TooLarge], BatchResult]:
        """Import the rows of a step, and submit the event of each contact if one is wanted.

        Returns:
            What each row did; then what is to be published once the transaction has committed.
        """
        context, now = self._context, self._context.clock.now()
        tally = Tally(now)
        imported = await import_contacts(
            tx, facts, context.ingest.rules, tally, now, resubscribe=self._options.resubscribe
        )
        changes = BatchResult(wakes=imported.wakes, ended=imported.ended, topics=imported.topics)
        if self._options.event and with_events:
            events = [
                IncomingEvent(self._options.event, contact_id=result.contact_id, source=SOURCE)
                for result in imported.results
                if isinstance(result, ImportedContact)
            ]
            submitted = await context.ingest.submit_within(tx, events, tally, now)
            changes.wakes.update(submitted.wakes)
            changes.ended.extend(submitted.ended)
            changes.topics |= submitted.topics
        await tx.apply([tally.to_write()])
        return imported.results, changes

    async def _record(
        self,
        tx: Transaction,
        rows: Sequence[ParsedRow],
        results: Sequence[ImportedContact | TooLarge],
    ) -> tuple[ImportJob, tuple[int, int]]:
        """Record how far the import has come; return it, and the size of its remarks."""
        summary, job, now = self._summarize(rows, results), self._job, self._context.clock.now()
        counts = {name: getattr(job, name) + number for name, number in summary.counts.items()}
        *_, last_row = rows
        last = last_row.record
        job = replace(
            job,
            position=last.end,
            line=last.end_line,
            rows=job.rows + len(rows),
            updated_at=now,
            held_until=now + LEASE,
            **counts,
        )
        remarks, remark_size = _limit_remarks(summary.remarks, *self._remark_size)
        await tx.apply([imports.add_remarks(remarks), imports.record_progress(job)])
        return job, remark_size

    def _summarize(
        self, rows: Sequence[ParsedRow], results: Sequence[ImportedContact | TooLarge]
    ) -> _StepSummary:
        """Count what the rows of a step did.

        Args:
            rows: all rows of the step.
            results: what those did that could be parsed.
        """
        summary, remaining = _StepSummary(), iter(results)
        for number, row in enumerate(rows, self._job.rows + 1):
            if row.facts is None:
                self._count_refused(summary, number, row, row.problem)
                continue
            result = next(remaining)
            if isinstance(result, TooLarge):
                self._count_refused(summary, number, row, result.message.rstrip("."))
                continue
            summary.count(result.change)
            if remark := describe_result(result):
                summary.count("noted")
                summary.remarks.append(self._build_remark(number, row, remark, is_refused=False))
        return summary

    def _count_refused(
        self, summary: _StepSummary, number: int, row: ParsedRow, reason: str
    ) -> None:
        summary.count("refused")
        summary.remarks.append(self._build_remark(number, row, reason, is_refused=True))

    def _build_remark(
        self, number: int, row: ParsedRow, reason: str, *, is_refused: bool
    ) -> ImportRemark:
        remark_id = new_id(self._context.clock.now())
        return ImportRemark(
            remark_id,
            self._job.id,
            number,
            row.record.line,
            reason[:_MAX_REASON_LENGTH],
            row.record.content,
            is_refused,
        )

    async def _end(self, problem: str | None = None) -> ImportJob:
        """Record that the import has ended, and delete its file unless it is still needed.

        Args:
            problem: why it failed; None when it is completed.
        """
        context, now = self._context, self._context.clock.now()
        async with context.database.transaction() as tx:
            await check_lease(tx, self._job, self._holder)
            job = replace(
                self._job,
                status="failed" if problem else "completed",
                problem=problem,
                total_rows=self._job.total_rows if problem else self._job.rows,
                ended_at=now,
                updated_at=now,
                holder=None,
                held_until=None,
            )
            await tx.apply([imports.update(job)])
        # After a dry run on a server, someone may start the import of this file; the command line
        # stores the file once more.
        if not (job.is_dry_run and job.is_background):
            remove_file(context.settings, job.id)
        else:
            get_seen_file(context.settings, job.id).unlink(missing_ok=True)
        context.change_feed.publish(TOPIC)
        return job


def _limit_remarks(
    remarks: Sequence[ImportRemark], count: int, characters: int
) -> tuple[Sequence[ImportRemark], tuple[int, int]]:
    """Return the remarks that an import still keeps, and the size of all that it then has.

    Args:
        remarks: the remarks of a step.
        count: how many the import has so far.
        characters: how many characters those have.
    """
    kept: list[ImportRemark] = []
    for remark in remarks:
        length = len(remark.reason) + len(remark.content)
        if count >= MAX_REMARKS or characters + length > MAX_REMARK_CHARACTERS:
            # No later one is kept either, however short: the list has no gaps.
            return kept, (MAX_REMARKS, characters)
        kept.append(remark)
        count, characters = count + 1, characters + length
    return kept, (count, characters)
