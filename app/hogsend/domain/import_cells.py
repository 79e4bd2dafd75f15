"""Reads the single facts of an imported row into a draft of what the row says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from .address import normalize_email
from .import_columns import Field, Target, ValueType
from .import_presets import simplify
from .import_values import CONVERTERS, to_boolean, to_id, to_instant, to_object, to_text
from .incoming import check_properties
from .send_policy import EVERYTHING

_PREFIXES = {"userIds": "u:", "emails": "e:", "anonymousIds": "a:"}
MAX_REASON_LENGTH, MAX_SOURCE_LENGTH, MAX_LIST_ID_LENGTH = 40, 40, 100
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


@dataclass(frozen=True, slots=True)
class AddressSuppression:
    """The suppression of the row's address, with when it happened; None for now."""

    reason: str
    at: datetime | None = None


@dataclass(slots=True)
class RowDraft:
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


# Puts a value into a draft; raises ValueError when the value cannot be read.
Reader = Callable[[RowDraft, Any], None]


def build_reader(target: Target) -> Reader | None:
    """Return what reads a value; None when the column is ignored."""
    if target.field is Field.IGNORE:
        return None
    if target.field is Field.PROPERTY:
        return _build_property_reader(target.name, target.type)
    if target.field is Field.LIST:
        return _build_list_reader(target.name)
    return _READERS[target.field]


def _build_property_reader(name: str, value_type: ValueType) -> Reader:
    convert = CONVERTERS.get(value_type)

    def read(draft: RowDraft, value: Any) -> None:
        draft.properties[name] = convert(value) if convert else value

    return read


def _build_list_reader(list_id: str) -> Reader:
    def read(draft: RowDraft, value: Any) -> None:
        if value is not None:
            draft.choices[list_id] = ImportedChoice(to_boolean(value))

    return read


def _read_email(draft: RowDraft, value: Any) -> None:
    if value is not None:
        draft.values["email"] = normalize_email(to_text(value))


def _build_id_reader(name: str) -> Reader:
    def read(draft: RowDraft, value: Any) -> None:
        if value is not None:
            draft.values[name] = to_id(value)

    return read


def _read_identities(draft: RowDraft, value: Any) -> None:
    aliases: list[str] = []
    for name, texts in to_object(value).items():
        if name not in _PREFIXES or not isinstance(texts, list):
            raise ValueError("must have lists named userIds, emails and anonymousIds")
        convert = normalize_email if name == "emails" else to_id
        aliases += [_PREFIXES[name] + convert(to_text(text)) for text in cast("list[Any]", texts)]
    draft.values["aliases"] = tuple(dict.fromkeys(aliases))


def read_properties(draft: RowDraft, value: Any) -> None:
    """Read an object with properties."""
    if value is None:
        return
    properties = to_object(value)
    if problem := check_properties(properties, escapes=True):
        raise ValueError(problem)
    draft.properties.update(properties)


def _read_lists(draft: RowDraft, value: Any) -> None:
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


def _read_subscribed(draft: RowDraft, value: Any) -> None:
    if value is not None:
        draft.choices[EVERYTHING] = ImportedChoice(to_boolean(value))


def _read_unsubscribed(draft: RowDraft, value: Any) -> None:
    if value is not None:
        draft.choices[EVERYTHING] = ImportedChoice(not to_boolean(value))


def _read_unsubscribed_at(draft: RowDraft, value: Any) -> None:
    if value:
        draft.choices[EVERYTHING] = ImportedChoice(subscribed=False)


def _read_bounced_at(draft: RowDraft, value: Any) -> None:
    if value:
        draft.values["suppression"] = AddressSuppression("hard_bounce")


def _read_status(draft: RowDraft, value: Any) -> None:
    text = simplify(to_text(value)) if value is not None else ""
    if text not in _FINE:
        _read_reason(draft, value)


def _read_reason(draft: RowDraft, value: Any) -> None:
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


def _read_suppressed(draft: RowDraft, value: Any) -> None:
    if value:
        draft.values["suppression"] = AddressSuppression(to_text(value)[:MAX_REASON_LENGTH])


def _read_suppression(draft: RowDraft, value: Any) -> None:
    if value is None:
        return
    entry = to_object(value)
    reason = to_text(entry.get("reason"))
    if not 0 < len(reason) <= MAX_REASON_LENGTH:
        raise ValueError(f"needs a reason of 1 to {MAX_REASON_LENGTH} characters")
    at = to_instant(entry["at"], draft.latest) if entry.get("at") else None
    draft.values["suppression"] = AddressSuppression(reason, at)


def _build_instant_reader(name: str) -> Reader:
    def read(draft: RowDraft, value: Any) -> None:
        if value is not None:
            draft.values[name] = to_instant(value, draft.latest)

    return read


_READERS: Mapping[Field, Reader] = {
    Field.EMAIL: _read_email,
    Field.USER_ID: _build_id_reader("user_id"),
    Field.ANONYMOUS_ID: _build_id_reader("anonymous_id"),
    Field.IDENTITIES: _read_identities,
    Field.PROPERTIES: read_properties,
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
