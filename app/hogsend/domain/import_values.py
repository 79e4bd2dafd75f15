"""Reads single values of imported rows, which are text in CSV and of any type in JSON.

Every function raises ValueError for a value that it cannot read; the message completes "the column
…", and has no full stop at its end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from .incoming import MAX_NAME_LENGTH, MAX_NUMBER, check_properties, check_text

_YES = frozenset({"true", "t", "yes", "y", "1", "on", "subscribed"})
_NO = frozenset({"false", "f", "no", "n", "0", "off", "unsubscribed"})
# Seconds since 1970 from 2001 on; larger numbers are milliseconds.
_SECONDS, _MILLISECONDS = range(10**9, 10**11), range(10**12, 10**14)
_FIRST_YEAR = 1970


def to_text(value: Any) -> str:
    """Read a text; a number becomes its digits."""
    if isinstance(value, str):
        return value
    # Ids of a product are often numbers in JSON.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError("must be text")


def to_id(value: Any) -> str:
    """Read a user id or an anonymous id."""
    text = to_text(value).strip()
    if not 0 < len(text) <= MAX_NAME_LENGTH:
        raise ValueError(f"must have 1 to {MAX_NAME_LENGTH} characters")
    if problem := check_text(text):
        raise ValueError(problem)
    return text


def to_boolean(value: Any) -> bool:
    """Read a yes or no, in any of its usual forms."""
    if isinstance(value, bool):
        return value
    word = to_text(value).strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError(f"{value!r} is neither true nor false")


def to_number(value: Any) -> int | float:
    """Read a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = to_text(value).strip()
    try:
        number = int(text) if text.lstrip("+-").isdecimal() else float(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a number") from None
    if not -MAX_NUMBER <= number <= MAX_NUMBER:
        raise ValueError(f"{text[:40]!r} is not a number")
    return number


def to_json(value: Any) -> Any:
    """Read a value that CSV has as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError("is not valid JSON") from None
    if problem := check_properties({"": parsed}, escapes=True):
        raise ValueError(problem)
    return parsed


def to_object(value: Any) -> dict[str, Any]:
    """Read a JSON object."""
    parsed = to_json(value)
    if not isinstance(parsed, dict):
        raise ValueError("must be a JSON object")
    return cast("dict[str, Any]", parsed)


def to_instant(value: Any, latest: datetime) -> datetime:
    """Read an ISO 8601 instant, UTC without a zone, or seconds or milliseconds since 1970.

    Args:
        value: the value.
        latest: later instants are refused.
    """
    instant = _parse_instant(value)
    if instant > latest:
        raise ValueError(f"{str(value)[:40]!r} is in the future")
    if instant.year < _FIRST_YEAR:
        raise ValueError(f"must not be before {_FIRST_YEAR}")
    return instant


def _parse_instant(value: Any) -> datetime:
    try:
        text = to_text(value).strip()
        number = int(text) if text.isdecimal() and len(text) < 15 else 0
        if number in _SECONDS:
            return datetime.fromtimestamp(number, UTC)
        if number in _MILLISECONDS:
            return datetime.fromtimestamp(number / 1000, UTC)
        instant = datetime.fromisoformat(text)
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{str(value)[:40]!r} is not an instant such as 2026-01-02T03:04:05Z"
        ) from None


# The functions that read the types of properties, but text.
CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "number": to_number,
    "boolean": to_boolean,
    "json": to_json,
}
