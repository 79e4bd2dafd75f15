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


def describe_duration(span: timedelta) -> str:
    """Return a duration in words: `2 days`, `1 hour`, `90 seconds`, `1 day 12 hours`."""
    remainder, parts = abs(span), list[str]()
    units = (("day", 86_400), ("hour", 3600), ("minute", 60))
    for unit, seconds in units:
        count, remainder = divmod(remainder, timedelta(seconds=seconds))
        if count:
            parts.append(_pluralize(count, unit))
    if remainder or not parts:
        parts.append(_pluralize(remainder.total_seconds(), "second"))
    return ("-" if span < timedelta() else "") + " ".join(parts)


def _pluralize(count: float, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count:g} {unit}s"
