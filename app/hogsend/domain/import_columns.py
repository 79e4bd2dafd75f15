"""What the columns of an imported file mean: guessed from their names, from a preset, or given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

from .import_presets import (
    COMMON_COLUMNS,
    PRESETS,
    SUPPRESSION_COLUMNS,
    Preset,
    simplify,
)
from .incoming import MAX_NAME_LENGTH, check_text

ValueType = Literal["text", "number", "boolean", "json"]
_TYPES: tuple[ValueType, ...] = get_args(ValueType)
ImportKind = Literal["contacts", "suppressions"]


class Field(StrEnum):
    """What a column may hold."""

    EMAIL = "email"
    USER_ID = "userId"
    ANONYMOUS_ID = "anonymousId"
    IDENTITIES = "identities"
    PROPERTY = "property"
    PROPERTIES = "properties"
    LIST = "list"
    LISTS = "lists"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    UNSUBSCRIBED_AT = "unsubscribedAt"
    BOUNCED_AT = "bouncedAt"
    STATUS = "status"
    REASON = "reason"
    SUPPRESSED = "suppressed"
    SUPPRESSED_AT = "suppressedAt"
    SUPPRESSION = "suppression"
    FIRST_SEEN_AT = "firstSeenAt"
    LAST_SEEN_AT = "lastSeenAt"
    IGNORE = "ignore"


IDENTIFYING = (Field.EMAIL, Field.USER_ID, Field.ANONYMOUS_ID, Field.IDENTITIES)
_NAMED = (Field.PROPERTY, Field.LIST)
# How an export names the columns of lists, and of properties whose names mean something else.
EXPORTED_PREFIXES = ("property:", "list:")
_EXPECTED = (
    "Use email, userId, anonymousId, property:NAME, property:NAME:number (or :boolean, :json), "
    "properties, list:ID, lists, subscribed, unsubscribed, unsubscribedAt, bouncedAt, status, "
    "firstSeenAt, lastSeenAt or ignore."
)


@dataclass(frozen=True, slots=True)
class Target:
    """What one column is imported as.

    Args:
        field: which part of a contact.
        name: the property or the list; empty for other fields.
        type: how the text of a property is converted.
    """

    field: Field
    name: str = ""
    type: ValueType = "text"

    def __str__(self) -> str:
        if self.field is Field.PROPERTY:
            # The end of a name such as `seats:number` is no type.
            is_plain = self.type == "text" and self.name.rpartition(":")[2] not in _TYPES
            suffix = "" if is_plain else f":{self.type}"
            return f"{self.field}:{self.name}{suffix}"
        return f"{self.field}:{self.name}" if self.name else str(self.field)


Columns = Mapping[str, Target]


def parse_target(text: str) -> Target:
    """Read a target such as `email`, `property:plan`, `property:seats:number` or `list:news`.

    Raises:
        ValueError: the text is no target; the message says what is.
    """
    head, _, rest = text.strip().partition(":")
    if head not in list(Field):
        raise ValueError(f"{text!r} is nothing that a column can be imported as. {_EXPECTED}")
    field = Field(head)
    if field not in _NAMED:
        if rest:
            raise ValueError(f"{head!r} takes no name. {_EXPECTED}")
        return Target(field)
    name, value_type = rest, "text"
    before, _, last = rest.rpartition(":")
    if field is Field.PROPERTY and before and last in _TYPES:
        name, value_type = before, last
    name = name.strip()
    problem = check_text(name)
    if not name or len(name) > MAX_NAME_LENGTH or problem:
        raise ValueError(
            f"{text!r} {problem or f'needs a name of 1 to {MAX_NAME_LENGTH} characters'}. "
            f"{_EXPECTED}"
        )
    return Target(field, name, value_type)


def find_preset(name: str) -> Preset | None:
    """Return the preset with a name; None when there is none."""
    return PRESETS.get(simplify(name))


def guess_preset(columns: Sequence[str]) -> Preset | None:
    """Return the product whose export has these columns; None when none is recognised."""
    names = frozenset(map(simplify, columns))
    return next((preset for preset in PRESETS.values() if preset.is_export_with(names)), None)


def map_columns(
    kind: ImportKind,
    columns: Sequence[str],
    preset: Preset | None = None,
    chosen: Columns | None = None,
) -> dict[str, Target]:
    """Return what each column is imported as.

    Args:
        kind: what the rows are.
        columns: the names of the columns, each once.
        preset: the product that the file comes from.
        chosen: what someone has decided about columns, which overrides the guess.
    """
    chosen = chosen or {}
    return {column: chosen.get(column) or _guess(kind, column, preset) for column in columns}


def _guess(kind: ImportKind, column: str, preset: Preset | None) -> Target:
    name = simplify(column)
    if kind == "suppressions":
        return parse_target(SUPPRESSION_COLUMNS.get(name, "ignore"))
    known = (preset.columns.get(name) if preset else None) or COMMON_COLUMNS.get(name)
    if known is not None:
        return parse_target(known)
    if column.startswith(EXPORTED_PREFIXES):
        with suppress(ValueError):
            return parse_target(column)
    if not name:
        return Target(Field.IGNORE)
    return Target(Field.PROPERTY, column.strip()[:MAX_NAME_LENGTH])


def check_columns(kind: ImportKind, columns: Columns) -> str | None:
    """Return why rows with these columns cannot be imported; None when they can."""
    targets = list(columns.values())
    if kind == "suppressions" and not any(target.field is Field.EMAIL for target in targets):
        return "No column holds an email address"
    if not any(target.field in IDENTIFYING for target in targets):
        return "No column holds an email address or a user id"
    for field in Field:
        if field in (*_NAMED, Field.IGNORE):
            continue
        names = [column for column, target in columns.items() if target.field is field]
        if len(names) > 1:
            return f"The columns {names[0]!r} and {names[1]!r} are both mapped to {field}"
    repeated = _find_repeated([str(target) for target in targets if target.field in _NAMED])
    return f"Two columns are mapped to {repeated}" if repeated else None


def _find_repeated(texts: Sequence[str]) -> str | None:
    return next((text for text in texts if texts.count(text) > 1), None)
