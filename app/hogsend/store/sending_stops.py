"""Providers and senders for which no mail leaves until an operator ends the stop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from .db import Query, Write
from .fields import to_micros
from .models import SendingStopRow
from .rows import RowMapper

StopScope = Literal["provider", "sender"]


@dataclass(frozen=True, slots=True)
class SendingStop:
    """A provider or a sender for which no mail leaves.

    Args:
        id: our id.
        scope: whether `name` is a provider or the domain of a sender.
        name: the provider or the domain.
        reason: why the mail stopped.
        since: when it stopped.
        ended_at: when an operator ended the stop; None while it lasts.
        ended_by: who ended it.
        note: why it was ended.
    """

    id: UUID
    scope: StopScope
    name: str
    reason: str
    since: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None
    note: str | None = None


_STOPS = RowMapper(SendingStop, SendingStopRow, "x")
_NEW = _STOPS.build_write_columns()


def find_active() -> Query[list[SendingStop]]:
    """Query the stops that last, the oldest first."""
    return Query(
        f"SELECT {_STOPS.columns} FROM sending_stops x WHERE x.ended_at IS NULL ORDER BY x.since",
        [],
        _STOPS.read_all,
    )


def find_latest(limit: int) -> Query[list[SendingStop]]:
    """Query the latest stops, those that were ended included, the newest first."""
    return Query(
        f"SELECT {_STOPS.columns} FROM sending_stops x ORDER BY x.since DESC LIMIT ?",
        [limit],
        _STOPS.read_all,
    )


def find_by_name(scope: StopScope, name: str) -> Query[list[SendingStop]]:
    """Query the stops of a provider or a sender, the newest first."""
    return Query(
        f"SELECT {_STOPS.columns} FROM sending_stops x WHERE x.scope = ? AND x.name = ? "
        "ORDER BY x.since DESC LIMIT 10",
        [scope, name],
        _STOPS.read_all,
    )


def make_stopped_due(now: datetime) -> Write:
    """Make the mails due that waited for a stop to end."""
    at = to_micros(now)
    return Write(
        "UPDATE sends SET due_at = ?, reason = NULL, updated_at = ? WHERE status = 'queued' "
        "AND reason = 'sending_stopped' AND due_at IS NOT NULL",
        [(at, at)],
    )


def insert(stop: SendingStop) -> Write:
    """Stop mail."""
    return Write(
        f"INSERT INTO sending_stops ({_NEW.names}) VALUES ({_NEW.placeholders})",
        [_NEW.values(stop)],
    )


def end(scope: StopScope, name: str, *, by: str, note: str | None, now: datetime) -> Write:
    """Let the mail of a provider or a sender leave again.

    Args:
        scope: whether `name` is a provider or the domain of a sender.
        name: the provider or the domain.
        by: who ends the stop.
        note: why.
        now: the current time.
    """
    return Write(
        "UPDATE sending_stops SET ended_at = ?, ended_by = ?, note = ? "
        "WHERE scope = ? AND name = ? AND ended_at IS NULL",
        [(to_micros(now), by, note, scope, name)],
    )
