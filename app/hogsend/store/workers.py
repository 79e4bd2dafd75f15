"""Workers that share one Postgres, and the turns and mails that each of them holds.

A worker registers itself and renews its registration every few seconds, by the database's clock.
Enrollments and sends that a worker works on have the worker as their holder. A worker that does not
renew its registration is removed, and the rows that it held are released.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from .db import Query, Write
from .fields import from_micros, to_micros
from .json_text import from_json, to_json
from .models import DUE, HELD, WorkerRow
from .rows import RowMapper, read_column, read_first
from .stored import Stored

# A worker that has not renewed its registration for this long is lost.
LOST_AFTER = timedelta(seconds=15)
_LOST = LOST_AFTER // timedelta(microseconds=1)
_NOW = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint"
_RELEASE = f"SET holder = NULL WHERE {HELD} AND holder NOT IN (SELECT id FROM workers)"


@dataclass(frozen=True, slots=True)
class Outage:
    """An outage of an external service that an engine needs.

    Args:
        since: when the outage began.
        message: the problem; may name hosts.
        turns_wait: whether no turn runs during the outage; otherwise only other work is late.
    """

    since: datetime
    message: str
    turns_wait: bool


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A registered worker.

    Args:
        id: the worker's id, which is in `holder` of the rows that it holds.
        host: the machine.
        pid: the process.
        engine: `embedded` or `hatchet`.
        version: the version of Hogsend.
        journeys: the journeys that the worker has code for, each with the code's hash.
        started_at: when the worker started.
        seen_at: when the worker last renewed its registration, by the database's clock.
        away: the outage of the worker's engine, if any.
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


def _read_outage(stored: Any) -> Outage | None:
    value = from_json(stored)
    if value is None:
        return None
    return Outage(from_micros(value["since"]), value["message"], value["turnsWait"])


def _write_outage(outage: Outage | None) -> str:
    if outage is None:
        return "null"
    return to_json(
        {
            "since": to_micros(outage.since),
            "message": outage.message,
            "turnsWait": outage.turns_wait,
        }
    )


_WORKERS = RowMapper(
    WorkerInfo,
    WorkerRow,
    journeys=Stored(from_json, lambda journeys: to_json(dict(journeys))),
    away=Stored(_read_outage, _write_outage),
)
_REGISTERED = _WORKERS.build_write_columns(without=("seen_at",))


def register(worker: WorkerInfo) -> Write:
    """Register a worker, or renew its registration."""
    return Write(
        f"INSERT INTO workers ({_REGISTERED.names}, seen_at) "
        f"VALUES ({_REGISTERED.placeholders},{_NOW}) ON CONFLICT (id) DO UPDATE SET "
        "journeys = excluded.journeys, away = excluded.away, seen_at = excluded.seen_at",
        [_REGISTERED.values(worker)],
    )


def unregister(worker_id: UUID) -> Query[int]:
    """Remove a worker that stops; return how many were removed."""
    return Query("DELETE FROM workers WHERE id = ? RETURNING id", [worker_id], len)


def remove_lost() -> Query[list[UUID]]:
    """Remove the workers that have not renewed their registration, and return their ids."""
    return Query(
        f"DELETE FROM workers WHERE seen_at < {_NOW} - {_LOST} RETURNING id", [], read_column(UUID)
    )


def release_abandoned() -> list[Write]:
    """Release the enrollments and sends that removed workers held."""
    return [Write(f"UPDATE enrollments {_RELEASE}"), Write(f"UPDATE sends {_RELEASE}")]


def find_registered(*, is_sqlite: bool = False) -> Query[list[WorkerInfo]]:
    """Query the workers that are registered, the oldest first.

    Args:
        is_sqlite: whether the database is SQLite, which has no registered workers. On Postgres a
            lost worker is left out even before it is removed.
    """
    seen = f"WHERE seen_at >= {_NOW} - {_LOST} " if not is_sqlite else ""
    return Query(
        f"SELECT {_WORKERS.columns} FROM workers {seen}ORDER BY started_at, id",
        [],
        _WORKERS.read_all,
    )


def find_oldest() -> Query[UUID | None]:
    """Query the oldest worker, which runs the tasks that only one worker may run."""
    return Query("SELECT id FROM workers ORDER BY started_at, id LIMIT 1", [], read_first(UUID))


def lock_contacts(contact_ids: Sequence[UUID]) -> Query[list[UUID]]:
    """Lock contacts until the transaction ends; return those that no other one has locked."""
    return Query(
        "SELECT id FROM contacts WHERE id IN ? ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
        [list(contact_ids)],
        read_column(UUID),
    )


def lease_turns(
    ids: Sequence[UUID], contact_ids: Sequence[UUID], holder: UUID, now: datetime
) -> Query[list[UUID]]:
    """Lease due enrollments to a worker, and return the enrollments that it holds now.

    Args:
        ids: the enrollments.
        contact_ids: only enrollments of these contacts, whose rows are locked, so that no other
            worker leases another enrollment of the same contact.
        holder: the worker.
        now: the current time.
    """
    return Query(
        "UPDATE enrollments SET holder = ?, fence = fence + 1 WHERE id IN ? AND contact_id IN ? "
        f"AND {DUE} AND wake_at <= ? AND (holder IS NULL OR holder = ?) AND NOT EXISTS ("
        "SELECT 1 FROM enrollments o WHERE o.contact_id = enrollments.contact_id "
        "AND o.id <> enrollments.id AND o.holder IS NOT NULL AND o.holder <> ?) RETURNING id",
        [holder, list(ids), list(contact_ids), to_micros(now), holder, holder],
        read_column(UUID),
    )


def lease_mails(ids: Sequence[UUID], holder: UUID) -> Query[list[UUID]]:
    """Lease queued mails to a worker, and return the mails that it holds now."""
    return Query(
        "UPDATE sends SET holder = ? WHERE id IN (SELECT id FROM sends WHERE id IN ? "
        "AND status = 'queued' AND (holder IS NULL OR holder = ?) ORDER BY id "
        "FOR NO KEY UPDATE SKIP LOCKED) RETURNING id",
        [holder, list(ids), holder],
        read_column(UUID),
    )
