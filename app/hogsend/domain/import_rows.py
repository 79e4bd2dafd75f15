"""Turns the rows of an imported file into facts about contacts, or says why a row is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from .formula_text import unescape_formula
from .import_cells import (
    AddressSuppression,
    ImportedChoice,
    Reader,
    RowDraft,
    build_reader,
    read_properties,
)
from .import_columns import Columns, Field, ImportKind, map_columns
from .import_presets import Preset
from .import_values import CONVERTERS
from .incoming import check_properties
from .send_policy import EVERYTHING

# Clocks differ, and an instant without a zone is taken for UTC.
MAX_AHEAD = timedelta(days=1)
_SUBSCRIBED = ImportedChoice(subscribed=True)


# An import makes one for every row; a frozen dataclass takes three times as long.
class ContactFacts(NamedTuple):
    """What a row says about a contact.

    Args:
        user_id: the contact's id in the product.
        email: the address, normalized.
        anonymous_id: the browser id.
        aliases: further identities in their stored form, such as `e:old@example.com`.
        properties: properties to set; null deletes one.
        choices: choices about lists, by list; `*` is every list.
        suppression: why the address must not be mailed.
        first_seen_at: when the contact was first seen elsewhere.
        last_seen_at: when the contact was last seen elsewhere.
    """

    user_id: str | None = None
    email: str | None = None
    anonymous_id: str | None = None
    aliases: Sequence[str] = ()
    properties: Mapping[str, Any] = MappingProxyType({})
    choices: Mapping[str, ImportedChoice] = MappingProxyType({})
    suppression: AddressSuppression | None = None
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None


class RowRefused(ValueError):
    """A row cannot be imported; the message is the reason, without a full stop at its end."""


class _Cell(NamedTuple):
    """How a cell of CSV is read.

    Args:
        number: its place in the row.
        column: the name of its column.
        property: the property that it is; None for any other fact.
        convert: converts the text of a property; None to keep it.
        read: reads a fact that is no property.
    """

    number: int
    column: str
    property: str | None
    convert: Callable[[Any], Any] | None
    read: Reader | None


class RowParser:
    """Reads the rows of one file.

    Args:
        kind: what the rows are.
        columns: what each column is imported as.
        preset: the product that the file comes from, for names that only later rows have.
        lists: lists that every contact is subscribed to, unless its row says otherwise.
        now: the current time; rows from the future are refused.
    """

    def __init__(
        self,
        kind: ImportKind,
        columns: Columns,
        preset: Preset | None = None,
        lists: Sequence[str] = (),
        *,
        now: datetime,
    ) -> None:
        self._kind: ImportKind = kind
        self._latest = now + MAX_AHEAD
        self._preset = preset
        self._lists = dict.fromkeys(lists, _SUBSCRIBED)
        self._width = len(columns)
        self._readers = {name: build_reader(target) for name, target in columns.items()}
        self._cells = [
            _Cell(number, name, target.name, CONVERTERS.get(target.type), None)
            if target.field is Field.PROPERTY
            else _Cell(number, name, None, None, self._readers[name])
            for number, (name, target) in enumerate(columns.items())
            if target.field is not Field.IGNORE
        ]

    def parse_cells(self, cells: Sequence[str]) -> ContactFacts:
        """Read a row of CSV.

        Raises:
            RowRefused: the row cannot be imported.
        """
        if len(cells) != self._width:
            raise RowRefused(
                f"The row has {len(cells)} cells, and the header has {self._width} columns"
            )
        draft = RowDraft(self._latest)
        properties = draft.properties
        for number, column, name, convert, read in self._cells:
            text = cells[number].strip()
            if not text:
                continue
            if text[0] == "'":
                text = unescape_formula(text)
            try:
                # The first does what the reader of a property does, without a call for each.
                if name is not None:
                    properties[name] = convert(text) if convert else text
                elif read is not None:
                    read(draft, text)
            except ValueError as error:
                raise RowRefused(f"{column}: {error}") from None
        return self._build(draft)

    def parse_object(self, row: Mapping[str, Any]) -> ContactFacts:
        """Read a row of JSON.

        Raises:
            RowRefused: the row cannot be imported.
        """
        cells = [(name, value, self._find_reader(name)) for name, value in row.items()]
        # Properties are one level deeper here than in the contact: their reader checks them.
        own = {name: value for name, value, read in cells if read is not read_properties}
        if problem := check_properties(own, escapes=True):
            raise RowRefused(f"The row {problem}")
        draft = RowDraft(self._latest)
        for name, value, read in cells:
            if read is None:
                continue
            try:
                read(draft, value)
            except ValueError as error:
                raise RowRefused(f"{name}: {error}") from None
        return self._build(draft)

    def _find_reader(self, name: str) -> Reader | None:
        """Return what reads a value of a JSON row, whose names may differ from the first row's."""
        if name not in self._readers:
            target = map_columns(self._kind, [name], self._preset)[name]
            self._readers[name] = build_reader(target)
        return self._readers[name]

    def _build(self, draft: RowDraft) -> ContactFacts:
        values, choices = draft.values, draft.choices
        if self._kind == "suppressions":
            _require_suppression(draft)
        elif self._lists and choices.get(EVERYTHING, _SUBSCRIBED).subscribed:
            choices = {**self._lists, **choices}
        facts = ContactFacts(properties=draft.properties, choices=choices, **values)
        if not (facts.user_id or facts.email or facts.anonymous_id):
            if not facts.aliases:
                raise RowRefused("The row has no email address and no user id")
            facts = _promote_alias(facts)
        if facts.suppression is not None and facts.email is None:
            raise RowRefused("The row suppresses an address and has none")
        return facts


def _require_suppression(draft: RowDraft) -> None:
    if "email" not in draft.values:
        raise RowRefused("The row has no email address")
    at = draft.values.pop("first_seen_at", None)
    suppression: AddressSuppression | None = draft.values.get("suppression")
    if suppression is not None:
        draft.values["suppression"] = replace(suppression, at=at)
    else:
        draft.choices[EVERYTHING] = ImportedChoice(subscribed=False, at=at)


def _promote_alias(facts: ContactFacts) -> ContactFacts:
    first, *rest = facts.aliases
    name = {"u:": "user_id", "e:": "email", "a:": "anonymous_id"}[first[:2]]
    return facts._replace(aliases=rest, **{name: first[2:]})
