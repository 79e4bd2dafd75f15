"""Exports of contacts and suppressions as CSV or JSON Lines, streamed page by page."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ..domain.address import is_plain_address
from ..domain.formula_text import escape_formula, unescape_formula
from ..domain.import_columns import EXPORTED_PREFIXES, Field, Target, map_columns
from ..domain.import_job import ImportFormat
from ..domain.import_presets import COMMON_COLUMNS, simplify
from ..domain.journey import EVERYTHING
from ..store import audit
from ..store.read_models import contact_export
from ..store.read_models.contact_export import ExportedContact, ExportPage
from ..store.read_models.contacts import SuppressionRecord
from .actor import Actor, Permission
from .installation import Installation

__all__ = ["ImportFormat", "export_contacts", "export_suppressions"]

PAGE_SIZE = 2000
# Further properties share one column, as JSON.
MAX_PROPERTY_COLUMNS = 1000
_KINDS = {"u:": "userIds", "e:": "emails", "a:": "anonymousIds"}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


async def export_contacts(
    installation: Installation, actor: Actor, format: ImportFormat
) -> AsyncGenerator[bytes]:
    """Return the parts of a file with all contacts.

    JSON Lines loses nothing: its import makes the same contacts. CSV is for spreadsheets, which run
    none of its cells as a formula.

    Args:
        installation: whose contacts.
        actor: who exports them.
        format: the format of the file.

    Raises:
        Forbidden: the actor may not operate, and so may not see the links in properties.
    """
    actor.require(Permission.OPERATE)
    await _record(installation, actor, "export contacts", "/contacts", format)
    if format == "jsonl":
        return _stream_pages(installation, _format_json)
    writer = await _prepare_csv(installation)
    return _stream_pages(installation, writer.format_page, writer.format_header())


async def export_suppressions(
    installation: Installation, actor: Actor, format: ImportFormat
) -> AsyncGenerator[bytes]:
    """Return the parts of a file with all suppressed addresses.

    Raises:
        Forbidden: the actor may not operate.
    """
    actor.require(Permission.OPERATE)
    await _record(installation, actor, "export suppressions", "suppressions", format)
    return _stream_suppressions(installation, format)


async def _record(
    installation: Installation, actor: Actor, action: str, subject: str, format: ImportFormat
) -> None:
    entry = audit.record(
        actor.name, action, subject, installation.clock.now(), after={"format": format}
    )
    async with installation.database.transaction() as tx:
        await tx.apply([entry])


async def _stream_pages(
    installation: Installation, format_page: Callable[[ExportPage], bytes], header: bytes = b""
) -> AsyncGenerator[bytes]:
    if header:
        yield header
    after = contact_export.FIRST
    while True:
        page = await contact_export.load_page(installation.database, after, PAGE_SIZE)
        if page.contacts:
            # In a thread: the server answers others meanwhile.
            yield await asyncio.to_thread(format_page, page)
        if len(page.contacts) < PAGE_SIZE:
            return
        after = page.contacts[-1].id


async def _stream_suppressions(
    installation: Installation, format: ImportFormat
) -> AsyncGenerator[bytes]:
    if format == "csv":
        yield _write_rows([["email", "reason", "at"]])
    after = ""
    while True:
        records = await installation.database.read_one(
            contact_export.find_suppressions(after, PAGE_SIZE)
        )
        if records:
            yield _format_suppressions(records, format)
        if len(records) < PAGE_SIZE:
            return
        after = records[-1].address


def _format_suppressions(records: Sequence[SuppressionRecord], format: ImportFormat) -> bytes:
    rows = [(record.address, record.reason, _format_instant(record.at)) for record in records]
    if format == "csv":
        return _write_rows([[escape_formula(address), *rest] for address, *rest in rows])
    names = ("email", "reason", "at")
    return "".join(_encode(dict(zip(names, row, strict=True))) + "\n" for row in rows).encode()


def _format_json(page: ExportPage) -> bytes:
    lines: list[str] = []
    for contact in page.contacts:
        fields = _to_json(contact, page)
        # The stored text is JSON already.
        lines.append(f'{_encode(fields)[:-1]},"properties":{contact.properties}}}\n')
    return "".join(lines).encode("utf-8", "replace")


def _to_json(contact: ExportedContact, page: ExportPage) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "contactId": str(contact.id),
        "userId": contact.user_id,
        "email": contact.email,
        "anonymousId": contact.anonymous_id,
        "firstSeenAt": _format_instant(contact.first_seen_at),
        "lastSeenAt": _format_instant(contact.last_seen_at),
    }
    if aliases := page.aliases.get(contact.id):
        identities: dict[str, list[str]] = {}
        for alias in aliases:
            identities.setdefault(_KINDS[alias[:2]], []).append(alias[2:])
        fields["identities"] = identities
    if consents := page.consents.get(contact.id):
        fields["lists"] = {
            consent.list_id: {
                "subscribed": consent.subscribed,
                "at": _format_instant(consent.at),
                "source": consent.source,
            }
            for consent in consents
        }
    suppression = page.suppressions.get(contact.email or "")
    if suppression is not None:
        fields["suppression"] = {
            "reason": suppression.reason,
            "at": _format_instant(suppression.at),
        }
    return fields


class _CsvWriter:
    """Writes contacts as rows of CSV (RFC 4180).

    Args:
        properties: the properties with a column of their own.
        lists: the lists with a column.
    """

    def __init__(self, properties: Sequence[str], lists: Sequence[str]) -> None:
        self._properties = properties
        self._known = frozenset(properties)
        self._lists = [list_id for list_id in lists if list_id != EVERYTHING]

    def format_header(self) -> bytes:
        """Return the first line."""
        return _write_rows(
            [
                [
                    *("contactId", "userId", "email", "anonymousId"),
                    *(escape_formula(_name_column(name)) for name in self._properties),
                    "properties",
                    *(f"list:{list_id}" for list_id in self._lists),
                    *("unsubscribed", "suppressed", "firstSeenAt", "lastSeenAt"),
                ]
            ]
        )

    def format_page(self, page: ExportPage) -> bytes:
        """Return the lines of a page."""
        return _write_rows(self._build_row(contact, page) for contact in page.contacts)

    def _build_row(self, contact: ExportedContact, page: ExportPage) -> list[Any]:
        properties = _parse_properties(contact.properties)
        choices = {
            consent.list_id: consent.subscribed for consent in page.consents.get(contact.id, ())
        }
        suppression = page.suppressions.get(contact.email or "")
        others = {name: value for name, value in properties.items() if name not in self._known}
        return [
            contact.id,
            escape_formula(contact.user_id or ""),
            escape_formula(contact.email or ""),
            escape_formula(contact.anonymous_id or ""),
            *(_to_cell(properties.get(name)) for name in self._properties),
            _encode(others) if others else "",
            *(_to_cell(choices.get(list_id)) for list_id in self._lists),
            "true" if choices.get(EVERYTHING) is False else "",
            suppression.reason if suppression else "",
            _format_instant(contact.first_seen_at),
            _format_instant(contact.last_seen_at),
        ]


async def _prepare_csv(installation: Installation) -> _CsvWriter:
    """Find the columns of a CSV: every property that a contact has."""
    database, names = installation.database, set[str]()
    after: UUID | None = contact_export.FIRST
    while after is not None:
        page_names, ends = await database.read(
            contact_export.find_property_names(after, PAGE_SIZE, is_sqlite=database.is_sqlite),
            contact_export.find_nth_id(after, PAGE_SIZE),
        )
        names.update(filter(_can_be_column, page_names))
        after = ends[0] if ends else None
    lists = await database.read_one(contact_export.find_list_ids())
    return _CsvWriter(sorted(names)[:MAX_PROPERTY_COLUMNS], lists)


def _parse_properties(stored: str) -> dict[str, Any]:
    try:
        return json.loads(stored)
    except ValueError:
        # Another program has damaged the row; an export must not end at it.
        return {"unreadable": stored}


def _name_column(name: str) -> str:
    """Return the name of a property's column, by which an import recognises the property."""
    means_else = simplify(name) in COMMON_COLUMNS or not simplify(name)
    return f"property:{name}" if means_else or name.startswith(EXPORTED_PREFIXES) else name


def _can_be_column(name: str) -> bool:
    """Return whether an import takes the property's column for the property.

    It does not for a name without letters, one with spaces at its ends, or an address.
    """
    column = unescape_formula(escape_formula(_name_column(name)).strip())
    if is_plain_address(column.lower()):
        return False
    return map_columns("contacts", [column])[column] == Target(Field.PROPERTY, name)


def _to_cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str):
        return escape_formula(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _encode(value) if isinstance(value, dict | list) else value


def _write_rows(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def _format_instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
