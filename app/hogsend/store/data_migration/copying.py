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

Work = Literal["check", "copy", "compare"]


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a copy.

    Args:
        work: the current phase.
        table: the current table.
        rows: the number of its rows that are done in this phase.
        of: the number of its rows.
        done: the rows done in all tables and phases; each row is checked, copied and compared.
        total: the rows to do in all tables and phases.
    """

    work: Work
    table: str
    rows: int
    of: int
    done: int
    total: int


@dataclass(slots=True)
class CopiedTable:
    """A table of the source and the result of its copy.

    Args:
        table: which one.
        sizes: of the portions that it was read in.
        checksum: over all its values.
        added: how many rows this run has added; others were there from an earlier one.
        seconds: how long it has taken to check, copy and compare it.
    """

    table: Table
    sizes: list[int] = field(default_factory=list[int])
    checksum: str = ""
    added: int = 0
    seconds: float = 0.0

    @property
    def rows(self) -> int:
        """The number of its rows."""
        return sum(self.sizes)


ReportProgress = Callable[[Progress], None]


async def copy(
    file: Path, url: str, now: datetime, report: ReportProgress
) -> Sequence[CopiedTable]:
    """Copy a SQLite file into an empty Postgres, or resume a copy that was interrupted.

    Args:
        file: the source, which no other process may have open.
        url: the address of the Postgres.
        now: the present instant, for the audit log.
        report: is called with the progress.

    Returns:
        The result of each table.

    Raises:
        StartError: the source or the target cannot be used.
        HogsendError: Postgres cannot store a value, or the copy differs; names the row.
    """
    tables = list_tables()
    with sources.open_source(file) as source:
        source.check()
        async with targets.open_target(url) as target:
            earlier = await target.check(tables)
            copying = _Copying(source, target, tables, report)
            copied = copying.check()
            record = CopyRecord(
                targets.resolve_file_name(file),
                {table.table.name: table.checksum for table in copied},
            )
            await target.prepare(record, tables, discard_rows=_is_outdated(record, earlier))
            for table in copied:
                await copying.add(table)
            for table in copied:
                await copying.compare(table)
            await target.finish(record, sum(table.rows for table in copied), now)
    return copied


def _is_outdated(record: CopyRecord, earlier: CopyRecord | None) -> bool:
    """Return whether an unfinished copy is useless because the source has changed since.

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
        report: is called with the progress.
    """

    def __init__(
        self,
        source: SourceDatabase,
        target: TargetDatabase,
        tables: Sequence[Table],
        report: ReportProgress,
    ) -> None:
        self._source = source
        self._target = target
        self._counts = {table.name: source.count(table) for table in tables}
        self._tables = tables
        self._report = report
        self._done = 0

    def _report_progress(self, work: Work, table: Table, rows: int, more: int) -> None:
        self._done += more
        of, total = self._counts[table.name], 3 * sum(self._counts.values())
        self._report(Progress(work, table.name, rows, of, self._done, total))

    def check(self) -> list[CopiedTable]:
        """Read the source once: check that Postgres can hold its values, and sum it up.

        Raises:
            HogsendError: it cannot.
        """
        return [self._check(table) for table in self._tables]

    def _check(self, table: Table) -> CopiedTable:
        started = time.monotonic()
        result, checksum = CopiedTable(table), Checksum()
        for rows in self._source.read_batches(table):
            checksum.add(table.to_canonical(rows))
            result.sizes.append(len(rows))
            self._report_progress("check", table, checksum.rows, len(rows))
        result.checksum = checksum.text
        result.seconds += time.monotonic() - started
        return result

    async def add(self, copied: CopiedTable) -> None:
        """Copy the rows of a table that the target does not have yet."""
        started, table = time.monotonic(), copied.table
        last, present = await self._target.last_key(table)
        self._report_progress("copy", table, present, present)
        for rows in self._source.read_batches(table, last):
            await self._target.add(table, rows)
            copied.added += len(rows)
            self._report_progress("copy", table, present + copied.added, len(rows))
        await self._target.finish_table(table)
        copied.seconds += time.monotonic() - started

    async def compare(self, copied: CopiedTable) -> None:
        """Compare the number and the checksum of a table's rows with those of the source.

        Raises:
            HogsendError: they differ; names the first row that does.
        """
        started, table, checksum = time.monotonic(), copied.table, Checksum()
        async with aclosing(self._target.read_batches(table, copied.sizes)) as batches:
            async for rows in batches:
                checksum.add(table.to_canonical(rows))
                self._report_progress("compare", table, checksum.rows, len(rows))
        if (checksum.rows, checksum.text) != (copied.rows, copied.checksum):
            where = await self._difference(copied)
            await self._target.discard()
            raise HogsendError(
                f"The copy of the table {table.name} differs from the source: {where}.",
                "Run the command again: it starts over. The source is unchanged.",
            )
        copied.seconds += time.monotonic() - started

    async def _difference(self, copied: CopiedTable) -> str:
        """Return where a table differs first, after reading both sides once more."""
        table, here = copied.table, self._source.read_batches(copied.table)
        async with aclosing(self._target.read_batches(table, copied.sizes)) as there:
            async for rows in there:
                expected, actual = table.to_canonical(next(here, [])), table.to_canonical(rows)
                for both in zip(expected, actual, strict=False):
                    if ascii(both[0]) != ascii(both[1]):
                        first = min(both, key=lambda row: next(iter(row)))
                        return f"it differs at the row {table.describe_key(first)}"
        return f"it does not have {copied.rows:,} rows"
