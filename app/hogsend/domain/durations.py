"""Durations, as authors write them: `days(2)`, `hours(12)`."""

from __future__ import annotations

from datetime import timedelta


def seconds(n: float) -> timedelta:
    """Return a duration of `n` seconds."""
    return timedelta(seconds=n)


def minutes(n: float) -> timedelta:
    """Return a duration of `n` minutes."""
    return timedelta(minutes=n)


def hours(n: float) -> timedelta:
    """Return a duration of `n` hours."""
    return timedelta(hours=n)


def days(n: float) -> timedelta:
    """Return a duration of `n` days of 24 hours."""
    return timedelta(days=n)


def weeks(n: float) -> timedelta:
    """Return a duration of `n` weeks."""
    return timedelta(weeks=n)


def words(span: timedelta) -> str:
    """Return a duration in words: `2 days`, `1 hour`, `90 seconds`, `1 day 12 hours`."""
    left, parts = abs(span), list[str]()
    units = (("day", 86_400), ("hour", 3600), ("minute", 60))
    for name, seconds in units:
        count, left = divmod(left, timedelta(seconds=seconds))
        if count:
            parts.append(_many(count, name))
    if left or not parts:
        parts.append(_many(left.total_seconds(), "second"))
    return ("-" if span < timedelta() else "") + " ".join(parts)


def _many(count: float, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count:g} {name}s"
