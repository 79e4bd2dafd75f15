"""Checks the arguments of `ctx` calls; each error has the expected value, with an example."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..domain.addressee import Addressee, parse_addressee
from ..domain.event import EventMatch
from ..errors import JourneyCodeError

if TYPE_CHECKING:
    from .static_analysis.call_site import CallSite

MAX_SPAN = timedelta(days=36_525)


# Raises when a value cannot be used; the first argument is how a message names the value.
ArgumentCheck = Callable[[str, Any], None]

# What an author may have meant by a value that is no duration, by the value's class.
_DURATION_REMEDIES: Mapping[str, str] = {
    "int": "Say the unit: minutes(…), hours(…) or days(…).",
    "float": "Say the unit: minutes(…), hours(…) or days(…).",
    "str": "A property is no duration: convert it, as in days(int(…)).",
    "datetime": "Wait until an instant with ctx.sleep_until.",
    "When": "Wait until an instant with ctx.sleep_until.",
    "Property": "Wait until the instant of a property with ctx.sleep_until.",
    "PropertyInstant": "Wait until the instant of a property with ctx.sleep_until.",
}
# The same for a value that is no instant.
_INSTANT_REMEDIES: Mapping[str, str] = {
    "date": "A date is a whole day: datetime.combine(day, time(9), tzinfo=UTC) is an instant.",
    "datetime": "This datetime has no time zone, so it is another instant in each: add tzinfo=UTC.",
    "Day": 'A day is not an instant: add a time, such as .at("09:00").',
    "When": "Await it: `await ctx.when…`.",
    "int": "A number of seconds becomes an instant by datetime.fromtimestamp(seconds, UTC).",
    "float": "A number of seconds becomes an instant by datetime.fromtimestamp(seconds, UTC).",
    "str": "Text becomes an instant by datetime.fromisoformat(text), if the text names a zone; "
    'ctx.sleep_until also takes a property, prop("name").',
    "timedelta": "A duration after now is `await ctx.now() + duration`; to wait for it, ctx.sleep.",
    "NoneType": "Test for None before.",
}


def check_duration(argument: str, value: object) -> None:
    """Raise unless a value is a duration."""
    if not isinstance(value, timedelta):
        kind = type(value).__name__
        raise JourneyCodeError(
            f"{argument} takes a duration such as days(2), but was given {kind}.",
            _DURATION_REMEDIES.get(kind, ""),
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
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return
    kind = type(value).__name__
    remedy = _INSTANT_REMEDIES.get(kind, "")
    raise JourneyCodeError(
        f"{argument} takes an instant with a time zone, such as "
        'datetime(2026, 1, 1, tzinfo=UTC) or ctx.when.tomorrow().at("09:00"), but was given '
        f"{kind if value is not None else None}.",
        remedy,
    )


def check_past(argument: str, value: object) -> None:
    """Raise unless a value is an instant, or a period of up to a hundred years before now."""
    if not isinstance(value, timedelta):
        check_instant(argument, value)
    elif value:
        check_span(argument, value)


def check_event(argument: str, value: object) -> None:
    """Raise unless a value names an event, by its name or with `on`."""
    if isinstance(value, EventMatch):
        return
    if not isinstance(value, str) or not value:
        raise JourneyCodeError(
            f"{argument} takes the name of an event, or on(name, where=…), but was given "
            f"{value!r:.80}."
        )


def check_events(argument: str, value: object) -> None:
    """Raise unless a value is a list of events that is not empty."""
    if isinstance(value, str):
        raise JourneyCodeError(
            f"{argument} takes a list of events.", f'Write {argument}(["{value}"]).'
        )
    if not isinstance(value, Iterable):
        raise JourneyCodeError(f"{argument} takes a list of events, not {value!r:.80}.")
    if isinstance(value, list | tuple) and not value:
        raise JourneyCodeError(f"{argument} needs at least one event to wait for.")


def check_function(argument: str, value: object) -> None:
    """Raise unless a value can be called."""
    if not callable(value):
        raise JourneyCodeError(
            f"{argument} takes a function, not what it returns.",
            f"Write {argument}(key, lambda: call(…)), without calling the function.",
        )


def check_mapping(argument: str, value: Any) -> None:
    """Raise unless a value can become a dict; nothing becomes an empty one."""
    try:
        dict(value or {})
    except (TypeError, ValueError):
        raise JourneyCodeError(
            f"{argument} takes a mapping, but was given {value!r:.80}.",
            'Write for example {"plan": "pro"}.',
        ) from None


def allow_none(check: ArgumentCheck) -> ArgumentCheck:
    """Return a check that accepts None too, for an argument that may be left out."""

    def check_given(argument: str, value: object) -> None:
        if value is not None:
            check(argument, value)

    return check_given


OPTIONAL_DURATION: Final = allow_none(check_duration)
OPTIONAL_INSTANT: Final = allow_none(check_instant)
OPTIONAL_PAST: Final = allow_none(check_past)
OPTIONAL_EVENT: Final = allow_none(check_event)
AT_LEAST_ONE: Final = partial(check_count, least=1)


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
