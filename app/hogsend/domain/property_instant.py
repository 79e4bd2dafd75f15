"""Instants that a property of a contact names: `prop("trial_ends_at") - days(2)`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from .durations import describe_duration
from .times import to_instant

_DATE_LENGTH = len("2026-01-01")
_MAX_VALUE_LENGTH = 40


@dataclass(frozen=True, slots=True)
class PropertyInstant:
    """An instant that a property of the contact names, moved by a duration.

    A property that is a plain date, `2026-01-31`, names midnight by the clock in the contact's time
    zone; the duration is then added by that clock too.

    Args:
        path: the property's name; dots reach into nested objects.
        offset: the duration, which may be negative.
    """

    path: str
    offset: timedelta = timedelta()

    def __add__(self, duration: timedelta) -> PropertyInstant:
        return self._move(duration)

    def __sub__(self, duration: timedelta) -> PropertyInstant:
        return self._move(-_check_duration(duration))

    def _move(self, duration: timedelta) -> PropertyInstant:
        return replace(self, offset=self.offset + _check_duration(duration))

    def __str__(self) -> str:
        if not self.offset:
            return self.path
        sign = "-" if self.offset < timedelta() else "+"
        return f"{self.path} {sign} {describe_duration(abs(self.offset))}"

    def resolve(self, value: Any, zone: tzinfo) -> datetime:
        """Return the instant that a value of the property names, in UTC.

        Args:
            value: the value; None when the property is missing.
            zone: the contact's time zone, for plain dates.

        Raises:
            ValueError: the value names no instant; the message says why.
        """
        if value is None:
            raise ValueError(f"{self.path} is missing")
        problem = "is neither a date nor an instant"
        try:
            day, instant = _parse_date(value), _parse_instant(value)
            if day is not None:
                local = datetime.combine(day, time()) + self.offset
                return to_instant(local.date(), local.time(), zone)
            if instant is not None and instant.tzinfo is not None:
                return instant.astimezone(UTC) + self.offset
            if instant is not None:
                problem = "names no time zone"
        except (OverflowError, ValueError):
            problem = "is too far away"
        raise ValueError(f"{self.path} is {_format_value(value)}, which {problem}")


def _check_duration(value: object) -> timedelta:
    if not isinstance(value, timedelta):
        raise TypeError(f"A property moves by a duration such as days(2), not by {value!r}.")
    return value


def _parse_date(value: Any) -> date | None:
    """Return the day that a plain date names; None for any other value."""
    if not isinstance(value, str) or len(value) != _DATE_LENGTH:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _parse_instant(value: Any) -> datetime | None:
    """Return the instant that a text names, with or without a time zone; else None."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _format_value(value: Any) -> str:
    text = str(value).replace("\0", "").encode(errors="replace").decode()
    if len(text) > _MAX_VALUE_LENGTH:
        text = text[: _MAX_VALUE_LENGTH - 1] + "…"
    return f"“{text}”" if isinstance(value, str) else text
