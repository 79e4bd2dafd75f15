"""Contacts for exports: pages in the order of their ids, with everything that an import takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from ..db import Database, Query, Row
from ..fields import from_micros
from ..json_text import to_json
from ..models import ContactRow, SuppressionRow
from ..rows import RowMapper, read_column
from ..stored import Stored
from .contacts import ConsentRecord, SuppressionRecord


class ExportedContact(NamedTuple):
    """A contact of an export.

    Args:
        id: our id, as text.
        user_id: the id that the product gives the contact.
        email: its address.
        anonymous_id: the browser id that it was first seen with.
        properties: what the product sent about the contact, as JSON text.
        first_seen_at: when the contact was first seen, in ISO 8601.
        last_seen_at: when the contact was last seen, in ISO 8601.
    """

    id: str
    user_id: str | None
    email: str | None
    anonymous_id: str | None
    properties: str
    first_seen_at: str
    last_seen_at: str


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
        rows: the contacts as stored, in the order of their ids.
        last_id: the last of them; None when no page follows.
        aliases: their identities that are not among their fields, in their stored form, by id.
        consents: their choices about lists, by id.
        suppressions: why their addresses must not be mailed, by address.
    """

    rows: Sequence[Row]
    last_id: UUID | None
    aliases: Mapping[str, Sequence[str]]
    consents: Mapping[str, Sequence[ConsentRecord]]
    suppressions: Mapping[str, SuppressionRecord]

    @property
    def has_more(self) -> bool:
        """Whether any contact has more than its fields."""
        return bool(self.aliases or self.consents)

    def read(self) -> Iterator[ExportedContact]:
        """Yield the contacts; a page has many, so this belongs in a thread."""
        return map(_CONTACTS.read, self.rows)


def _format_id(stored: Any) -> str:
    if not isinstance(stored, bytes):
        return str(stored)
    text = stored.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


# Contacts that were imported together, and those who came only once, share their instants.
@lru_cache(maxsize=1024)
def _format_micros(micros: int) -> str:
    return from_micros(micros).isoformat().replace("+00:00", "Z")


def _read_text(stored: Any) -> str:
    return stored if isinstance(stored, str) else to_json(stored)


_CONTACTS = RowMapper(
    ExportedContact,
    ContactRow,
    "c",
    id=Stored(_format_id, columns=("id",)),
    user_id=Stored(columns=("external_id",)),
    properties=Stored(_read_text),
    first_seen_at=Stored(_format_micros),
    last_seen_at=Stored(_format_micros),
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
_SUPPRESSIONS = RowMapper(SuppressionRecord, SuppressionRow, "s")
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
            list,
        )
    )
    if not contacts:
        return ExportPage([], None, {}, {}, {})
    first, last = (UUID(contact.id) for contact in map(_CONTACTS.read, (contacts[0], contacts[-1])))
    aliases, consents, suppressions = await database.read(
        _find_aliases(first, last), _find_consents(first, last), _find_suppressed(first, last)
    )
    last_id = last if len(contacts) == limit else None
    return ExportPage(contacts, last_id, aliases, consents, suppressions)


def _find_suppressed(first: UUID, last: UUID) -> Query[dict[str, SuppressionRecord]]:
    """Query the suppressions of the addresses of contacts, by address."""
    return Query(
        f"SELECT {_SUPPRESSIONS.columns} FROM contacts c "
        "JOIN suppressions s ON s.address = c.email "
        "WHERE c.id BETWEEN ? AND ?",
        [first, last],
        _SUPPRESSIONS.read_by("address"),
    )


def _find_aliases(first: UUID, last: UUID) -> Query[dict[str, list[str]]]:
    """Query the identities of contacts that are not among their fields, by contact."""

    def read(rows: list[Row]) -> dict[str, list[str]]:
        by_contact: dict[str, list[str]] = defaultdict(list)
        for alias in map(_ALIASES.read, rows):
            by_contact[str(alias.contact_id)].append(alias.identity)
        return by_contact

    return Query(
        f"SELECT {_ALIASES.columns} FROM contacts c JOIN identities i ON i.contact_id = c.id "
        "WHERE c.id BETWEEN ? AND ? AND i.identity <> COALESCE('u:' || c.external_id, '') "
        "AND i.identity <> COALESCE('e:' || c.email, '') "
        "AND i.identity <> COALESCE('a:' || c.anonymous_id, '') ORDER BY i.identity",
        [first, last],
        read,
    )


def _find_consents(first: UUID, last: UUID) -> Query[dict[str, list[ConsentRecord]]]:
    """Query the choices of contacts about lists, by contact."""

    def read(rows: list[Row]) -> dict[str, list[ConsentRecord]]:
        by_contact: dict[str, list[ConsentRecord]] = defaultdict(list)
        for consent in map(_CONSENTS.read, rows):
            by_contact[str(consent.contact_id)].append(
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
        f"SELECT {_SUPPRESSIONS.columns} FROM suppressions s WHERE s.address > ? "
        "ORDER BY s.address LIMIT ?",
        [after, limit],
        _SUPPRESSIONS.read_all,
    )
