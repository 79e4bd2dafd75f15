"""Checks of what authors give to `ctx` calls: each says what was expected, with an example."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ..domain.address import normalize_email
from ..errors import JourneyCodeError

LONGEST_SPAN = timedelta(days=36_525)


def check_duration(what: str, given: object) -> None:
    if not isinstance(given, timedelta):
        raise JourneyCodeError(
            f"{what} takes a duration such as days(2), but was given {type(given).__name__}."
        )


def check_span(what: str, given: object) -> None:
    """Raise unless a duration is positive."""
    check_duration(what, given)
    if isinstance(given, timedelta) and not timedelta() < given <= LONGEST_SPAN:
        raise JourneyCodeError(f"{what} takes a duration of up to a hundred years, not {given}.")


def check_count(what: str, given: object, *, least: int = 0) -> None:
    """Raise unless a number is whole and at least so much."""
    if not isinstance(given, int) or isinstance(given, bool) or given < least:
        raise JourneyCodeError(f"{what} takes a whole number of at least {least}, not {given!r}.")


def check_line(what: str, given: object) -> None:
    """Raise unless a text, where there is one, is a single line."""
    if given is None:
        return
    if not isinstance(given, str) or any(ord(char) < 32 or ord(char) == 127 for char in given):
        raise JourneyCodeError(f"{what} takes one line of text, not {given!r:.80}.")


def check_text(what: str, given: object) -> None:
    if not isinstance(given, str) or not given:
        raise JourneyCodeError(f"{what} takes a name, but was given {given!r:.80}.")


def address_of(given: str) -> str:
    try:
        return normalize_email(given)
    except (ValueError, AttributeError):
        raise JourneyCodeError(
            f"to={given!r:.80} is no address.", "Give one bare address, such as ada@example.com."
        ) from None


def check_instant(what: str, given: object) -> None:
    if not isinstance(given, datetime) or given.tzinfo is None:
        raise JourneyCodeError(
            f"{what} takes an instant with a time zone, such as datetime(2026, 1, 1, tzinfo=UTC) "
            'or ctx.when.tomorrow().at("09:00").'
        )


def in_utc(instant: datetime) -> datetime:
    """Return an instant that UTC has too.

    Raises:
        JourneyCodeError: it is after the year 9999 there, or before the year 1.
    """
    try:
        instant.astimezone(UTC)
    except OverflowError:
        raise JourneyCodeError(
            f"{instant} is an instant that UTC does not have.",
            "Wait until one before the year 9999.",
        ) from None
    return instant
