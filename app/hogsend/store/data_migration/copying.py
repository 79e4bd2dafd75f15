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
    """A table of the source, and what became of it.

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


Told = Callable[[Progress], None]


async def copy(file: Path, url: str, now: datetime, told: Told) -> Sequence[CopiedTable]:
    """Copy a SQLite file into an empty Postgres, or finish a copy that was begun.

    Args:
        file: the source, which nobody may have open.
        url: the address of the Postgres.
        now: the present instant, for the audit log.
        told: hears of the progress.

    Returns:
        What became of each table.

    Raises:
        StartError: the source or the target cannot be used as they are.
        HogsendError: Postgres cannot hold a value, or the copy differs; says which row.
    """
    tables = all_tables()
    with sources.opened(file) as source:
        source.check()
        async with targets.opened(url) as target:
            found = await target.check(tables)
            copying = _Copying(source, target, tables, told)
            copied = copying.check()
            record = CopyRecord(
                targets.file_name(file), {one.table.name: one.checksum for one in copied}
            )
            await target.begin(record, tables, anew=_is_anew(record, found))
            for one in copied:
                await copying.add(one)
            for one in copied:
                await copying.compare(one)
            await target.conclude(record, sum(one.rows for one in copied), now)
    return copied


def _is_anew(record: CopyRecord, found: CopyRecord | None) -> bool:
    """Say whether an unfinished copy is of no use: the source has changed since.

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
        told: hears of the progress.
    """

    def __init__(
        self, source: SourceDatabase, target: TargetDatabase, tables: Sequence[Table], told: Told
    ) -> None:
        self._source = source
        self._target = target
        self._counts = {table.name: source.count(table) for table in tables}
        self._tables = tables
        self._told = told
        self._done = 0

    def _tell(self, work: Work, table: Table, rows: int, more: int) -> None:
        self._done += more
        of, total = self._counts[table.name], 3 * sum(self._counts.values())
        self._told(Progress(work, table.name, rows, of, self._done, total))

    def check(self) -> list[CopiedTable]:
        """Read the source once: see that Postgres can hold all of it, and sum it up.

        Raises:
            HogsendError: it cannot.
        """
        return [self._check(table) for table in self._tables]

    def _check(self, table: Table) -> CopiedTable:
        begun = time.monotonic()
        made, checksum = CopiedTable(table), Checksum()
        for rows in self._source.portions(table):
            checksum.add(table.forms(rows))
            made.sizes.append(len(rows))
            self._tell("check", table, checksum.rows, len(rows))
        made.checksum = checksum.text
        made.seconds += time.monotonic() - begun
        return made

    async def add(self, one: CopiedTable) -> None:
        """Copy the rows of a table that are not there yet."""
        begun, table = time.monotonic(), one.table
        last, there = await self._target.reached(table)
        self._tell("copy", table, there, there)
        for rows in self._source.portions(table, last):
            await self._target.add(table, rows)
            one.added += len(rows)
            self._tell("copy", table, there + one.added, len(rows))
        await self._target.settle(table)
        one.seconds += time.monotonic() - begun

    async def compare(self, one: CopiedTable) -> None:
        """Compare a table's rows, number and checksum, with the source's.

        Raises:
            HogsendError: they differ; says where.
        """
        begun, table, checksum = time.monotonic(), one.table, Checksum()
        async with aclosing(self._target.portions(table, one.sizes)) as portions:
            async for rows in portions:
                checksum.add(table.forms(rows))
                self._tell("compare", table, checksum.rows, len(rows))
        if (checksum.rows, checksum.text) != (one.rows, one.checksum):
            where = await self._difference(one)
            await self._target.spoil()
            raise HogsendError(
                f"The copy of the table {table.name} is not what the source has: {where}.",
                "Nothing else has to be undone. Run this again: it begins anew.",
            )
        one.seconds += time.monotonic() - begun

    async def _difference(self, one: CopiedTable) -> str:
        """Say where a table differs first, by looking at both sides once more."""
        table, here = one.table, self._source.portions(one.table)
        async with aclosing(self._target.portions(table, one.sizes)) as there:
            async for rows in there:
                mine, theirs = table.forms(next(here, [])), table.forms(rows)
                for both in zip(mine, theirs, strict=False):
                    if ascii(both[0]) != ascii(both[1]):
                        first = min(both, key=lambda row: next(iter(row)))
                        return f"it differs at the row {table.shown_key(first)}"
        return f"it does not have {one.rows:,} rows"
