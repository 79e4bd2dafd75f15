"""Blocked mails: sends whose mail cannot be made, and wait for their template to change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from .db import Query, Row, Write
from .fields import to_micros
from .models import BlockedMailRow, SendRow
from .rows import RowMapper, read_column
from .stored import json_object

# The greatest number of blocked mails that a grouping reads, so that it is always quick.
MAX_GROUPED = 5_000
_MAX_VERSIONS = 8


@dataclass(frozen=True, slots=True)
class BlockedMail:
    """Why a mail could not be made.

    Args:
        send_id: the mail's send.
        template: the key of its template.
        versions: the versions of the template that have failed, with spaces between them.
        blocked_at: since when it is blocked.
        facts: the values that the template had: `contact` and `event`.
    """

    send_id: UUID
    template: str
    versions: str
    blocked_at: datetime
    facts: Mapping[str, Any]

    def add_version(self, version: str) -> str:
        """Return the versions that have failed, with another one."""
        others = [known for known in self.versions.split() if known != version]
        return " ".join([*others, version][-_MAX_VERSIONS:])


_MAILS = RowMapper(BlockedMail, BlockedMailRow, "b", facts=json_object(), row_id=("send_id",))
_NEW = _MAILS.build_write_columns()


@dataclass(frozen=True, slots=True)
class BlockedGroup:
    """Blocked mails of one template with one reason.

    Args:
        template: the key of the template.
        reason: why the mails cannot be made.
        mails: how many there are.
    """

    template: str
    reason: str
    mails: int


_GROUPS = RowMapper(BlockedGroup)


class _Versions(NamedTuple):
    template: str
    versions: str


_VERSIONS = RowMapper(_Versions, BlockedMailRow, "b")


class _Reason(NamedTuple):
    id: UUID
    reason: str | None


_REASONS = RowMapper(_Reason, SendRow, "s")


def _read_reasons(rows: list[Row]) -> dict[UUID, str]:
    return {row.id: row.reason or "" for row in map(_REASONS.read, rows)}


def store(mails: Iterable[BlockedMail]) -> Write:
    """Store why mails are blocked; a mail that was blocked before stays so since then."""
    return Write(
        f"INSERT INTO blocked_mails ({_NEW.names}) VALUES ({_NEW.placeholders}) "
        "ON CONFLICT (send_id) DO UPDATE SET versions = excluded.versions, facts = excluded.facts",
        [_NEW.values(mail) for mail in mails],
    )


def find(ids: Sequence[UUID]) -> Query[dict[UUID, BlockedMail]]:
    """Query why mails are, or were last, blocked; by the id of the send."""
    return Query(
        f"SELECT {_MAILS.columns} FROM blocked_mails b WHERE b.send_id IN ?",
        [list(ids)],
        _MAILS.read_by("send_id"),
    )


def find_versions() -> Query[list[tuple[str, str]]]:
    """Query the templates of blocked mails, each with the versions that have failed."""
    return Query(
        f"SELECT DISTINCT {_VERSIONS.columns} FROM sends s "
        "JOIN blocked_mails b ON b.send_id = s.id WHERE s.status = 'blocked'",
        [],
        lambda rows: [(row.template, row.versions) for row in map(_VERSIONS.read, rows)],
    )


def find_by_versions(template: str, versions: str, limit: int) -> Query[list[UUID]]:
    """Query blocked mails of a template that have failed with these versions of it."""
    return Query(
        "SELECT s.id FROM sends s JOIN blocked_mails b ON b.send_id = s.id "
        "WHERE s.status = 'blocked' AND b.template = ? AND b.versions = ? LIMIT ?",
        [template, versions, limit],
        read_column(UUID),
    )


def find_expired(until: datetime, limit: int) -> Query[dict[UUID, str]]:
    """Query mails that have been blocked since before an instant, each with the reason."""
    return Query(
        f"SELECT {_REASONS.columns} FROM sends s JOIN blocked_mails b ON b.send_id = s.id "
        "WHERE s.status = 'blocked' AND b.blocked_at < ? LIMIT ?",
        [to_micros(until), limit],
        _read_reasons,
    )


def find_ids(
    template: str, reason: str, after: UUID | None, until: UUID, limit: int
) -> Query[list[UUID]]:
    """Query blocked mails in the order of their ids.

    Args:
        template: only mails of this template; of any when empty.
        reason: only mails with this reason; with any when empty.
        after: only mails with a greater id.
        until: only mails up to this id.
        limit: how many at most.
    """
    conditions, values = ["status = 'blocked'", "id <= ?"], list[object]([until])
    # COALESCE keeps SQLite from reading every email of a template.
    for column, value in (("template", template), ("reason", reason)):
        if value:
            conditions.append(f"COALESCE({column}, '') = ?")
            values.append(value)
    if after is not None:
        conditions.append("id > ?")
        values.append(after)
    return Query(
        f"SELECT id FROM sends WHERE {' AND '.join(conditions)} ORDER BY id LIMIT ?",
        [*values, limit],
        read_column(UUID),
    )


def find_reasons(ids: Sequence[UUID], lock: str) -> Query[dict[UUID, str]]:
    """Query which sends are blocked, each with the reason.

    Args:
        ids: the sends.
        lock: `Transaction.dialect.lock_rows`, so that nobody else changes them meanwhile.
    """

    return Query(
        f"SELECT {_REASONS.columns} FROM sends s WHERE s.id IN ? AND s.status = 'blocked'{lock}",
        [list(ids)],
        _read_reasons,
    )


def release(ids: Iterable[UUID], now: datetime) -> Write:
    """Queue blocked sends, so that their mails are made again."""
    at = to_micros(now)
    return Write(
        "UPDATE sends SET status = 'queued', reason = NULL, due_at = ?, updated_at = ? "
        "WHERE id = ? AND status = 'blocked'",
        [(at, at, send_id) for send_id in ids],
    )


def fail(reasons: Mapping[UUID, str], now: datetime) -> Write:
    """Fail blocked sends for good, each with a reason."""
    at = to_micros(now)
    return Write(
        "UPDATE sends SET status = 'failed', reason = ?, due_at = NULL, updated_at = ? "
        "WHERE id = ? AND status = 'blocked'",
        [(reason[:200], at, send_id) for send_id, reason in reasons.items()],
    )


def group(journey_id: str = "") -> Query[list[BlockedGroup]]:
    """Query blocked mails by template and reason, the greatest groups first.

    No more than the newest `MAX_GROUPED` mails are counted.

    Args:
        journey_id: only mails of this journey; of any when empty.
    """
    # COALESCE keeps SQLite from reading every send of the journey.
    condition, values = (
        ("", [])
        if not journey_id
        else (
            " AND COALESCE(journey_id, '') = ?",
            [journey_id],
        )
    )
    return Query(
        "SELECT template, COALESCE(reason, '') AS reason, COUNT(*) AS mails FROM "
        f"(SELECT id, template, reason FROM sends WHERE status = 'blocked'{condition} "
        "ORDER BY id DESC LIMIT ?) newest "
        "GROUP BY template, COALESCE(reason, '') ORDER BY 3 DESC, 1, 2",
        [*values, MAX_GROUPED],
        _GROUPS.read_all,
    )
