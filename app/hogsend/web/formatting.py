"""Formats times, durations, counts and reasons for people."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ..domain.journey import Entry
from ..services.outages import Outage

_SMALL_NUMBERS = (
    "",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
)
_UNITS = (
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
    ("second", 1),
)

REASONS = {
    "disabled": "the journey is disabled in its code",
    "disabled_by_operator": "the journey was disabled by an operator",
    "where_not_met": "the trigger's condition was not met",
    "already_live": "already in the journey",
    "already_entered": "already entered once",
    "too_soon": "too soon after the previous one",
    "frequency_cap": "more than the frequency cap allows",
    "paced": "waits for its place in the sending rate",
    "sending_stopped": "waits because its sender or provider is stopped",
    "provider_stopped": "waits for its provider, which takes no email",
    "unsubscribed": "unsubscribed from its list",
    "suppressed": "the address is suppressed",
    "held_out": "held out for comparison",
    "journey_broken": "the journey's code was missing or broken",
    "late_event": "the event arrived too late",
    "no_key": "the event has no value for the journey's key",
    "trigger_loop": "the chain of journeys that triggered each other is too long",
    "no_address": "no usable email address",
    "invalid_address": "the email address is not valid",
    "unsubscribed_from_everything": "unsubscribed from everything",
    "unsubscribed_from_list": "unsubscribed from the list",
    "hard_bounce": "the address does not exist",
    "soft_bounce": "the mailbox was full on five days",
    "soft_bounces": "too many soft bounces",
    "complaint": "reported as spam",
    "erased": "the contact was erased",
    "address_known": "an address became known, and the contact entered again",
    "exited": "the enrollment ended first",
    "enrollment_ended": "the enrollment ended first",
    "cancelled_by_operator": "cancelled by an operator",
    "not_sent_says_operator": "not sent, as an operator says",
}

# The time zone of the reader, for the time of a request.
_ZONE: ContextVar[tzinfo] = ContextVar("reader's time zone", default=UTC)


def set_time_zone(zone: str) -> None:
    """Format times in the reader's time zone for the rest of this request.

    Args:
        zone: its name, such as `Europe/London`; UTC when it is empty or unknown.
    """
    try:
        _ZONE.set(ZoneInfo(zone) if 0 < len(zone) <= 64 else UTC)
    except (KeyError, ValueError, OSError):
        _ZONE.set(UTC)


def to_local(instant: datetime) -> datetime:
    """Return an instant in the reader's time zone."""
    return instant.astimezone(_ZONE.get())


def describe_entry(rule: Entry) -> str:
    """Describe how often one contact may enter a journey."""
    if rule.period is not None:
        return f"at most once in {format_duration(rule.period)}"
    return "once per contact" if rule.limit == "once" else "any number of times"


def format_number(value: float) -> str:
    """Format a number with separators: `1,284`."""
    return f"{value:,}"


def format_share(value: float | None) -> str:
    """Format a share of people: `12.5 %`; nothing for the share of no one."""
    return "" if value is None else f"{value * 100:.1f} %"


def format_points(value: float) -> str:
    """Format a difference of two shares in percentage points: `+3.2`, `-0.4`."""
    return f"{value * 100:+.1f}"


def pluralize(count: int, singular: str, plural: str | None = None) -> str:
    """Format a count with its noun: `1 person`, `2 people`.

    Args:
        count: how many.
        singular: the noun for one.
        plural: the noun for any other number; by default the singular with an s.
    """
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def _format_amount(count: int, unit: str) -> str:
    """Format a small amount in words: `two days`, `14 hours`."""
    number = _SMALL_NUMBERS[count] if 0 < count < len(_SMALL_NUMBERS) else f"{count:,}"
    return f"{number} {unit}" + ("" if count == 1 else "s")


def format_duration(length: timedelta | float) -> str:
    """Format a length of time in words: `two days`, `one hour and 30 minutes`.

    Args:
        length: the duration, or its number of seconds.
    """
    seconds = round(length.total_seconds() if isinstance(length, timedelta) else length)
    parts: list[str] = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(_format_amount(count, unit))
        elif parts:
            break
        if len(parts) == 2:
            break
    return " and ".join(parts) or "no time"


def format_short_duration(length: timedelta) -> str:
    """Format a length of time in few characters: `3 min`, `1 h 20 min`, `44 h`, `5 d`."""
    seconds = int(abs(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3_600:
        return f"{seconds // 60} min"
    if seconds < 172_800:
        hours, minutes = divmod(seconds // 60, 60)
        return f"{hours} h {minutes} min" if minutes and hours < 2 else f"{hours} h"
    return f"{seconds // 86_400} d"


def describe_outage(outage: Outage) -> str:
    """Describe what an outage of the engine means."""
    if outage.turns_wait:
        return "Hatchet is unreachable: events are stored, but turns wait."
    return "Hatchet's API is unreachable: turns run, but cancellations are not exchanged."


def format_relative(instant: datetime, now: datetime) -> str:
    """Format an instant by its distance from now; beyond four weeks by its date."""
    distance = instant - now
    if abs(distance) >= timedelta(weeks=4):
        return format_date(instant, now)
    if abs(distance) < timedelta(seconds=5):
        return "now"
    length = format_short_duration(distance)
    return f"in {length}" if distance > timedelta() else f"{length} ago"


def format_date(instant: datetime, now: datetime) -> str:
    """Format a date, with the year when it is not the present one."""
    at = to_local(instant)
    date = f"{at.day} {at:%b}"
    return date if at.year == now.year else f"{date} {at.year}"


def format_time(instant: datetime, now: datetime) -> str:
    """Format an instant for a timeline: `Sun 14:02` near now, else `28 Apr 14:02`."""
    at = to_local(instant)
    if at.date() == to_local(now).date():
        return f"today {at:%H:%M}"
    if abs(at - now) < timedelta(days=6):
        return f"{at:%a %H:%M}"
    return f"{format_date(instant, now)} {at:%H:%M}"


def format_time_beside(instant: datetime, other: datetime) -> str:
    """Format an instant next to another one: only the time when both are on the same day."""
    same_day = to_local(instant).date() == to_local(other).date()
    return f"{to_local(instant):%H:%M}" if same_day else format_time(instant, other)


def format_exact(instant: datetime) -> str:
    """Format an instant exactly, with the time zone."""
    return f"{to_local(instant):%A, %-d %B %Y, %H:%M:%S %Z}"


def describe_reason(code: str | None) -> str:
    """Describe why something did not happen; a code without a sentence is shown as it is."""
    if not code:
        return ""
    return REASONS.get(code, code.replace("_", " ") if code.isidentifier() else code)


def find_last_line(traceback: str) -> str:
    """Return the line of a traceback that says what went wrong."""
    lines = [line.strip() for line in traceback.strip().splitlines() if line.strip()]
    return lines[-1] if lines else ""


def shorten_id(value: UUID | str) -> str:
    """Shorten an id for people: `0193f2a1…7c`."""
    text = str(value)
    return f"{text[:8]}…{text[-4:]}"


def format_value(value: Any) -> str:
    """Format the value of a property: text as it is, yes and no, or none."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
