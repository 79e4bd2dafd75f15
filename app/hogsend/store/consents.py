"""Contacts' consents to lists, and the addresses that must not be mailed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ..domain.send_policy import UNWANTED, Consents
from . import erasures
from .db import Query, Row, Write
from .fields import to_micros
from .models import ConsentRow
from .rows import RowMapper, read_pairs


@dataclass(frozen=True, slots=True)
class ListDecision:
    """A contact's decision about a list; the list `*` stands for every list."""

    contact_id: UUID
    list_id: str
    subscribed: bool
    source: str
    send_id: UUID | None = None


class _Decision(NamedTuple):
    contact_id: UUID
    list_id: str
    subscribed: bool


_STATEMENTS = RowMapper(ListDecision, ConsentRow).build_write_columns(extra=("changed_at",))
_DECISIONS = RowMapper(_Decision, ConsentRow)
_REASONS = read_pairs(str, str)
_UNWANTED = "(" + ", ".join(f"'{reason}'" for reason in UNWANTED) + ")"


def _read_by_contact(rows: list[Row]) -> dict[UUID, Consents]:
    lists: dict[UUID, dict[str, bool]] = {}
    for decision in map(_DECISIONS.read, rows):
        lists.setdefault(decision.contact_id, {})[decision.list_id] = decision.subscribed
    return {contact_id: Consents(decisions) for contact_id, decisions in lists.items()}


def find_by_contacts(ids: Sequence[UUID]) -> Query[dict[UUID, Consents]]:
    """Query the consents of contacts, by contact id."""
    return Query(
        f"SELECT {_DECISIONS.columns} FROM consents WHERE contact_id IN ?",
        [list(ids)],
        _read_by_contact,
    )


def find_by_enrollments(ids: Sequence[UUID]) -> Query[dict[UUID, Consents]]:
    """Query the consents of the contacts of enrollments, by contact id."""
    return Query(
        f"SELECT {_DECISIONS.columns} FROM consents WHERE contact_id IN "
        "(SELECT e.contact_id FROM enrollments e WHERE e.id IN ?)",
        [list(ids)],
        _read_by_contact,
    )


def find_by_identities(identities: Sequence[str]) -> Query[dict[UUID, Consents]]:
    """Query the consents of the contacts that have these identities, by contact id."""
    return Query(
        f"SELECT {_DECISIONS.columns} FROM consents WHERE contact_id IN "
        "(SELECT i.contact_id FROM identities i WHERE i.identity IN ?)",
        [list(identities)],
        _read_by_contact,
    )


def find_by_sends(ids: Sequence[UUID]) -> Query[dict[UUID, Consents]]:
    """Query the consents of the contacts of sends, by contact id."""
    return Query(
        f"SELECT {_DECISIONS.columns} FROM consents WHERE contact_id IN "
        "(SELECT s.contact_id FROM sends s WHERE s.id IN ?)",
        [list(ids)],
        _read_by_contact,
    )


def record_decisions(statements: Sequence[ListDecision], now: datetime) -> Write:
    """Record contacts' decisions about lists; a newer one replaces an older one."""
    return record_decisions_at([(statement, now) for statement in statements])


def record_decisions_at(statements: Sequence[tuple[ListDecision, datetime]]) -> Write:
    """Record contacts' decisions about lists, each with the instant at which it was made."""
    return Write(
        f"INSERT INTO consents ({_STATEMENTS.names}) VALUES ({_STATEMENTS.placeholders}) "
        "ON CONFLICT (contact_id, list_id) DO UPDATE SET "
        "subscribed = excluded.subscribed, changed_at = excluded.changed_at, "
        "source = excluded.source, send_id = excluded.send_id",
        [_STATEMENTS.values(statement, to_micros(at)) for statement, at in statements],
    )


def find_suppressed(addresses: Sequence[str]) -> Query[dict[str, str]]:
    """Query which of some addresses must not be mailed, each with the reason."""
    return Query(
        "SELECT address, reason FROM suppressions WHERE address IN ?", [list(addresses)], _REASONS
    )


