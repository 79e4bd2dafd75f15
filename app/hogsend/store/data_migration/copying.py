"""The copy: the source is looked at, every row copied once, and every value compared.

Killed anywhere, it is simply run again: rows are added in the order of their keys, a portion at a
time and each portion whole or not at all, so what is there says where to go on.
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
from .tables import Checksum, Table, all_tables
from .target import CopyRecord, TargetDatabase

Work = Literal["check", "copy", "compare"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the copy is.

    Args:
        work: what is being done.
        table: with which table.
        rows: how many of its rows are done.
        of: how many rows it has.
        done: how many rows are done in all; each is checked, copied and compared.
        total: how many there are to do in all.
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
        """How many rows it has."""
        return sum(self.sizes)


ReportProgress = Callable[[Progress], None]


async def copy(
    file: Path, url: str, now: datetime, report: ReportProgress
) -> Sequence[CopiedTable]:
    """Copy a SQLite file into an empty Postgres, or finish a copy that was begun.

    Args:
        file: the source, which nobody may have open.
        url: the address of the Postgres.
        now: the present instant, for the audit log.
        report: is called with the progress.

    Returns:
        The result of each table.

    Raises:
        StartError: the source or the target cannot be used as they are.
        HogsendError: Postgres cannot hold a value, or the copy differs; says which row.
    """
    tables = all_tables()
    with sources.opened(file) as source:
        source.check()
        async with targets.opened(url) as target:
            found = await target.check(tables)
            copying = _Copying(source, target, tables, report)
            copied = copying.check()
            record = CopyRecord(
                targets.file_name(file), {table.table.name: table.checksum for table in copied}
            )
            await target.begin(record, tables, discard_rows=_is_outdated(record, found))
            for table in copied:
                await copying.add(table)
            for table in copied:
                await copying.compare(table)
            await target.conclude(record, sum(table.rows for table in copied), now)
    return copied


def _is_outdated(record: CopyRecord, found: CopyRecord | None) -> bool:
    """Return whether an unfinished copy is useless because the source has changed since.

    Raises:
        StartError: it is the copy of another source.
    """
    if found is None or found.checksums == record.checksums:
        return False
    if found.file not in ("", record.file):
        raise StartError(
            f"The Postgres database has an unfinished copy of {found.file}.",
            "Name an empty database, or finish that copy.",
        )
    return True


class _Copying:
    """One run of a copy.

    Args:
        source: open.
        target: open.
        tables: all of them.
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
        begun = time.monotonic()
        result, checksum = CopiedTable(table), Checksum()
        for rows in self._source.portions(table):
            checksum.add(table.forms(rows))
            result.sizes.append(len(rows))
            self._report_progress("check", table, checksum.rows, len(rows))
        result.checksum = checksum.text
        result.seconds += time.monotonic() - begun
        return result

    async def add(self, copied: CopiedTable) -> None:
        """Copy the rows of a table that are not there yet."""
        begun, table = time.monotonic(), copied.table
        last, there = await self._target.reached(table)
        self._report_progress("copy", table, there, there)
        for rows in self._source.portions(table, last):
            await self._target.add(table, rows)
            copied.added += len(rows)
            self._report_progress("copy", table, there + copied.added, len(rows))
        await self._target.settle(table)
        copied.seconds += time.monotonic() - begun

    async def compare(self, copied: CopiedTable) -> None:
        """Compare a table's rows, number and checksum, with the source's.

        Raises:
            HogsendError: they differ; says where.
        """
        begun, table, checksum = time.monotonic(), copied.table, Checksum()
        async with aclosing(self._target.portions(table, copied.sizes)) as portions:
            async for rows in portions:
                checksum.add(table.forms(rows))
                self._report_progress("compare", table, checksum.rows, len(rows))
        if (checksum.rows, checksum.text) != (copied.rows, copied.checksum):
            where = await self._difference(copied)
            await self._target.spoil()
            raise HogsendError(
                f"The copy of the table {table.name} is not what the source has: {where}.",
                "Nothing else has to be undone. Run this again: it starts over.",
            )
        copied.seconds += time.monotonic() - begun

    async def _difference(self, copied: CopiedTable) -> str:
        """Return where a table differs first, after reading both sides once more."""
        table, here = copied.table, self._source.portions(copied.table)
        async with aclosing(self._target.portions(table, copied.sizes)) as there:
            async for rows in there:
                expected, actual = table.forms(next(here, [])), table.forms(rows)
                for both in zip(expected, actual, strict=False):
                    if ascii(both[0]) != ascii(both[1]):
                        first = min(both, key=lambda row: next(iter(row)))
                        return f"it differs at the row {table.shown_key(first)}"
        return f"it does not have {copied.rows:,} rows"
