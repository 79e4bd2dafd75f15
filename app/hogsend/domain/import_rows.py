"""Turns the rows of an imported file into facts about contacts, or says why a row is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from .address import normalize_email
from .formula_text import unescape_formula
from .import_columns import Columns, Field, ImportKind, Target, ValueType, map_columns
from .import_presets import Preset, simplify
from .import_values import CONVERTERS, to_boolean, to_id, to_instant, to_object, to_text
from .incoming import check_properties
from .send_policy import EVERYTHING

_PREFIXES = {"userIds": "u:", "emails": "e:", "anonymousIds": "a:"}
MAX_REASON_LENGTH, MAX_SOURCE_LENGTH, MAX_LIST_ID_LENGTH = 40, 40, 100
# Clocks differ, and an instant without a zone is taken for UTC.
MAX_AHEAD = timedelta(days=1)
# What a status or a reason means: a suppression for this reason, or None for "unsubscribed".
_REASONS: Mapping[str, str | None] = {
    "unsubscribed": None,
    "unsubscribe": None,
    "optedout": None,
    "optout": None,
    "disabled": None,
    "bounced": "hard_bounce",
    "bounce": "hard_bounce",
    "hardbounce": "hard_bounce",
    "cleaned": "hard_bounce",
    "softbounces": "soft_bounces",
    "complained": "complaint",
    "complaint": "complaint",
    "spam": "complaint",
    "blocklisted": "blocklisted",
    "blacklisted": "blocklisted",
}
_FINE = frozenset({"", "subscribed", "active", "enabled", "confirmed", "optedin"})


@dataclass(frozen=True, slots=True)
class ImportedChoice:
    """A choice about a list that an imported row has.

    Args:
        subscribed: whether the contact wants the list.
        at: when the contact chose; None for now.
        source: who made the choice; None for the import.
    """

    subscribed: bool
    at: datetime | None = None
    source: str | None = None


_SUBSCRIBED = ImportedChoice(subscribed=True)


@dataclass(frozen=True, slots=True)
class AddressSuppression:
    """The suppression of the row's address, with when it happened; None for now."""

    reason: str
    at: datetime | None = None


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


@dataclass(slots=True)
class _Draft:
    """What was read of a row so far.

    Args:
        latest: instants after this one are refused.
        values: fields of `ContactFacts` by their names.
        properties: properties to set.
        choices: choices about lists.
    """

    latest: datetime
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    properties: dict[str, Any] = field(default_factory=dict[str, Any])
    choices: dict[str, ImportedChoice] = field(default_factory=dict[str, ImportedChoice])


_Reader = Callable[[_Draft, Any], None]


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
    read: _Reader | None


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
        self._readers = {name: _build_reader(target) for name, target in columns.items()}
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
        draft = _Draft(self._latest)
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
        own = {name: value for name, value, read in cells if read is not _read_properties}
        if problem := check_properties(own, escapes=True):
            raise RowRefused(f"The row {problem}")
        draft = _Draft(self._latest)
        for name, value, read in cells:
            if read is None:
                continue
            try:
                read(draft, value)
            except ValueError as error:
                raise RowRefused(f"{name}: {error}") from None
        return self._build(draft)

    def _find_reader(self, name: str) -> _Reader | None:
        """Return what reads a value of a JSON row, whose names may differ from the first row's."""
        if name not in self._readers:
            target = map_columns(self._kind, [name], self._preset)[name]
            self._readers[name] = _build_reader(target)
        return self._readers[name]

    def _build(self, draft: _Draft) -> ContactFacts:
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


def _require_suppression(draft: _Draft) -> None:
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


def _build_reader(target: Target) -> _Reader | None:
    """Return the function that reads a value; None when the column is ignored."""
    if target.field is Field.IGNORE:
        return None
    if target.field is Field.PROPERTY:
        return _build_property_reader(target.name, target.type)
    if target.field is Field.LIST:
        return _build_list_reader(target.name)
    return _READERS[target.field]


def _build_property_reader(name: str, value_type: ValueType) -> _Reader:
    convert = CONVERTERS.get(value_type)

    def read(draft: _Draft, value: Any) -> None:
        draft.properties[name] = convert(value) if convert else value

    return read


def _build_list_reader(list_id: str) -> _Reader:
    def read(draft: _Draft, value: Any) -> None:
        if value is not None:
            draft.choices[list_id] = ImportedChoice(to_boolean(value))

    return read


def _read_email(draft: _Draft, value: Any) -> None:
    if value is not None:
        draft.values["email"] = normalize_email(to_text(value))


def _build_id_reader(name: str) -> _Reader:
    def read(draft: _Draft, value: Any) -> None:
        if value is not None:
            draft.values[name] = to_id(value)

    return read


