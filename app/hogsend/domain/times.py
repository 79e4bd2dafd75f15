"""Local time: zones, windows of the day, and moments such as "next monday at 09:00".

Where the clocks go forward, a time that is left out means the time as much later; where they go
back, a time that comes twice means the first (journeys, "The context").
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# What products call the property of a contact that names the zone, in the order of trust.
ZONE_PROPERTIES = ("timezone", "timeZone", "time_zone", "tz")

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?", re.ASCII | re.IGNORECASE)
_WIDEST_OFFSET = timedelta(hours=14)
_LONGEST_NAME = 64
_DAY = timedelta(days=1)
# In the folder of zones, but not the zone of a place.
_NO_PLACES = {"localtime", "Factory"}


@dataclass(frozen=True, slots=True)
class ResolvedZone:
    """The zone of a contact, as far as is known.

    Args:
        name: what `zone_named` knows, such as `Europe/Berlin` or `UTC+02:00`.
        note: why the zone that the contact names is not used; None when it is, or there is none.
    """

    name: str
    note: str | None = None

    @property
    def zone(self) -> tzinfo:
        """The zone itself."""
        return zone_named(self.name) or UTC


@cache
def _places() -> Mapping[str, str]:
    return {name.lower(): name for name in available_timezones() - _NO_PLACES}


@lru_cache(maxsize=1024)
def zone_named(name: str) -> tzinfo | None:
    """Return a zone by its IANA name in any case, or by an offset such as `+02:00` or `UTC+2`.

    Args:
        name: any text, which may come from outside.

    Returns:
        The zone; None when the text names none.
    """
    if len(name) > _LONGEST_NAME:
        return None
    name = name.strip()
    known = _places().get(name.lower())
    try:
        return ZoneInfo(known) if known else _fixed(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _fixed(name: str) -> timezone | None:
    found = _OFFSET.fullmatch(name)
    if found is None:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    if offset > _WIDEST_OFFSET:
        return None
    return timezone(-offset if found[1] == "-" else offset)


def name_of(zone: tzinfo) -> str:
    """Return the name by which `zone_named` finds a zone again."""
    return zone.key if isinstance(zone, ZoneInfo) else str(zone)


def zone_of(properties: Mapping[str, Any], default: str | None = None) -> ResolvedZone:
    """Return the zone that a contact's properties name.

    Args:
        properties: the contact's; the first of `ZONE_PROPERTIES` that is text counts.
        default: the zone of those who name none, or one that does not exist; UTC when it is None.
    """
    fallback = name_of((zone_named(default) if default else None) or UTC)
    named = (properties.get(one) for one in ZONE_PROPERTIES)
    given = next((one for one in named if isinstance(one, str) and one.strip()), None)
    if given is None:
        return ResolvedZone(fallback)
    zone = zone_named(given)
    if zone is None:
        return ResolvedZone(fallback, f"unknown zone {given[:_LONGEST_NAME]!r}")
    return ResolvedZone(name_of(zone))


def local_instant(day: date, at: time, zone: tzinfo) -> datetime:
    """Return the instant, in UTC, when clocks in a zone show a time on a day.

    A time that the clocks leave out is as much later as they are put forward: 02:30 becomes 03:30.
    A time that they show twice is the first of the two.
    """
    # With `fold=0` the offset before the change holds, which is what both rules amount to.
    return datetime.combine(day, at.replace(fold=0, tzinfo=None), zone).astimezone(UTC)


def parse_time(text: str) -> time:
    """Read a time of day, `HH:MM` or `HH:MM:SS`.

    Raises:
        ValueError: it is not one; the message says how to write it.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no time of day: write it as HH:MM, such as 09:00.")
    return time(int(found[1]), int(found[2]), int(found[3] or 0))


