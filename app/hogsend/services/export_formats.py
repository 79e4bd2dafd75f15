"""The formats of exported contacts: lines of JSON, and rows of CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any

from ..domain.address import is_plain_address
from ..domain.formula_text import escape_formula, unescape_formula
from ..domain.import_columns import EXPORTED_PREFIXES, Field, Target, map_columns
from ..domain.import_presets import COMMON_COLUMNS, simplify
from ..domain.journey import EVERYTHING
from ..store.read_models.contact_export import ExportPage
from ..store.read_models.contacts import ConsentRecord, SuppressionRecord

_KINDS = {"u:": "userIds", "e:": "emails", "a:": "anonymousIds"}
# Texts that begin with any other character are no formulas.
_SUSPICIOUS = frozenset("=+-@\t\r'")
encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def format_json(page: ExportPage) -> bytes:
    """Return the lines of a page of contacts."""
    return "".join(_build_lines(page)).encode("utf-8", "replace")


def _build_lines(page: ExportPage) -> Iterator[str]:
    quote, has_more = encode_basestring, page.has_more
    suppressions = page.suppressions
    for id_, user_id, email, anonymous_id, properties, first_seen_at, last_seen_at in page.read():
        further = _describe_further(id_, page) if has_more else ""
        if email and suppressions and email in suppressions:
            further += f',"suppression":{_encode_suppression(suppressions[email])}'
        # The stored text of the properties is JSON already.
        yield (
            f'{{"contactId":"{id_}","userId":{quote(user_id) if user_id is not None else "null"},'
            f'"email":{quote(email) if email is not None else "null"},'
            f'"anonymousId":{quote(anonymous_id) if anonymous_id is not None else "null"},'
            f'"firstSeenAt":"{first_seen_at}","lastSeenAt":"{last_seen_at}"{further},'
            f'"properties":{properties}}}\n'
        )


def _describe_further(contact_id: str, page: ExportPage) -> str:
    """Return what only some contacts have, as members of a JSON object."""
    text = ""
    if aliases := page.aliases.get(contact_id):
        identities: dict[str, list[str]] = {}
        for alias in aliases:
            identities.setdefault(_KINDS[alias[:2]], []).append(alias[2:])
        text += f',"identities":{encode_json(identities)}'
    if consents := page.consents.get(contact_id):
        lists = {consent.list_id: _describe_consent(consent) for consent in consents}
        text += f',"lists":{encode_json(lists)}'
    return text


def _describe_consent(consent: ConsentRecord) -> dict[str, Any]:
    return {
        "subscribed": consent.subscribed,
        "at": format_instant(consent.at),
        "source": consent.source,
    }


def _encode_suppression(suppression: SuppressionRecord) -> str:
    return encode_json({"reason": suppression.reason, "at": format_instant(suppression.at)})


class CsvWriter:
    """Writes contacts as rows of CSV (RFC 4180).

    Args:
        properties: the properties with a column of their own.
        lists: the lists with a column.
    """

    def __init__(self, properties: Sequence[str], lists: Sequence[str]) -> None:
        self._properties = properties
        self._lists = [list_id for list_id in lists if list_id != EVERYTHING]
        self._places = {name: place for place, name in enumerate(properties)}

    def format_header(self) -> bytes:
        """Return the first line."""
        return write_rows(
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
        return write_rows(self._build_rows(page))

    def _build_rows(self, page: ExportPage) -> Iterator[list[Any]]:
        # A property that nobody had when the columns were chosen is among the others.
        empty = [""] * (len(self._properties) + 1)
        no_choices, suppressions = [""] * (len(self._lists) + 1), page.suppressions
        for id_, user_id, email, anonymous_id, stored, first_seen_at, last_seen_at in page.read():
            cells = empty.copy()
            if stored != "{}":
                self._fill_cells(cells, _parse_properties(stored))
            suppression = suppressions.get(email) if email and suppressions else None
            yield [
                id_,
                escape_formula(user_id or ""),
                escape_formula(email or ""),
                escape_formula(anonymous_id or ""),
                *cells,
                *(self._list_choices(id_, page) if page.consents else no_choices),
                suppression.reason if suppression else "",
                first_seen_at,
                last_seen_at,
            ]

    def _fill_cells(self, cells: list[Any], properties: dict[str, Any]) -> None:
        places, suspicious = self._places, _SUSPICIOUS
        others: dict[str, Any] = {}
        for name, value in properties.items():
            place = places.get(name)
            if place is None:
                others[name] = value
            elif type(value) is str:
                cells[place] = escape_formula(value) if value[:1] in suspicious else value
            else:
                cells[place] = _to_cell(value)
        if others:
            cells[-1] = encode_json(others)

    def _list_choices(self, contact_id: str, page: ExportPage) -> list[str]:
        consents = page.consents.get(contact_id, ())
        choices = {consent.list_id: consent.subscribed for consent in consents}
        return [
            *(_to_cell(choices.get(list_id)) for list_id in self._lists),
            "true" if choices.get(EVERYTHING) is False else "",
        ]


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


def can_be_column(name: str) -> bool:
    """Return whether an import takes the property's column for the property.

    It does not for a name without letters, one with spaces at its ends, or an address.
    """
    column = unescape_formula(escape_formula(_name_column(name)).strip())
    if is_plain_address(column.lower()):
        return False
    return map_columns("contacts", [column])[column] == Target(Field.PROPERTY, name)


def _to_cell(value: Any) -> Any:
    """Return a value that is no text as a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return encode_json(value) if isinstance(value, dict | list) else value


def write_rows(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return rows as CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def format_instant(instant: datetime) -> str:
    """Return an instant as ISO 8601 in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