def _read_identities(draft: _Draft, value: Any) -> None:
    aliases: list[str] = []
    for name, texts in to_object(value).items():
        if name not in _PREFIXES or not isinstance(texts, list):
            raise ValueError("must have lists named userIds, emails and anonymousIds")
        convert = normalize_email if name == "emails" else to_id
        aliases += [_PREFIXES[name] + convert(to_text(text)) for text in cast("list[Any]", texts)]
    draft.values["aliases"] = tuple(dict.fromkeys(aliases))


def _read_properties(draft: _Draft, value: Any) -> None:
    if value is None:
        return
    properties = to_object(value)
    if problem := check_properties(properties, escapes=True):
        raise ValueError(problem)
    draft.properties.update(properties)


def _read_lists(draft: _Draft, value: Any) -> None:
    if value is None:
        return
    for list_id, choice in to_object(value).items():
        if not 0 < len(list_id) <= MAX_LIST_ID_LENGTH:
            raise ValueError(f"a list has an id of 1 to {MAX_LIST_ID_LENGTH} characters")
        if not isinstance(choice, dict):
            draft.choices[list_id] = ImportedChoice(to_boolean(choice))
            continue
        entry = cast("dict[str, Any]", choice)
        source = entry.get("source")
        draft.choices[list_id] = ImportedChoice(
            to_boolean(entry.get("subscribed")),
            to_instant(entry["at"], draft.latest) if entry.get("at") else None,
            to_text(source)[:MAX_SOURCE_LENGTH] if source else None,
        )


def _read_subscribed(draft: _Draft, value: Any) -> None:
    if value is not None:
        draft.choices[EVERYTHING] = ImportedChoice(to_boolean(value))


def _read_unsubscribed(draft: _Draft, value: Any) -> None:
    if value is not None:
        draft.choices[EVERYTHING] = ImportedChoice(not to_boolean(value))


def _read_unsubscribed_at(draft: _Draft, value: Any) -> None:
    if value:
        draft.choices[EVERYTHING] = ImportedChoice(subscribed=False)


def _read_bounced_at(draft: _Draft, value: Any) -> None:
    if value:
        draft.values["suppression"] = AddressSuppression("hard_bounce")


def _read_status(draft: _Draft, value: Any) -> None:
    text = simplify(to_text(value)) if value is not None else ""
    if text not in _FINE:
        _read_reason(draft, value)


def _read_reason(draft: _Draft, value: Any) -> None:
    text = simplify(to_text(value)) if value is not None else "unsubscribed"
    if text not in _REASONS:
        raise ValueError(
            f"{value!r} is none of: unsubscribed, bounced, complained, blocklisted, subscribed"
        )
    reason = _REASONS[text]
    if reason is None:
        draft.choices[EVERYTHING] = ImportedChoice(subscribed=False)
    else:
        draft.values["suppression"] = AddressSuppression(reason)


def _read_suppressed(draft: _Draft, value: Any) -> None:
    if value:
        draft.values["suppression"] = AddressSuppression(to_text(value)[:MAX_REASON_LENGTH])


def _read_suppression(draft: _Draft, value: Any) -> None:
    if value is None:
        return
    entry = to_object(value)
    reason = to_text(entry.get("reason"))
    if not 0 < len(reason) <= MAX_REASON_LENGTH:
        raise ValueError(f"needs a reason of 1 to {MAX_REASON_LENGTH} characters")
    at = to_instant(entry["at"], draft.latest) if entry.get("at") else None
    draft.values["suppression"] = AddressSuppression(reason, at)


def _build_instant_reader(name: str) -> _Reader:
    def read(draft: _Draft, value: Any) -> None:
        if value is not None:
            draft.values[name] = to_instant(value, draft.latest)

    return read


_READERS: Mapping[Field, _Reader] = {
    Field.EMAIL: _read_email,
    Field.USER_ID: _build_id_reader("user_id"),
    Field.ANONYMOUS_ID: _build_id_reader("anonymous_id"),
    Field.IDENTITIES: _read_identities,
    Field.PROPERTIES: _read_properties,
    Field.LISTS: _read_lists,
    Field.SUBSCRIBED: _read_subscribed,
    Field.UNSUBSCRIBED: _read_unsubscribed,
    Field.UNSUBSCRIBED_AT: _read_unsubscribed_at,
    Field.BOUNCED_AT: _read_bounced_at,
    Field.STATUS: _read_status,
    Field.REASON: _read_reason,
    Field.SUPPRESSED: _read_suppressed,
    Field.SUPPRESSION: _read_suppression,
    # The instant of a suppression, until the row is complete.
    Field.SUPPRESSED_AT: _build_instant_reader("first_seen_at"),
    Field.FIRST_SEEN_AT: _build_instant_reader("first_seen_at"),
    Field.LAST_SEEN_AT: _build_instant_reader("last_seen_at"),
}