# Where `find_suppressed_or_salt` returns the salt; no address is empty.
SALT_ADDRESS = ""


def find_suppressed_or_salt(addresses: Sequence[str]) -> Query[dict[str, str]]:
    """Query which of some addresses must not be mailed, and the salt of erased addresses.

    The salt, under `SALT_ADDRESS`, is there once a contact was erased: only then has anybody to
    compute hashes.
    """
    return Query(
        "SELECT address, reason FROM suppressions WHERE address IN ? "
        "UNION ALL SELECT '', value FROM meta WHERE key = ?",
        [list(addresses), erasures.SALT],
        _REASONS,
    )


def find_suppressed_by_contacts(ids: Sequence[UUID]) -> Query[dict[str, str]]:
    """Query which addresses of contacts must not be mailed, each with the reason."""
    return Query(
        "SELECT address, reason FROM suppressions WHERE address IN (SELECT c.email FROM contacts "
        "c WHERE c.id IN ?)",
        [list(ids)],
        _REASONS,
    )


def find_suppressed_by_enrollments(ids: Sequence[UUID]) -> Query[dict[str, str]]:
    """Query which addresses of the contacts of enrollments must not be mailed, with the reason."""
    return Query(
        "SELECT address, reason FROM suppressions WHERE address IN (SELECT c.email FROM contacts "
        "c JOIN enrollments e ON e.contact_id = c.id WHERE e.id IN ?)",
        [list(ids)],
        _REASONS,
    )


def find_suppressed_by_identities(
    identities: Sequence[str], addresses: Sequence[str]
) -> Query[dict[str, str]]:
    """Query which addresses must not be mailed, each with the reason.

    Args:
        identities: identities of contacts, whose addresses are looked up.
        addresses: further addresses, which may belong to no contact.
    """
    return Query(
        "SELECT address, reason FROM suppressions WHERE address IN (SELECT c.email FROM contacts "
        "c JOIN identities i ON i.contact_id = c.id WHERE i.identity IN ?) OR address IN ?",
        [list(identities), list(addresses)],
        _REASONS,
    )


def find_suppressed_by_sends(ids: Sequence[UUID]) -> Query[dict[str, str]]:
    """Query which addresses that sends may go to must not be mailed, each with the reason."""
    return Query(
        "SELECT address, reason FROM suppressions WHERE address IN (SELECT c.email FROM contacts "
        "c JOIN sends s ON s.contact_id = c.id WHERE s.id IN ?) OR address IN "
        "(SELECT s.address FROM sends s WHERE s.id IN ?)",
        [list(ids)] * 2,
        _REASONS,
    )


def suppress(suppressions: Sequence[tuple[str, str, UUID | None]], now: datetime) -> Write:
    """Stop mail to addresses.

    Args:
        suppressions: (address, reason, the send that showed it).
        now: the current time.
    """
    at = to_micros(now)
    return Write(
        "INSERT INTO suppressions (address, reason, at, send_id) VALUES (?,?,?,?) "
        "ON CONFLICT (address) DO UPDATE SET reason = excluded.reason, at = excluded.at, "
        # That a person wants no mail matters more than that a mailbox takes none.
        f"send_id = excluded.send_id WHERE suppressions.reason NOT IN {_UNWANTED} "
        f"OR excluded.reason IN {_UNWANTED}",
        [(address, reason, at, send_id) for address, reason, send_id in suppressions],
    )


def suppress_others(suppressions: Sequence[tuple[str, str, datetime]]) -> Write:
    """Stop mail to addresses that are not suppressed yet.

    Args:
        suppressions: (address, reason, the instant of the suppression).
    """
    return Write(
        "INSERT INTO suppressions (address, reason, at, send_id) VALUES (?,?,?,?) "
        "ON CONFLICT (address) DO NOTHING",
        [(address, reason, to_micros(at), None) for address, reason, at in suppressions],
    )


def unsuppress(address: str) -> Write:
    """Allow mail to an address again."""
    return Write("DELETE FROM suppressions WHERE address = ?", [(address,)])
