"""Fills a database with people: one lives through it in the real engine, the others are copies.

So every row is as the program writes it, and a million people are there in a minute.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from project import opened

from hogsend.clock import ManualClock

SET = 10_000
# What one person has.
_TABLES = ("contacts", "identities", "events", "enrollments", "turns", "sends")
_USER = r'(?<![\w@])p0(?=@example\.com|"|$)'


@dataclass(frozen=True, slots=True)
class _Copy:
    """The differences of a copy.

    Args:
        ids: in the order of their making.
        names: the ids as text, and then the user id.
    """

    ids: Sequence[bytes]
    names: Sequence[str]


_Maker = Callable[[_Copy], Any]


async def live_once(folder: Path, at: datetime | None = None) -> None:
    """Enroll contact 0 in a project's journey, and play until nothing is due.

    Args:
        folder: of the project.
        at: when that is; now unless given.
    """
    async with opened(folder, ManualClock(at) if at else None) as project:
        await project.enter([0])
        await project.play()


def copy(file: Path, people: int) -> None:
    """Copy the only person of a database, so that there are so many more.

    Mails of all of them count as sent. All wake when the original does.

    Args:
        file: the database; nobody may have it open.
        people: how many copies.
    """
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        # A crash of the machine only means that the benchmark is run again.
        for pragma in ("synchronous = OFF", "cache_size = -262144", "wal_autocheckpoint = 20000"):
            database.execute(f"PRAGMA {pragma}")
        database.execute("UPDATE sends SET status = 'sent', due_at = NULL, sent_at = created_at")
        person = _Person(database, people)
        for start in range(1, people + 1, SET):
            database.execute("BEGIN")
            person.copy(range(start, min(start + SET, people + 1)))
            database.execute("COMMIT")
        database.execute(
            "UPDATE counters SET value = value * ? WHERE day = 0 OR name LIKE 'entered/%'",
            (people + 1,),
        )
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class _Person:
    """The rows of the person that is copied, as statements that write them for another."""

    def __init__(self, database: sqlite3.Connection, people: int) -> None:
        self._database = database
        self._people = people
        rows: list[tuple[str, dict[str, Any]]] = []
        for table in _TABLES:
            cursor = database.execute(f"SELECT * FROM {table}")
            columns = [column[0] for column in cursor.description]
            rows += [(table, dict(zip(columns, row, strict=True))) for row in cursor]
        assert [table for table, _ in rows].count("contacts") == 1, "there is more than one person"
        self._ids = sorted({row["id"] for _, row in rows if isinstance(row.get("id"), bytes)})
        self._places = {row_id: place for place, row_id in enumerate(self._ids)}
        self._statements = [self._statement(table, row) for table, row in rows]

    def copy(self, numbers: range) -> None:
        """Write copies."""
        copies = [self._copy(number) for number in numbers]
        for statement, makers in self._statements:
            self._database.executemany(
                statement, [[make(person) for make in makers] for person in copies]
            )

    def _copy(self, number: int) -> _Copy:
        # A version 7 UUID begins with milliseconds; the original came last, two after the others.
        first = int.from_bytes(self._ids[0]) - ((self._people + 1 - number) << 81)
        ids = [(first + (place << 32)).to_bytes(16) for place in range(len(self._ids))]
        return _Copy(ids, [*map(_text, ids), f"p{number}"])

    def _statement(self, table: str, row: dict[str, Any]) -> tuple[str, list[_Maker]]:
        makers: list[_Maker] = []
        columns: list[str] = []
        values: list[str] = []
        for column, value in row.items():
            if column == "id" and isinstance(value, int):
                continue
            maker = self._maker(column, value)
            columns.append(column)
            if maker is None:
                (literal,) = self._database.execute("SELECT quote(?)", (value,)).fetchone()
                values.append(literal)
            else:
                values.append("?")
                makers.append(maker)
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(values)})", makers

    def _maker(self, column: str, value: Any) -> _Maker | None:
        """Return what makes a column's value for a copy; None when it is the same for all."""
        if value in self._places:
            place = self._places[value]
            return lambda person: person.ids[place]
        if not isinstance(value, str):
            return None
        texts = [_text(row_id) for row_id in self._ids]
        parts = re.split(f"({'|'.join(texts)}|{_USER})", value)
        if len(parts) == 1:
            return None
        parts[::2] = [part.replace("%", "%%") for part in parts[::2]]
        places = [texts.index(part) if part in texts else -1 for part in parts[1::2]]
        parts[1::2] = ["%s"] * len(places)
        whole = "".join(parts)
        return lambda person: whole % tuple([person.names[place] for place in places])


def _text(row_id: bytes) -> str:
    """Return an id as text, faster than by way of a UUID."""
    whole = row_id.hex()
    return f"{whole[:8]}-{whole[8:12]}-{whole[12:16]}-{whole[16:20]}-{whole[20:]}"
