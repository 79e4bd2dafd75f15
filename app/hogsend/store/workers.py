"""Workers that are at work on one Postgres, and what each of them has taken.

A worker writes itself down and is seen every few seconds, by the database's clock. What it plays
or hands over names it as holder. When it has not been seen for a while it is forgotten, and what it
held is free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from .db import Query, Row, Write
from .fields import from_micros, to_id, to_micros
from .json_text import from_json, to_json
from .models import DUE, HELD

# A worker that has not been seen for so long is gone.
GONE_AFTER = timedelta(seconds=15)
_GONE = GONE_AFTER // timedelta(microseconds=1)
_NOW = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint"
_FREE = f"SET holder = NULL WHERE {HELD} AND holder NOT IN (SELECT id FROM workers)"


@dataclass(frozen=True, slots=True)
class Outage:
    """What an engine leans on outside this process and misses.

    Args:
        since: from when on.
        message: what it says; it may name hosts.
        turns_wait: whether no turn is played meanwhile, or only what is beside them is late.
    """

    since: datetime
    message: str
    turns_wait: bool


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker as it was last seen.

    Args:
        id: what it names itself by as a holder.
        host: the machine.
        pid: its process there.
        engine: `embedded` or `hatchet`.
        version: of Hogsend.
        journeys: those that it has code for, each with the code's hash.
        started_at: when it began.
        seen_at: when it was last seen, by the database's clock.
        away: what its engine misses, if anything.
    """

    id: UUID
    host: str
    pid: int
    engine: str
    version: str
    journeys: Mapping[str, str]
    started_at: datetime
    seen_at: datetime
    away: Outage | None = None


def here(worker: WorkerInfo) -> Write:
    """Write a worker down, or that it is still there."""
    return Write(
        "INSERT INTO workers (id, host, pid, engine, version, journeys, started_at, away, seen_at) "
        f"VALUES (?,?,?,?,?,?,?,?,{_NOW}) ON CONFLICT (id) DO UPDATE SET "
        "journeys = excluded.journeys, away = excluded.away, seen_at = excluded.seen_at",
        [
            (
                worker.id,
                worker.host,
                worker.pid,
                worker.engine,
                worker.version,
                to_json(dict(worker.journeys)),
                to_micros(worker.started_at),
                to_json(_as_json(worker.away)),
            )
        ],
    )


def leave(worker_id: UUID) -> Query[int]:
    """Forget a worker that ends."""
    return Query("DELETE FROM workers WHERE id = ? RETURNING id", [worker_id], len)


def forget_gone() -> Query[list[UUID]]:
    """Forget the workers that have not been seen for a while, and return them."""
    return Query(
        f"DELETE FROM workers WHERE seen_at < {_NOW} - {_GONE} RETURNING id",
        [],
        lambda rows: [to_id(row[0]) for row in rows],
    )


def free_what_is_left() -> list[Write]:
    """Free what workers held that are not there any more."""
    return [Write(f"UPDATE enrollments {_FREE}"), Write(f"UPDATE sends {_FREE}")]


def at_work(*, is_sqlite: bool = False) -> Query[list[WorkerInfo]]:
    """Ask for the workers that are there, the first one first.

    Args:
        is_sqlite: whether the database is a file, which no workers share: there are none. Of
            another, one that was not seen for a while is not there, though nobody may be left to
            remove its row.
    """
    seen = f"WHERE seen_at >= {_NOW} - {_GONE} " if not is_sqlite else ""
    return Query(
        "SELECT id, host, pid, engine, version, journeys, started_at, seen_at, away FROM workers "
        f"{seen}ORDER BY started_at, id",
        [],
        lambda rows: [_worker(row) for row in rows],
    )


def _worker(row: Row) -> WorkerInfo:
    return WorkerInfo(
        to_id(row[0]),
        row[1],
        row[2],
        row[3],
        row[4],
        from_json(row[5]),
        from_micros(row[6]),
        from_micros(row[7]),
        _away(from_json(row[8])),
    )


def _as_json(away: Outage | None) -> dict[str, Any] | None:
    if away is None:
        return None
    return {
        "since": to_micros(away.since),
        "message": away.message,
        "turnsWait": away.turns_wait,
    }


def _away(found: Any) -> Outage | None:
    if found is None:
        return None
    return Outage(from_micros(found["since"]), found["message"], found["turnsWait"])


def first() -> Query[UUID | None]:
    """Ask for the worker that does what only one has to do."""
    return Query(
        "SELECT id FROM workers ORDER BY started_at, id LIMIT 1",
        [],
        lambda rows: to_id(rows[0][0]) if rows else None,
    )


def lock_people(contact_ids: Sequence[UUID]) -> Query[list[UUID]]:
    """Lock the contacts that nobody has locked, until the transaction ends; return them."""
    return Query(
        "SELECT id FROM contacts WHERE id IN ? ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
        [list(contact_ids)],
        lambda rows: [to_id(row[0]) for row in rows],
    )


def take_turns(
    ids: Sequence[UUID], contact_ids: Sequence[UUID], holder: UUID, now: datetime
) -> Query[list[UUID]]:
    """Take due enrollments for a worker, and return those that it has now.

    Args:
        ids: which enrollments.
        contact_ids: only those of these contacts, whose rows are locked: of one contact no other
            worker then takes another enrollment.
        holder: the worker.
        now: the present instant.
    """
    return Query(
        "UPDATE enrollments SET holder = ?, fence = fence + 1 WHERE id IN ? AND contact_id IN ? "
        f"AND {DUE} AND wake_at <= ? AND (holder IS NULL OR holder = ?) AND NOT EXISTS ("
        "SELECT 1 FROM enrollments o WHERE o.contact_id = enrollments.contact_id "
        "AND o.id <> enrollments.id AND o.holder IS NOT NULL AND o.holder <> ?) RETURNING id",
        [holder, list(ids), list(contact_ids), to_micros(now), holder, holder],
        lambda rows: [to_id(row[0]) for row in rows],
    )


def take_mails(ids: Sequence[UUID], holder: UUID) -> Query[list[UUID]]:
    """Take queued mails for a worker, and return those that it has now."""
    return Query(
        "UPDATE sends SET holder = ? WHERE id IN (SELECT id FROM sends WHERE id IN ? "
        "AND status = 'queued' AND (holder IS NULL OR holder = ?) ORDER BY id "
        "FOR NO KEY UPDATE SKIP LOCKED) RETURNING id",
        [holder, list(ids), holder],
        lambda rows: [to_id(row[0]) for row in rows],
    )
