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
