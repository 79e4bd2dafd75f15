"""Contacts for exports: pages in the order of their ids, with everything that an import takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ..db import Database, Query, Row
from ..json_text import to_json
from ..models import ContactRow, SuppressionRow
from ..rows import RowMapper, read_column
from ..stored import Stored
from .contacts import ConsentRecord, SuppressionRecord


class ExportedContact(NamedTuple):
    """A contact of an export.

    Args:
        id: our id.
        user_id: the id that the product gives the contact.
        email: its address.
        anonymous_id: the browser id that it was first seen with.
        properties: what the product sent about the contact, as JSON text.
        first_seen_at: when the contact was first seen.
        last_seen_at: when the contact was last seen.
    """

    id: UUID
    user_id: str | None
    email: str | None
    anonymous_id: str | None
    properties: str
    first_seen_at: datetime
    last_seen_at: datetime


class _Alias(NamedTuple):
    contact_id: UUID
    identity: str


class _Consent(NamedTuple):
    contact_id: UUID
    list_id: str
    subscribed: bool
    changed_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class ExportPage:
    """Some contacts, with what belongs to them.

    Args:
        contacts: the contacts, by id.
        aliases: their identities that are not among their fields, in their stored form.
        consents: their choices about lists.
        suppressions: why their addresses must not be mailed, by address.
    """

    contacts: Sequence[ExportedContact]
    aliases: Mapping[UUID, Sequence[str]]
    consents: Mapping[UUID, Sequence[ConsentRecord]]
    suppressions: Mapping[str, SuppressionRecord]


def _read_text(stored: Any) -> str:
    return stored if isinstance(stored, str) else to_json(stored)


_CONTACTS = RowMapper(
    ExportedContact,
    ContactRow,
    "c",
    user_id=Stored(columns=("external_id",)),
    properties=Stored(_read_text),
)
_ALIASES = RowMapper(_Alias, contact_id="i.contact_id", identity="i.identity")
_CONSENTS = RowMapper(
    _Consent,
    contact_id="contact_id",
    list_id="list_id",
    subscribed="subscribed",
    changed_at="changed_at",
    source="source",
)
_SUPPRESSIONS = RowMapper(SuppressionRecord, SuppressionRow)
FIRST = UUID(int=0)


async def load_page(database: Database, after: UUID, limit: int) -> ExportPage:
    """Load contacts in the order of their ids.

    Args:
        database: the open database.
        after: the last contact of the page before; `FIRST` for the first page.
        limit: how many at most.
    """
    contacts = await database.read_one(
        Query(
            f"SELECT {_CONTACTS.columns} FROM contacts c WHERE c.id > ? AND c.merged_into IS NULL "
            "AND c.erased_at IS NULL ORDER BY c.id LIMIT ?",
            [after, limit],
            _CONTACTS.read_all,
        )
    )
    if not contacts:
        return ExportPage([], {}, {}, {})
    first, last = contacts[0].id, contacts[-1].id
    addresses = [contact.email for contact in contacts if contact.email]
    aliases, consents, suppressions = await database.read(
        _find_aliases(first, last),
        _find_consents(first, last),
        Query(
            f"SELECT {_SUPPRESSIONS.columns} FROM suppressions WHERE address IN ?",
            [addresses],
            _SUPPRESSIONS.read_by("address"),
        ),
    )
    return ExportPage(contacts, aliases, consents, suppressions)


def _find_aliases(first: UUID, last: UUID) -> Query[dict[UUID, list[str]]]:
    """Query the identities of contacts that are not among their fields, by contact."""

    def read(rows: list[Row]) -> dict[UUID, list[str]]:
        by_contact: dict[UUID, list[str]] = defaultdict(list)
        for alias in map(_ALIASES.read, rows):
            by_contact[alias.contact_id].append(alias.identity)
        return by_contact

    return Query(
        f"SELECT {_ALIASES.columns} FROM contacts c JOIN identities i ON i.contact_id = c.id "
        "WHERE c.id BETWEEN ? AND ? AND i.identity <> COALESCE('u:' || c.external_id, '') "
        "AND i.identity <> COALESCE('e:' || c.email, '') "
        "AND i.identity <> COALESCE('a:' || c.anonymous_id, '') ORDER BY i.identity",
        [first, last],
        read,
    )


def _find_consents(first: UUID, last: UUID) -> Query[dict[UUID, list[ConsentRecord]]]:
    """Query the choices of contacts about lists, by contact."""

    def read(rows: list[Row]) -> dict[UUID, list[ConsentRecord]]:
        by_contact: dict[UUID, list[ConsentRecord]] = defaultdict(list)
        for consent in map(_CONSENTS.read, rows):
            by_contact[consent.contact_id].append(
                ConsentRecord(
                    consent.list_id, consent.subscribed, consent.changed_at, consent.source, None
                )
            )
        return by_contact

    return Query(
        f"SELECT {_CONSENTS.columns} FROM consents WHERE contact_id BETWEEN ? AND ? "
        "ORDER BY contact_id, list_id",
        [first, last],
        read,
    )


def find_property_names(after: UUID, limit: int, *, is_sqlite: bool) -> Query[list[str]]:
    """Query the names of the properties of contacts.

    Args:
        after: only of contacts after this one.
        limit: how many contacts at most, in the order of their ids.
        is_sqlite: whether the database is SQLite.
    """
    valid = "CASE WHEN json_valid(c.properties) THEN c.properties ELSE '{}' END"
    keys = f"json_each({valid}) p" if is_sqlite else "jsonb_object_keys(c.properties) p(key)"
    return Query(
        "SELECT DISTINCT p.key FROM (SELECT properties FROM contacts WHERE id > ? "
        f"AND merged_into IS NULL AND erased_at IS NULL ORDER BY id LIMIT ?) c, {keys}",
        [after, limit],
        read_column(str),
    )


def find_nth_id(after: UUID, limit: int) -> Query[list[UUID]]:
    """Query the id of the contact that ends a page of `limit` contacts; none on the last page."""
    return Query(
        "SELECT id FROM contacts WHERE id > ? AND merged_into IS NULL AND erased_at IS NULL "
        "ORDER BY id LIMIT 1 OFFSET ?",
        [after, limit - 1],
        read_column(UUID),
    )


def find_list_ids() -> Query[list[str]]:
    """Query the lists about which any contact has made a choice."""
    return Query("SELECT DISTINCT list_id FROM consents ORDER BY list_id", [], read_column(str))


def find_suppressions(after: str, limit: int) -> Query[list[SuppressionRecord]]:
    """Query suppressions in the order of their addresses.

    Args:
        after: the last address of the page before; empty for the first page.
        limit: how many at most.
    """
    return Query(
        f"SELECT {_SUPPRESSIONS.columns} FROM suppressions WHERE address > ? "
        "ORDER BY address LIMIT ?",
        [after, limit],
        _SUPPRESSIONS.read_all,
    )
