"""Reports of providers and mail servers about mails that they accepted, and soft bounces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ..domain.feedback import Report
from ..domain.send_policy import Send
from .db import Query, Row, Write
from .fields import micros_or_none, to_micros
from .models import UNMATCHED, FeedbackRow, SendRow
from .rows import RowMapper, read_pairs
from .sends import SENDS

_REPORTS = RowMapper(Report, FeedbackRow, "f")
_NEW = _REPORTS.build_write_columns()
_REPORTED = SENDS.build_write_columns(
    "status",
    "reason",
    "due_at",
    "sent_at",
    "provider",
    "provider_id",
    "attempts",
    extra=("updated_at",),
)


def find_known(provider: str, keys: Sequence[str]) -> Query[list[Report]]:
    """Query which reports of a provider have been received before."""
    return Query(
        f"SELECT {_REPORTS.columns} FROM feedback f WHERE f.provider = ? AND f.event_key IN ?",
        [provider, list(keys)],
        _REPORTS.read_all,
    )


def find_unmatched(provider_ids: Sequence[str]) -> Query[list[Report]]:
    """Query the reports about mails of which only the provider's id is known, the oldest first."""
    return Query(
        f"SELECT {_REPORTS.columns} FROM feedback f WHERE f.provider_id IN ? AND {UNMATCHED} "
        "ORDER BY f.id",
        [list(provider_ids)],
        _REPORTS.read_all,
    )


def insert(reports: Iterable[Report]) -> Write:
    """Store reports; one that another process has stored meanwhile stays as it is."""
    return Write(
        f"INSERT INTO feedback ({_NEW.names}) VALUES ({_NEW.placeholders}) "
        "ON CONFLICT (provider, event_key) DO NOTHING",
        [_NEW.values(report) for report in reports],
    )


def mark_applied(reports: Iterable[Report], now: datetime) -> Write:
    """Record that the sends of reports are known and changed."""
    at = to_micros(now)
    return Write(
        "UPDATE feedback SET applied_at = ?, send_id = ? WHERE id = ?",
        [(at, report.send_id, report.id) for report in reports],
    )


def add_soft_bounces(bounces: Iterable[tuple[str, int]]) -> Write:
    """Record days on which addresses bounced softly.

    Args:
        bounces: pairs of an address and a day, in days since 1970.
    """
    return Write(
        "INSERT INTO soft_bounces (address, day) VALUES (?,?) "
        "ON CONFLICT (address, day) DO NOTHING",
        list(bounces),
    )


def count_soft_bounce_days(addresses: Sequence[str], since: int) -> Query[dict[str, int]]:
    """Query on how many days addresses bounced softly.

    Args:
        addresses: the addresses.
        since: the first day that counts, in days since 1970.
    """
    return Query(
        "SELECT address, COUNT(*) FROM soft_bounces WHERE address IN ? AND day >= ? "
        "GROUP BY address",
        [list(addresses), since],
        read_pairs(str, int),
    )


def forget_soft_bounces(addresses: Iterable[str]) -> Write:
    """Forget the soft bounces of addresses: mail reached them, or they are mailed again."""
    return Write(
        "DELETE FROM soft_bounces WHERE address = ?", [(address,) for address in addresses]
    )


def find_sends_by_provider_ids(
    provider: str, provider_ids: Sequence[str]
) -> Query[dict[str, UUID]]:
    """Query the sends that a provider has given ids of its own."""
    return Query(
        "SELECT provider_id, id FROM sends WHERE provider_id IN ? "
        "AND provider NOT IN ('smtp', 'inbox') AND provider = ?",
        [list(provider_ids), provider],
        read_pairs(str, UUID),
    )


def find_locked(ids: Sequence[UUID], lock: str) -> Query[dict[UUID, Send]]:
    """Query sends by id, and lock them.

    Args:
        ids: the sends.
        lock: `Transaction.dialect.lock_rows`.
    """
    return Query(
        f"SELECT {SENDS.columns} FROM sends s WHERE s.id IN ? ORDER BY s.id{lock}",
        [list(ids)],
        SENDS.read_by("id"),
    )


class _Handed(NamedTuple):
    contact_id: UUID
    handed_at: datetime


_HANDED = RowMapper(_Handed, SendRow)


def find_handed(
    contact_ids: Sequence[UUID], other_lists: Sequence[str], since: datetime
) -> Query[dict[UUID, list[datetime]]]:
    """Query when mails to contacts were handed over, by contact, the oldest first.

    Args:
        contact_ids: the contacts.
        other_lists: lists whose mails are left out.
        since: only hand-overs after this instant.
    """

    def read(rows: list[Row]) -> dict[UUID, list[datetime]]:
        handed: dict[UUID, list[datetime]] = {}
        for row in map(_HANDED.read, rows):
            handed.setdefault(row.contact_id, []).append(row.handed_at)
        return handed

    return Query(
        f"SELECT {_HANDED.columns} FROM sends WHERE contact_id IN ? AND handed_at > ? "
        "AND status NOT IN ('queued', 'cancelled', 'failed') AND NOT (list_id IN ?) "
        "ORDER BY handed_at",
        [list(contact_ids), to_micros(since), list(other_lists)],
        read,
    )


def find_senders(ids: Sequence[UUID]) -> Query[dict[UUID, str]]:
    """Query the addresses in the `From` headers of sends, as long as their mails are kept."""
    return Query(
        "SELECT send_id, from_email FROM messages WHERE send_id IN ?",
        [list(ids)],
        read_pairs(UUID, str),
    )


def record_feedback(reported: Iterable[tuple[Send, datetime | None]], now: datetime) -> Write:
    """Record what was reported about mails.

    Args:
        reported: each send as changed, with the instant of its delivery if that was reported.
        now: the current time.
    """
    at = to_micros(now)
    return Write(
        f"UPDATE sends SET {_REPORTED.assignments}, delivered_at = COALESCE(delivered_at, ?) "
        "WHERE id = ?",
        [
            _REPORTED.values(send, at, micros_or_none(delivered_at), send.id)
            for send, delivered_at in reported
        ],
    )
