"""Rows that cannot be read: they fail alone, visibly, and pages show what is left of them."""

from __future__ import annotations

import logging
import zlib
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from ..errors import CorruptRow
from . import counters
from .counters import Tally
from .db import Database, Query, Row, Transaction, Write
from .fields import to_micros
from .json_text import from_json, to_json
from .models import LIVE

log = logging.getLogger("hogsend.store")

T = TypeVar("T")

# What reading text or packed bytes that are not ours comes to.
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, zlib.error)
REMEDY = "Bring back what it held from a backup, or correct it by hand."

_showing: ContextVar[bool] = ContextVar("_showing", default=False)


def only_show() -> None:
    """From here on read damaged rows as far as they can be read: nothing is written back.

    It holds for the present task, such as a request for a page.
    """
    _showing.set(True)


def unreadable(table: str, row: object, error: Exception, left: T) -> T:
    """Say that a row cannot be read.

    Args:
        table: where it is.
        row: its id.
        error: what reading it came to.
        left: what pages show in place of what cannot be read.

    Raises:
        DamagedRow: unless rows are read to be shown.
    """
    if _showing.get():
        return left
    said = " ".join(str(error).split())[:200]
    message = f"The row {row} of the table {table} cannot be read: {type(error).__name__}: {said}."
    raise CorruptRow(message, REMEDY, table=table, row=str(row)) from error


def object_of(stored: Any) -> dict[str, Any]:
    """Read a JSON column that holds an object.

    Raises:
        ValueError: it does not.
    """
    value = from_json(stored)
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    return cast("dict[str, Any]", value)


async def fail_enrollment(
    database: Database, enrollment_id: UUID, error: CorruptRow, now: datetime
) -> bool:
    """Let a live enrollment fail for a row that cannot be read; return whether it was live.

    Where the row is its own, what could not be read goes into its error as it was.

    Args:
        database: where it is.
        enrollment_id: which one.
        error: which row, and why.
        now: the present instant.
    """
    async with database.transaction() as tx:
        row: Row | None = await tx.one(_live(enrollment_id))
        if row is None:
            return False
        journey_id, state, wait_key, wait, result = row
        text, kept = str(error), (wait, result)
        if error.table == "enrollments":
            text, kept = f"{text}\nWhat it held: {wait or ''} {result or ''}", (None, None)
        at, tally = to_micros(now), Tally(now)
        tally.change_state(journey_id, state, "failed")
        tally.change_wait(journey_id, wait_key, None)
        tally.today(counters.ended(journey_id, "failed"))
        await tx.apply(
            [
                Write(
                    "UPDATE enrollments SET state = 'failed', wake_at = NULL, wait_key = NULL, "
                    "wait = ?, wait_result = ?, error = ?, ended_at = ?, updated_at = ? "
                    "WHERE id = ?",
                    [(*kept, text, at, at, enrollment_id)],
                ),
                tally.write(),
            ]
        )
    log.error("an enrollment in %s has failed: %s", journey_id, error)
    return True


def _live(enrollment_id: UUID) -> Query[Row | None]:
    return Query(
        "SELECT journey_id, state, wait_key, wait, wait_result FROM enrollments "
        f"WHERE id = ? AND {LIVE}",
        [enrollment_id],
        lambda rows: rows[0] if rows else None,
    )


async def fail_send(database: Database, send_id: UUID, error: CorruptRow, now: datetime) -> None:
    """Let a mail fail that has not left, for a row that cannot be read.

    Where the row is its own, what could not be read goes into its tries as it was.

    Args:
        database: where it is.
        send_id: which one.
        error: which row, and why.
        now: the present instant.
    """
    async with database.transaction() as tx:
        row: Row | None = await tx.one(_unsent(send_id))
        if row is None:
            return
        props, attempts = row
        if error.table == "sends":
            reply = f"What it held: {props} {attempts}"
            tried = [{"at": now.isoformat(), "outcome": "failed", "reply": reply}]
            props, attempts = "{}", to_json(tried)
        await _fail_send(tx, send_id, (str(error)[:200], props, attempts), now)
    log.error("a mail has failed: %s", error)


def _unsent(send_id: UUID) -> Query[Row | None]:
    return Query(
        "SELECT props, attempts FROM sends WHERE id = ? AND status IN ('queued', 'sending')",
        [send_id],
        lambda rows: rows[0] if rows else None,
    )


async def _fail_send(
    tx: Transaction, send_id: UUID, told: tuple[str, str, str], now: datetime
) -> None:
    tally = Tally(now)
    tally.today(counters.sends("failed"))
    await tx.apply(
        [
            Write(
                "UPDATE sends SET status = 'failed', due_at = NULL, reason = ?, props = ?, "
                "attempts = ?, updated_at = ? WHERE id = ?",
                [(*told, to_micros(now), send_id)],
            ),
            tally.write(),
        ]
    )
