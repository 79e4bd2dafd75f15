"""The journal of an enrollment: one entry for each `ctx` call of its turns.

A turn is stored as one row whose `steps` is a JSON list of entries in the order of the calls.
An entry that completes an earlier one, such as the end of a wait, repeats its key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from ..errors import ValueNotStorable

# By default Python writes no number of more than 4,300 digits as text.
_MAX_BITS = 14_000


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded call.

    Args:
        key: kind and label, with an occurrence number when repeated: `send:welcome`, `sleep:a#2`.
        kind: `send`, `sleep`, `wait`, `trigger`, `has_event`, `count`, `now`, …
        label: the name that pages show: the label, template or event.
        answer: the call's result, in JSON form; for a send `{"status", "reason", "sendId"}`, for a
            wait that has ended the event or null.
        detail: details that pages show, in JSON form; for a sleep `{"until"}`, for a wait
            `{"until", "events"}`.
        waiting: whether this is the wait that the enrollment is in.
        passed: whether the call was skipped, because it was added to the code before the wait that
            the enrollment was in.
    """

    key: str
    kind: str
    label: str
    answer: Any = None
    detail: dict[str, Any] | None = None
    waiting: bool = False
    passed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the stored form, without empty fields."""
        stored: dict[str, Any] = {"key": self.key, "kind": self.kind, "label": self.label}
        if self.answer is not None:
            stored["answer"] = self.answer
        if self.detail:
            stored["detail"] = self.detail
        if self.waiting:
            stored["waiting"] = True
        if self.passed:
            stored["passed"] = True
        return stored

    @staticmethod
    def from_json(stored: dict[str, Any]) -> Step:
        """Return the step that `to_json` stored."""
        return Step(
            key=stored["key"],
            kind=stored["kind"],
            label=stored["label"],
            answer=stored.get("answer"),
            detail=stored.get("detail"),
            waiting=stored.get("waiting", False),
            passed=stored.get("passed", False),
        )


@dataclass(frozen=True, slots=True)
class PendingStep:
    """An effect of `ctx.step` that was attempted and is not in the journal yet.

    Args:
        key: the effect's journal key.
        attempts: how often the effect was attempted.
        answer: the effect's result, in JSON form.
        error: the error of the last attempt.
        over: whether there are no further attempts.
    """

    key: str
    attempts: int
    answer: Any = None
    error: str | None = None
    over: bool = False


_INSTANT, _DATE, _DURATION, _PLAIN = "$instant", "$date", "$duration", "$plain"


def build_key(base: str, number: int) -> str:
    """Return the journal's key of a call.

    Args:
        base: the call's kind and label, such as `send:welcome`.
        number: the call's number among the calls with the same base in the turn, from 1. A label
            that ends like a number, such as `order #5`, always gets a number, so that its key
            differs from the key of a fifth call `order `.
    """
    return base if number == 1 and not _NUMBERED.search(base) else f"{base}#{number}"


_NUMBERED = re.compile(r"#\d+$")


def to_storable_text(text: str) -> str:
    """Return text without NUL characters and lone surrogates, which no database accepts."""
    return text.replace("\0", "").encode(errors="replace").decode()


def encode(value: Any) -> Any:
    """Return a value in the journal's JSON form.

    Instants and durations keep their type; tuples become lists, and members of enumerations become
    their values. Every answer is encoded and decoded before the author's code sees it, also the
    first time, so that a replay months later gives the same value.

    Raises:
        ValueNotStorable: the value is of a type that the journal cannot keep.
    """
    try:
        return _encode(value)
    except RecursionError:
        raise ValueNotStorable("value that contains itself, or hundreds of others") from None


def _encode(value: Any) -> Any:
    # Nearly all values are of exactly these types; the snapshot of a contact has a dozen.
    kind = cast("type[Any]", type(value))
    if kind is str:
        return _encode_text(value)
    if kind is dict:
        return _encode_mapping(value)
    if value is None or isinstance(value, bool | int | float | str):
        return _encode_scalar(value)
    return _encode_typed(value)


def _encode_typed(value: Any) -> Any:
    if isinstance(value, datetime):
        return {_INSTANT: value.isoformat()}
    if isinstance(value, date):
        return {_DATE: value.isoformat()}
    if isinstance(value, timedelta):
        return {_DURATION: value.total_seconds()}
    if isinstance(value, list | tuple):
        return [_encode(item) for item in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        return _encode_mapping(cast("Mapping[Any, Any]", value))
    raise ValueNotStorable(type(value).__name__)


def _encode_mapping(values: Mapping[Any, Any]) -> dict[str, Any]:
    stored = {_encode_key(name): _encode(value) for name, value in values.items()}
    # A mapping of the author's own may look like a type tag, and must be decoded as a mapping.
    return {_PLAIN: stored} if len(stored) == 1 and next(iter(stored)) in _TYPE_TAGS else stored


def decode(stored: Any) -> Any:
    """Return the value that `encode` converted."""
    if isinstance(stored, list):
        return [decode(item) for item in cast("list[Any]", stored)]
    if isinstance(stored, dict):
        pairs = cast("dict[str, Any]", stored)
        if len(pairs) == 1:
            if _INSTANT in pairs:
                return datetime.fromisoformat(pairs[_INSTANT])
            if _DATE in pairs:
                return date.fromisoformat(pairs[_DATE])
            if _DURATION in pairs:
                return timedelta(seconds=pairs[_DURATION])
            if _PLAIN in pairs:
                pairs = cast("dict[str, Any]", pairs[_PLAIN])
        return {name: decode(item) for name, item in pairs.items()}
    return stored


def to_plain(value: Any) -> Any:
    """Return a decoded value in plain JSON: instants as text, durations as seconds.

    Args:
        value: a value that `decode` returned.
    """
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, list):
        return [to_plain(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: to_plain(item) for name, item in cast("dict[str, Any]", value).items()}
    return value


_TYPE_TAGS = frozenset((_INSTANT, _DATE, _DURATION, _PLAIN))


def _encode_scalar(value: Any) -> Any:
    """Return a scalar as its base type; a member of an enumeration may be of a subclass."""
    if isinstance(value, str):
        return _encode_text(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueNotStorable(f"{float(value)}")
        return float(value)
    if value is None or isinstance(value, bool):
        return value
    if int(value).bit_length() > _MAX_BITS:
        raise ValueNotStorable("number of thousands of digits")
    return int(value)


def _encode_key(name: Any) -> str:
    if not isinstance(name, str):
        raise ValueNotStorable(f"dict with a {type(name).__name__} key")
    return _encode_text(name)


def _encode_text(value: str) -> str:
    """Return text as `str`, without NUL characters, which Postgres does not store.

    A member of an enumeration may be of a subclass of `str`.

    Raises:
        ValueNotStorable: the text has a lone surrogate, which no database accepts.
    """
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueNotStorable("text with half of a character in it") from None
    if type(value) is str and "\0" not in value:
        return value
    return str.__str__(value).replace("\0", "")
