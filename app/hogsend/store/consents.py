"""What contacts said about lists, and addresses that must not be mailed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ..domain.send_policy import Consents
from .db import Query, Row, Write
from .fields import to_id, to_micros


@dataclass(frozen=True, slots=True)
class ConsentStatement:
    """A contact's word about a list; list `*` is everything."""

    contact_id: UUID
    list_id: str
    subscribed: bool
    source: str
    send_id: UUID | None = None


def _by_contact(rows: list[Row]) -> dict[UUID, Consents]:
    said: dict[UUID, dict[str, bool]] = {}
    for contact_id, list_id, subscribed in rows:
        said.setdefault(to_id(contact_id), {})[list_id] = bool(subscribed)
    return {contact_id: Consents(lists) for contact_id, lists in said.items()}


def of_contacts(ids: Sequence[UUID]) -> Query[dict[UUID, Consents]]:
    """Ask what contacts said about lists."""
    return Query(
        "SELECT contact_id, list_id, subscribed FROM consents WHERE contact_id IN ?",
        [list(ids)],
        _by_contact,
    )


def of_enrollments(ids: Sequence[UUID]) -> Query[dict[UUID, Consents]]:
    """Ask what the contacts of some enrollments said, by contact id."""
    return Query(
        "SELECT contact_id, list_id, subscribed FROM consents WHERE contact_id IN "
        "(SELECT e.contact_id FROM enrollments e WHERE e.id IN ?)",
        [list(ids)],
        _by_contact,
    )


def of_sends(ids: Sequence[UUID]) -> Query[dict[UUID, Consents]]:
    """Ask what the contacts of some sends said, by contact id."""
    return Query(
        "SELECT contact_id, list_id, subscribed FROM consents WHERE contact_id IN "
        "(SELECT s.contact_id FROM sends s WHERE s.id IN ?)",
        [list(ids)],
        _by_contact,
    )


def say(rows: Sequence[ConsentStatement], now: datetime) -> Write:
    """Record what contacts said; the newest word counts."""
    at = to_micros(now)
    return Write(
        "INSERT INTO consents (contact_id, list_id, subscribed, changed_at, source, send_id) "
        "VALUES (?,?,?,?,?,?) ON CONFLICT (contact_id, list_id) DO UPDATE SET "
        "subscribed = excluded.subscribed, changed_at = excluded.changed_at, "
        "source = excluded.source, send_id = excluded.send_id",
        [(s.contact_id, s.list_id, s.subscribed, at, s.source, s.send_id) for s in rows],
    )


def suppressed(addresses: Sequence[str]) -> Query[dict[str, str]]:
    """Ask which addresses must not be mailed, and why."""
    return Query(
        "SELECT address, reason FROM suppressions WHERE address IN ?",
        [list(addresses)],
        lambda rows: {row[0]: row[1] for row in rows},
    )


def suppressed_contacts(ids: Sequence[UUID]) -> Query[dict[str, str]]:
    """Ask which addresses of some contacts must not be mailed."""
    return Query(
        "SELECT address, reason FROM suppressions WHERE address IN (SELECT c.email FROM contacts "
        "c WHERE c.id IN ?)",
        [list(ids)],
        lambda rows: {row[0]: row[1] for row in rows},
    )


def suppressed_of_enrollments(ids: Sequence[UUID]) -> Query[dict[str, str]]:
    """Ask which addresses of the contacts of some enrollments must not be mailed."""
    return Query(
        "SELECT address, reason FROM suppressions WHERE address IN (SELECT c.email FROM contacts "
        "c JOIN enrollments e ON e.contact_id = c.id WHERE e.id IN ?)",
        [list(ids)],
        lambda rows: {row[0]: row[1] for row in rows},
    )


def suppressed_of_sends(ids: Sequence[UUID]) -> Query[dict[str, str]]:
    """Ask which addresses that some sends may go to must not be mailed."""
    return Query(
        "SELECT address, reason FROM suppressions WHERE address IN (SELECT c.email FROM contacts "
        "c JOIN sends s ON s.contact_id = c.id WHERE s.id IN ?) OR address IN "
        "(SELECT s.address FROM sends s WHERE s.id IN ?)",
        [list(ids)] * 2,
        lambda rows: {row[0]: row[1] for row in rows},
    )


def suppress(rows: Sequence[tuple[str, str, UUID | None]], now: datetime) -> Write:
    """Stop mail to addresses: (address, reason, the send that showed it)."""
    at = to_micros(now)
    return Write(
        "INSERT INTO suppressions (address, reason, at, send_id) VALUES (?,?,?,?) "
        "ON CONFLICT (address) DO UPDATE SET reason = excluded.reason, at = excluded.at, "
        "send_id = excluded.send_id",
        [(address, reason, at, send_id) for address, reason, send_id in rows],
    )


def unsuppress(address: str) -> Write:
    """Allow mail to an address again."""
    return Write("DELETE FROM suppressions WHERE address = ?", [(address,)])
