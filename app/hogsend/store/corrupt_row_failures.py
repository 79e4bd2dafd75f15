"""Fails enrollments and sends whose rows cannot be read, so that they are not retried for ever."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ..errors import CorruptRow
from . import counters, direct_mails
from .counters import Tally
from .db import Database, Query, Write
from .fields import to_micros
from .json_text import to_json
from .models import LIVE
from .rows import RowMapper

log = logging.getLogger("hogsend.store")


@dataclass(frozen=True, slots=True)
class _EnrollmentText:
    """Columns of an enrollment as stored, which are readable even in a corrupt row."""

    journey_id: str
    state: str
    wait_key: str | None
    wait: str | None
    wait_result: str | None


@dataclass(frozen=True, slots=True)
class _SendText:
    """JSON columns of a send as stored, which are readable even in a corrupt row."""

    props: str
    attempts: str


_ENROLLMENTS = RowMapper(_EnrollmentText)
_SENDS = RowMapper(_SendText)


async def fail_enrollment(
    database: Database, enrollment_id: UUID, error: CorruptRow, now: datetime
) -> bool:
    """Fail a live enrollment because of a corrupt row; return whether it was live.

    When the corrupt row is the enrollment's own, the unreadable text is kept in its error.

    Args:
        database: the open database.
        enrollment_id: the enrollment.
        error: the error that names the corrupt row and the reason.
        now: the current time.
    """
    async with database.transaction() as tx:
        row = await tx.fetch_one(
            Query(
                f"SELECT {_ENROLLMENTS.columns} FROM enrollments WHERE id = ? AND {LIVE}",
                [enrollment_id],
                _ENROLLMENTS.read_first,
            )
        )
        if row is None:
            return False
        text, wait, result = str(error), row.wait, row.wait_result
        if error.table == "enrollments":
            text = f"{text}\nIt held: {wait or ''} {result or ''}"
            wait = result = None
        at, tally = to_micros(now), Tally(now)
        tally.change_state(row.journey_id, row.state, "failed")
        tally.change_wait(row.journey_id, row.wait_key, None)
        tally.add_today(counters.name_ended_total(row.journey_id, "failed"))
        await tx.apply(
            [
                Write(
                    "UPDATE enrollments SET state = 'failed', wake_at = NULL, wait_key = NULL, "
                    "wait = ?, wait_result = ?, error = ?, ended_at = ?, updated_at = ? "
                    "WHERE id = ?",
                    [(wait, result, text, at, at, enrollment_id)],
                ),
                tally.to_write(),
            ]
        )
    log.error("an enrollment in %s has failed: %s", row.journey_id, error)
    return True


async def fail_send(database: Database, send_id: UUID, error: CorruptRow, now: datetime) -> None:
    """Fail a send that has not left because of a corrupt row.

    When the corrupt row is the send's own, the unreadable text is kept in its attempts.

    Args:
        database: the open database.
        send_id: the send.
        error: the error that names the corrupt row and the reason.
        now: the current time.
    """
    async with database.transaction() as tx:
        row = await tx.fetch_one(
            Query(
                f"SELECT {_SENDS.columns} FROM sends "
                "WHERE id = ? AND status IN ('queued', 'sending')",
                [send_id],
                _SENDS.read_first,
            )
        )
        if row is None:
            return
        props, attempts = row.props, row.attempts
        if error.table == "sends":
            reply = f"It held: {props} {attempts}"
            attempts = to_json([{"at": now.isoformat(), "outcome": "failed", "reply": reply}])
            props = "{}"
        tally = Tally(now)
        tally.add_today(counters.name_send_total("failed"))
        await tx.apply(
            [
                Write(
                    "UPDATE sends SET status = 'failed', due_at = NULL, reason = ?, props = ?, "
                    "attempts = ?, updated_at = ? WHERE id = ?",
                    [(str(error)[:200], props, attempts, to_micros(now), send_id)],
                ),
                *direct_mails.forget([send_id]),
                tally.to_write(),
            ]
        )
    log.error("a send has failed: %s", error)
