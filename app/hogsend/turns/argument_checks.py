"""Checks the arguments of `ctx` calls; each error has the expected value, with an example."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..domain.addressee import Addressee, parse_addressee
from ..errors import JourneyCodeError

if TYPE_CHECKING:
    from .static_analysis.call_site import CallSite

MAX_SPAN = timedelta(days=36_525)


def check_duration(argument: str, value: object) -> None:
    """Raise unless a value is a duration."""
    if not isinstance(value, timedelta):
        raise JourneyCodeError(
            f"{argument} takes a duration such as days(2), but was given {type(value).__name__}."
        )


def check_span(argument: str, value: object) -> None:
    """Raise unless a duration is positive."""
    check_duration(argument, value)
    if isinstance(value, timedelta) and not timedelta() < value <= MAX_SPAN:
        raise JourneyCodeError(
            f"{argument} takes a duration of up to a hundred years, not {value}."
        )


def check_count(argument: str, value: object, *, least: int = 0) -> None:
    """Raise unless a value is a whole number of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise JourneyCodeError(
            f"{argument} takes a whole number of at least {least}, not {value!r}."
        )


def check_optional_text(argument: str, value: object) -> None:
    """Raise unless a value is None or text."""
    if value is not None and not isinstance(value, str):
        raise JourneyCodeError(f"{argument} takes text, but was given {value!r:.80}.")


def check_text(argument: str, value: object) -> None:
    """Raise unless a value is text, and not empty."""
    if not isinstance(value, str) or not value:
        raise JourneyCodeError(f"{argument} takes a name, but was given {value!r:.80}.")


def read_addressee(value: object) -> Addressee:
    """Return the person whom `to=` names.

    Raises:
        JourneyCodeError: the value is neither an email address nor a user id.
    """
    try:
        return parse_addressee(value)
    except ValueError:
        raise JourneyCodeError(
            f"to={value!r:.80} is neither an email address nor a user id.",
            "Give one plain address, such as ada@example.com, or the id that your product gives "
            "the person.",
        ) from None


def find_addressee_problem(site: CallSite) -> JourneyCodeError | None:
    """Return the error that the constant `to=` of a call certainly causes, if any."""
    value = site.evaluate(-1, "to")
    if value is None or site.is_unknown(value):
        return None
    try:
        read_addressee(value)
    except JourneyCodeError as error:
        return error
    return None


def check_instant(argument: str, value: object) -> None:
    """Raise unless a value is an instant with a time zone."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise JourneyCodeError(
            f"{argument} takes an instant with a time zone, such as "
            'datetime(2026, 1, 1, tzinfo=UTC) or ctx.when.tomorrow().at("09:00").'
        )


def in_utc(instant: datetime) -> datetime:
    """Return an instant, unless UTC cannot represent it.

    Raises:
        JourneyCodeError: the instant is, in UTC, after the year 9999 or before the year 1.
    """
    try:
        instant.astimezone(UTC)
    except OverflowError:
        raise JourneyCodeError(
            f"{instant} cannot be represented in UTC.",
            "Use an instant before the year 9999.",
        ) from None
    return instant
