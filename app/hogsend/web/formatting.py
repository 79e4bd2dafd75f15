"""Times, durations, counts and reasons, in words for people."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ..domain.journey import Entry
from ..store.workers import Outage

_SMALL = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_UNITS = (
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
    ("second", 1),
)

REASONS = {
    "disabled": "the journey is switched off in its code",
    "disabled_by_operator": "an operator switched the journey off",
    "where_not_met": "the trigger's condition was not met",
    "already_live": "already in the journey",
    "already_entered": "already entered once",
    "too_soon": "too soon after the last one",
    "unsubscribed": "unsubscribed from its list",
    "suppressed": "the address is suppressed",
    "held_out": "held out for comparison",
    "journey_broken": "the journey's file is broken",
    "late_event": "the event came too late",
    "no_key": "the event lacks the journey's key",
    "trigger_loop": "a chain of causes too long",
    "no_address": "no usable address",
    "unsubscribed_from_everything": "unsubscribed from everything",
    "unsubscribed_from_list": "unsubscribed from the list",
    "hard_bounce": "the address does not exist",
    "soft_bounces": "the mailbox was full too often",
    "complaint": "reported as spam",
    "exited": "the enrollment ended first",
    "enrollment_ended": "the enrollment ended first",
}

DONE = {
    "woken": "Woken. The next turn is played as soon as the worker gets to it.",
    "exited": "Exited. Mails of this enrollment that had not left were cancelled.",
    "continued": "Continued. The next turn is played as soon as the worker gets to it.",
    "restarted": "Restarted. This is the new enrollment; the old one has ended.",
    "retried": "Reopened. The turn is played as soon as the worker gets to it.",
    "everyone": "Done for everyone it was meant for; the audit log says how many.",
    "under-way": "Under way: it goes on by itself. The audit log says how far it has come.",
    "subscribed": "Saved: this person gets the list again.",
    "unsubscribed": "Saved: this person no longer gets the list.",
    "stopped": "Saved: this person gets no more mail that is not owed.",
    "resumed": "Saved: mail to this person is no longer stopped as a whole.",
    "unsuppressed": "The address may be mailed again.",
    "cleared": "The inbox is empty.",
    "revoked": "Revoked. The key no longer works.",
    "enabled": "Switched on. New triggers enroll people again.",
    "disabled": "Switched off. Nobody new enters; whoever is inside goes on.",
    "password": "Your password is set.",
}


# The zone of whoever reads, for the time of a request.
_ZONE: ContextVar[tzinfo] = ContextVar("reader's zone", default=UTC)


def speak_to(zone: str) -> None:
    """Say times from now on, in this request, in the reader's zone.

    Args:
        zone: its name, such as `Europe/London`; UTC when it is empty or not known.
    """
    try:
        _ZONE.set(ZoneInfo(zone) if 0 < len(zone) <= 64 else UTC)
    except (KeyError, ValueError, OSError):
        _ZONE.set(UTC)


def local(instant: datetime) -> datetime:
    """Return an instant in the reader's zone."""
    return instant.astimezone(_ZONE.get())


def entry(rule: Entry) -> str:
    """Say how often one contact may enter a journey."""
    if rule.period is not None:
        return f"at most once in {duration(rule.period)}"
    return "once per person" if rule.limit == "once" else "any number of times"


def number(value: float) -> str:
    """Say a count: `1,284`."""
    return f"{value:,}"


def many(count: int, one: str, more: str | None = None) -> str:
    """Say a count with its noun: `1 person`, `2 people`.

    Args:
        count: how many.
        one: the noun for one.
        more: the noun for any other number; by default with an s.
    """
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def amount(count: int, unit: str) -> str:
    """Say a small amount in words: `two days`, `14 hours`."""
    said = _SMALL[count] if 0 < count < len(_SMALL) else f"{count:,}"
    return f"{said} {unit}" + ("" if count == 1 else "s")


def duration(length: timedelta | float) -> str:
    """Say a length of time: `two days`, `one hour and 30 minutes`."""
    seconds = round(length.total_seconds() if isinstance(length, timedelta) else length)
    parts: list[str] = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(amount(count, unit))
        elif parts:
            break
        if len(parts) == 2:
            break
    return " and ".join(parts) or "no time"


def brief(length: timedelta) -> str:
    """Say a length of time shortly: `3 min`, `1 h 20 min`, `44 h`, `5 d`."""
    seconds = int(abs(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3_600:
        return f"{seconds // 60} min"
    if seconds < 172_800:
        hours, minutes = divmod(seconds // 60, 60)
        return f"{hours} h {minutes} min" if minutes and hours < 2 else f"{hours} h"
    return f"{seconds // 86_400} d"


def away(missed: Outage) -> str:
    """Say what it means that the engine misses something."""
    if missed.turns_wait:
        return "Hatchet is away: events are taken in, turns wait."
    return "Hatchet's API does not answer: turns are played, but cancels pass neither way."


def relative(instant: datetime, now: datetime) -> str:
    """Say an instant by its distance from now; past four weeks by its date."""
    distance = instant - now
    if abs(distance) >= timedelta(weeks=4):
        return date(instant, now)
    if abs(distance) < timedelta(seconds=5):
        return "now"
    said = brief(distance)
    return f"in {said}" if distance > timedelta() else f"{said} ago"


def date(instant: datetime, now: datetime) -> str:
    """Say a date, with the year when it is another one."""
    at = local(instant)
    said = f"{at.day} {at:%b}"
    return said if at.year == now.year else f"{said} {at.year}"


def stamp(instant: datetime, now: datetime) -> str:
    """Say an instant for a timeline: `Sun 14:02` near now, else `28 Apr 14:02`."""
    at = local(instant)
    if at.date() == local(now).date():
        return f"today {at:%H:%M}"
    if abs(at - now) < timedelta(days=6):
        return f"{at:%a %H:%M}"
    return f"{date(instant, now)} {at:%H:%M}"


def beside(instant: datetime, other: datetime) -> str:
    """Say an instant next to another one: the time alone when it is of the same day."""
    same_day = local(instant).date() == local(other).date()
    return f"{local(instant):%H:%M}" if same_day else stamp(instant, other)


def exact(instant: datetime) -> str:
    """Say an instant exactly, with the zone."""
    return f"{local(instant):%A, %-d %B %Y, %H:%M:%S %Z}"


def reason(code: str | None) -> str:
    """Say why something did not happen."""
    if not code:
        return ""
    return REASONS.get(code, code.replace("_", " ") if code.isidentifier() else code)


def short_id(value: UUID | str) -> str:
    """Shorten an id for people: `0193f2a1…7c`."""
    text = str(value)
    return f"{text[:8]}…{text[-4:]}"


def plain(value: Any) -> str:
    """Say a value of a property: text as it is, yes and no, or none."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
