"""What a contact has paid, and how often an email to it has bounced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ..db import Query, Row
from ..fields import from_micros


@dataclass(frozen=True, slots=True)
class PaidTotal:
    """What a contact has paid in one currency.

    Args:
        currency: three letters; empty for amounts without a currency.
        total: the sum of the amounts of its events.
        count: how many events have an amount.
        last_at: when the last of them happened.
    """

    currency: str
    total: float
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class BounceTotal:
    """How many emails to a contact have bounced, and when the last one did, if any."""

    count: int = 0
    last_at: datetime | None = None


def find_paid(contact_ids: Sequence[UUID]) -> Query[list[PaidTotal]]:
    """Query what a contact has paid, by currency.

    Args:
        contact_ids: the contact, and those that were merged into it.
    """
    return Query(
        "SELECT COALESCE(currency, '') AS code, SUM(value), COUNT(*), MAX(occurred_at) FROM events "
        "WHERE contact_id IN ? AND value IS NOT NULL GROUP BY code ORDER BY code",
        [list(contact_ids)],
        _read_paid,
    )


def _read_paid(rows: list[Row]) -> list[PaidTotal]:
    return [PaidTotal(code, total, count, from_micros(at)) for code, total, count, at in rows]


def find_bounces(contact_ids: Sequence[UUID]) -> Query[BounceTotal]:
    """Query how many emails to a contact have bounced.

    Args:
        contact_ids: the contact, and those that were merged into it.
    """
    return Query(
        "SELECT COUNT(*), MAX(updated_at) FROM sends WHERE contact_id IN ? AND status = 'bounced'",
        [list(contact_ids)],
        _read_bounces,
    )


def _read_bounces(rows: list[Row]) -> BounceTotal:
    ((count, at),) = rows
    return BounceTotal(count, None if at is None else from_micros(at))
