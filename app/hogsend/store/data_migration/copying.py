"""The copy: checks the source, copies every row once and compares every value.

An interrupted copy can be run again: rows are added in the order of their keys, in batches that are
stored whole or not at all, so the last key in the target tells where to resume.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from ...errors import HogsendError, StartError
from . import source as sources
from . import target as targets
from .source import SourceDatabase
from .tables import Checksum, Table, list_tables
from .target import CopyRecord, TargetDatabase

Phase = Literal["check", "copy", "compare"]


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a copy.

    Args:
        phase: the current phase.
        table: the current table.
        table_done: the number of the table's rows that are done in this phase.
        table_total: the number of the table's rows.
        all_done: the number of rows that are done, over all tables and phases; each row is
            checked, copied and compared, so it counts three times.
        all_total: three times the number of rows of all tables.
    """

    phase: Phase
    table: str
    table_done: int
    table_total: int
    all_done: int
    all_total: int


@dataclass(slots=True)
class TableCopy:
    """The copy of one table, from the check of its source to the comparison.

    Args:
        table: the table.
        sizes: the number of rows in each batch that was read from the source.
        checksum: the checksum of all values of the source's table.
        added: the number of rows that this run has added; earlier runs added the others.
        seconds: the time that the check, the copy and the comparison have taken so far.
    """

    table: Table
    sizes: list[int] = field(default_factory=list[int])
    checksum: str = ""
    added: int = 0
    seconds: float = 0.0

    @property
    def rows(self) -> int:
        """The number of rows in the source."""
        return sum(self.sizes)


ReportProgress = Callable[[Progress], None]


async def copy(
    file: Path, url: str, now: datetime, on_progress: ReportProgress
) -> Sequence[TableCopy]:
    """Copy a SQLite file into an empty Postgres, or resume a copy that was interrupted.

    Args:
        file: the source, which no other process may have open.
        url: the address of the Postgres.
        now: the current time, for the audit log.
        on_progress: is called with the progress.

    Returns:
        The result of each table.

    Raises:
        StartError: the source or the target cannot be used.
        HogsendError: Postgres cannot store a value, or the copy differs from the source. The
            message names the row, unless the copy only lacks rows or has more of them at its end.
    """
    tables = list_tables()
    with sources.open_source(file) as source:
        source.check()
        async with targets.open_target(url) as target:
            earlier = await target.find_unfinished_copy(tables)
            copying = _Copying(source, target, tables, on_progress)
            copies = copying.read_source()
            record = CopyRecord(
                targets.resolve_file_name(file),
                {copied.table.name: copied.checksum for copied in copies},
            )
            must_start_over = _must_start_over(record, earlier)
            await target.prepare(record, tables, discard_rows=must_start_over)
            for copied in copies:
                await copying.copy_missing_rows(copied)
            for copied in copies:
                await copying.compare(copied)
            await target.finish(record, sum(copied.rows for copied in copies), now)
    return copies


def _must_start_over(record: CopyRecord, earlier: CopyRecord | None) -> bool:
    """Return whether the rows of an unfinished copy must be deleted.

    That is so when the source has changed since the unfinished copy began, or when
    `mark_for_restart` marked the unfinished copy because its rows differed from the source.

    Raises:
        StartError: the unfinished copy is of another source.
    """
    if earlier is None or earlier.checksums == record.checksums:
        return False
    if earlier.file not in ("", record.file):
        raise StartError(
            f"The Postgres database has an unfinished copy of {earlier.file}.",
            "Use an empty database, or finish that copy.",
        )
    return True


class _Copying:
    """One run of a copy.

    Args:
        source: the open source.
        target: the open target.
        tables: every table.
        on_progress: is called with the progress.
    """

    def __init__(
        self,
        source: SourceDatabase,
        target: TargetDatabase,
        tables: Sequence[Table],
        on_progress: ReportProgress,
    ) -> None:
        self._source = source
        self._target = target
        self._counts = {table.name: source.count(table) for table in tables}
        self._tables = tables
        self._on_progress = on_progress
        self._all_done = 0

    def _report_progress(
        self, phase: Phase, table: Table, table_done: int, newly_done: int
    ) -> None:
        self._all_done += newly_done
        table_total, all_total = self._counts[table.name], 3 * sum(self._counts.values())
        self._on_progress(
            Progress(phase, table.name, table_done, table_total, self._all_done, all_total)
        )

    def read_source(self) -> list[TableCopy]:
        """Read the source once: check every value, and compute each table's checksum.

        Raises:
            HogsendError: Postgres cannot store a value.
        """
        return [self._read_table(table) for table in self._tables]

    def _read_table(self, table: Table) -> TableCopy:
        started = time.monotonic()
        copied, checksum = TableCopy(table), Checksum()
        for rows in self._source.read_batches(table):
            checksum.add(table.to_canonical(rows))
            copied.sizes.append(len(rows))
            self._report_progress("check", table, checksum.rows, len(rows))
        copied.checksum = checksum.text
        copied.seconds += time.monotonic() - started
        return copied

    async def copy_missing_rows(self, copied: TableCopy) -> None:
        """Copy the rows of a table that the target does not have yet."""
        started, table = time.monotonic(), copied.table
        last_key, present = await self._target.find_resume_point(table)
        self._report_progress("copy", table, present, present)
        for rows in self._source.read_batches(table, last_key):
            await self._target.add(table, rows)
            copied.added += len(rows)
            self._report_progress("copy", table, present + copied.added, len(rows))
        await self._target.finish_table(table)
        copied.seconds += time.monotonic() - started

    async def compare(self, copied: TableCopy) -> None:
        """Compare the number and the checksum of a table's rows with those of the source.

        When they differ, mark the copy for a restart, so that the next run deletes its rows.

        Raises:
            HogsendError: the table differs from the source. The message names the first row that
                differs, or the two numbers of rows when only rows at the end are missing or extra.
        """
        started, table, checksum = time.monotonic(), copied.table, Checksum()
        async with aclosing(self._target.read_batches(table, copied.sizes)) as batches:
            async for rows in batches:
                checksum.add(table.to_canonical(rows))
                self._report_progress("compare", table, checksum.rows, len(rows))
        if (checksum.rows, checksum.text) != (copied.rows, copied.checksum):
            difference = await self._describe_difference(copied, checksum.rows)
            await self._target.mark_for_restart()
            raise HogsendError(
                f"The copy of the table {table.name} differs from the source {difference}.",
                "Run the command again: it starts over. The source is unchanged.",
            )
        copied.seconds += time.monotonic() - started

    async def _describe_difference(self, copied: TableCopy, target_count: int) -> str:
        """Describe where a table differs first, after reading source and target once more."""
        table, source_batches = copied.table, self._source.read_batches(copied.table)
        async with aclosing(self._target.read_batches(table, copied.sizes)) as target_batches:
            async for batch in target_batches:
                source_rows = table.to_canonical(next(source_batches, []))
                target_rows = table.to_canonical(batch)
                for pair in zip(source_rows, target_rows, strict=False):
                    if ascii(pair[0]) != ascii(pair[1]):
                        first = min(pair, key=lambda row: next(iter(row)))
                        return f"at the row {table.describe_key(first)}"
        return f"in the number of rows: {target_count:,} instead of {copied.rows:,}"