def parse_weekday(text: str) -> int:
    """Read a weekday, `monday` or `mon` in any case, and return its number, Monday's being 0.

    Raises:
        ValueError: it is not one; the message names them.
    """
    name = text.lower()
    for number, full in enumerate(WEEKDAYS):
        if name in (full, full[:3]):
            return number
    raise ValueError(f"{text[:40]!r} is no weekday: write one of {', '.join(WEEKDAYS)}.")


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the day.

    Args:
        start: when it opens.
        end: when it closes; one before `start` is on the next day.
        days: the weekdays on which it opens, Monday's number being 0; every day when it is None.

    Raises:
        ValueError: it is never open, or there is no telling how long.
    """

    start: time
    end: time
    days: frozenset[int] | None = None

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise ValueError(
                f"A window cannot begin and end at {_clock(self.start)}: "
                "leave it out for the whole day."
            )
        if self.days is not None and not self.days:
            raise ValueError("A window needs a day on which it opens.")

    @staticmethod
    def of(start: str, end: str, days: Collection[str] | None = None) -> Window:
        """Make a window of what an author wrote: `"09:00"`, `"17:00"`, `["mon", "tue"]`.

        Raises:
            ValueError: a time or a day is none, or the window is never open.
        """
        opens = None if days is None else frozenset(map(parse_weekday, days))
        return Window(parse_time(start), parse_time(end), opens)

    def __str__(self) -> str:
        hours = f"between {_clock(self.start)} and {_clock(self.end)}"
        if self.days is None:
            return hours
        return f"{hours} on {', '.join(WEEKDAYS[day][:3] for day in sorted(self.days))}"

    def on(self, day: date, zone: tzinfo) -> tuple[datetime, datetime] | None:
        """Return when the window that opens on a day opens and closes, or None if none does."""
        if self.days is not None and day.weekday() not in self.days:
            return None
        opens = local_instant(day, self.start, zone)
        closing_day = day if self.start < self.end else day + _DAY
        closes = local_instant(closing_day, self.end, zone)
        # Where a whole day was left out, its window would be another day's.
        left_out = opens.astimezone(zone).replace(tzinfo=None) - datetime.combine(day, self.start)
        return None if opens >= closes or left_out >= _DAY else (opens, closes)


def opening(window: Window, zone: tzinfo, at: datetime) -> datetime:
    """Return the first instant, from one on, at which a window is open.

    Args:
        window: the hours.
        zone: by whose clock.
        at: the earliest instant.

    Returns:
        `at` itself while the window is open, else when it opens next, in UTC.
    """
    # One that passes midnight may have opened the day before.
    day = at.astimezone(zone).date() - _DAY
    while True:
        hours = window.on(day, zone)
        if hours is not None and at < hours[1]:
            return max(at, hours[0]).astimezone(UTC)
        day += _DAY


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment in words, such as "next monday at 09:00", to be resolved to an instant.

    Args:
        base: what is counted from: `now`, `today`, `tomorrow`, the next of a weekday, or so long
            from now.
        at: the time of that day; for a day without one its midnight.
        window: the hours in which the instant must lie; if it does not, it moves to the next
            opening.
        zone: the name of the zone that holds instead of the person's.
    """

    base: str | timedelta = "now"
    at: time | None = None
    window: Window | None = None
    zone: str | None = None

    def describe(self) -> str:
        """Return it in words, such as `next monday at 09:00`."""
        words = [_base_words(self.base)]
        if self.at is not None:
            words.append(f"at {_clock(self.at)}")
        if self.window is not None:
            words.append(str(self.window))
        if self.zone is not None:
            words.append(f"in {self.zone}")
        return " ".join(words)

    def resolve(self, now: datetime, zone: tzinfo) -> datetime:
        """Return the instant that is meant.

        Only a time of today may be past: any other that would be moves to the next day.

        Args:
            now: the present instant.
            zone: the person's, unless the moment names one itself.

        Returns:
            The instant with the local offset, so that it shows the local time.
        """
        zone = (zone_named(self.zone) if self.zone else None) or zone
        instant = self._instant(now, zone)
        if self.window is not None:
            instant = opening(self.window, zone, max(instant, now))
        local = instant.astimezone(zone)
        return local.replace(tzinfo=timezone(local.utcoffset() or timedelta()), fold=0)

    def _instant(self, now: datetime, zone: tzinfo) -> datetime:
        base, at = self.base, self.at
        if base == "now" or isinstance(base, timedelta):
            start = now + base if isinstance(base, timedelta) else now
            if at is None:
                return start
            day = start.astimezone(zone).date()
            instant = local_instant(day, at, zone)
            return instant if instant >= now else local_instant(day + _DAY, at, zone)
        today = now.astimezone(zone).date()
        return local_instant(today + _days_ahead(base, today), at or time(), zone)


def _days_ahead(base: str, today: date) -> timedelta:
    if base in ("today", "tomorrow"):
        return _DAY if base == "tomorrow" else timedelta()
    # The next Monday of a Monday is a week away.
    return _DAY * ((parse_weekday(base) - today.weekday() - 1) % 7 + 1)


def _base_words(base: str | timedelta) -> str:
    if isinstance(base, str):
        return f"next {base}" if base in WEEKDAYS else base
    number, rest = divmod(base, _DAY)
    if rest or not number:
        return f"in {base}"
    return "in 1 day" if number == 1 else f"in {number} days"


def _clock(at: time) -> str:
    return at.strftime("%H:%M:%S" if at.second else "%H:%M")
