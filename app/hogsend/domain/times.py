"""Local time: zones, windows of the day, and moments such as "next monday at 09:00".

A local time that is skipped when clocks go forward moves later by the length of the gap. A local
time that occurs twice when clocks go back is the first of the two.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

Weekday = Literal[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
]
DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# The days of the working week, and the days between two of these weeks.
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri")
WEEKEND: Final[tuple[Weekday, ...]] = ("sat", "sun")
# The names of the contact property that may hold the zone, in the order of preference.
ZONE_PROPERTIES = ("timezone", "timeZone", "time_zone", "tz")

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?", re.ASCII | re.IGNORECASE)
_WIDEST_OFFSET = timedelta(hours=14)
_MAX_NAME_LENGTH = 64
_DAY = timedelta(days=1)
# Names in the time zone database that are not the zone of a place.
_PSEUDO_ZONES = {"localtime", "Factory"}


@dataclass(frozen=True, slots=True)
class ResolvedZone:
    """The zone to use for a contact.

    Args:
        name: a name that `find_zone` accepts, such as `Europe/Berlin` or `UTC+02:00`.
        note: why the zone that the contact names is not used; None when it is used or absent.
    """

    name: str
    note: str | None = None

    @property
    def zone(self) -> tzinfo:
        """The zone itself."""
        return find_zone(self.name) or UTC


@cache
def _zones_by_lower_name() -> Mapping[str, str]:
    return {name.lower(): name for name in available_timezones() - _PSEUDO_ZONES}


@lru_cache(maxsize=1024)
def find_zone(name: str) -> tzinfo | None:
    """Find a zone by its IANA name in any case, or by an offset such as `+02:00` or `UTC+2`.

    Args:
        name: any text, which may be untrusted.

    Returns:
        The zone; None when there is no such zone.
    """
    if len(name) > _MAX_NAME_LENGTH:
        return None
    name = name.strip()
    canonical = _zones_by_lower_name().get(name.lower())
    try:
        return ZoneInfo(canonical) if canonical else _parse_offset(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _parse_offset(name: str) -> timezone | None:
    match = _OFFSET.fullmatch(name)
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    if offset > _WIDEST_OFFSET:
        return None
    return timezone(-offset if match[1] == "-" else offset)


def get_zone_name(zone: tzinfo) -> str:
    """Return the name of a zone, which `find_zone` accepts."""
    return zone.key if isinstance(zone, ZoneInfo) else str(zone)


def resolve_zone(properties: Mapping[str, Any], default: str | None = None) -> ResolvedZone:
    """Choose the zone to use for a contact.

    Args:
        properties: the contact's properties; the first of `ZONE_PROPERTIES` that is text counts.
        default: the zone of contacts whose properties name no valid zone; UTC when it is None.
    """
    fallback = get_zone_name((find_zone(default) if default else None) or UTC)
    values = (properties.get(name) for name in ZONE_PROPERTIES)
    name = next((value for value in values if isinstance(value, str) and value.strip()), None)
    if name is None:
        return ResolvedZone(fallback)
    zone = find_zone(name)
    if zone is None:
        return ResolvedZone(fallback, f"unknown zone {name[:_MAX_NAME_LENGTH]!r}")
    return ResolvedZone(get_zone_name(zone))


def to_instant(day: date, at: time, zone: tzinfo) -> datetime:
    """Return the instant, in UTC, when clocks in a zone show a time on a day.

    A time that is skipped moves later by the length of the gap: 02:30 becomes 03:30. A time that
    occurs twice is the first of the two.
    """
    # `fold=0` uses the offset before the change, which gives both rules.
    return datetime.combine(day, at.replace(fold=0, tzinfo=None), zone).astimezone(UTC)


def parse_time(text: str) -> time:
    """Parse a time of day, `HH:MM` or `HH:MM:SS`.

    Raises:
        ValueError: the text is not a time of day.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no time of day: write it as HH:MM, such as 09:00.")
    return time(int(match[1]), int(match[2]), int(match[3] or 0))


def parse_weekday(text: str) -> int:
    """Return the number of a weekday, `monday` or `mon` in any case; Monday is 0.

    Raises:
        ValueError: the text is not a weekday.
    """
    name = text.lower()
    for number, full in enumerate(DAY_NAMES):
        if name in (full, full[:3]):
            return number
    raise ValueError(f"{text[:40]!r} is no weekday: write one of {', '.join(DAY_NAMES)}.")


def parse_days(days: Collection[str] | None) -> frozenset[int] | None:
    """Return the numbers of weekdays; None for every day.

    Raises:
        ValueError: a text is not a weekday.
    """
    return None if days is None else frozenset(map(parse_weekday, days))


@dataclass(frozen=True, slots=True)
class Window:
    """A window of hours of the day.

    Args:
        start: when the window opens.
        end: when the window closes; a time before `start` is on the next day.
        days: the weekdays on which the window opens, where Monday is 0; None for every day.

    Raises:
        ValueError: `start` equals `end`, or `days` is empty.
    """

    start: time
    end: time
    days: frozenset[int] | None = None

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise ValueError(
                f"A window cannot begin and end at {_format_time(self.start)}: "
                "leave it out for the whole day."
            )
        if self.days is not None and not self.days:
            raise ValueError("A window needs a day on which it opens.")

    @staticmethod
    def parse(start: str, end: str, days: Collection[str] | None = None) -> Window:
        """Parse a window, such as `"09:00"`, `"17:00"`, `["mon", "tue"]`.

        Raises:
            ValueError: a time or a day cannot be parsed, or the window is never open.
        """
        return Window(parse_time(start), parse_time(end), parse_days(days))

    def __str__(self) -> str:
        hours = f"between {_format_time(self.start)} and {_format_time(self.end)}"
        if self.days is None:
            return hours
        return f"{hours} on {_list_days(self.days)}"

    def find_hours(self, day: date, zone: tzinfo) -> tuple[datetime, datetime] | None:
        """Return when the window of a day opens and closes; None when it does not open that day."""
        if self.days is not None and day.weekday() not in self.days:
            return None
        opens = to_instant(day, self.start, zone)
        closing_day = day if self.start < self.end else day + _DAY
        closes = to_instant(closing_day, self.end, zone)
        # A zone that skips a whole day would move its window to another day.
        gap = opens.astimezone(zone).replace(tzinfo=None) - datetime.combine(day, self.start)
        return None if opens >= closes or gap >= _DAY else (opens, closes)


def find_opening(window: Window, zone: tzinfo, at: datetime) -> datetime:
    """Find the first instant, not before `at`, at which a window is open.

    Args:
        window: the hours.
        zone: the zone of the hours.
        at: the earliest instant.

    Returns:
        `at` itself when the window is open then, else its next opening, in UTC.
    """
    # A window that spans midnight may have opened the day before.
    day = at.astimezone(zone).date() - _DAY
    while True:
        hours = window.find_hours(day, zone)
        if hours is not None and at < hours[1]:
            return max(at, hours[0]).astimezone(UTC)
        day += _DAY


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment in words, such as "next monday at 09:00", to be resolved to an instant.

    Args:
        base: `now`, `today`, `tomorrow`, a weekday (the next one), or a duration from now.
        at: the time of that day; None for midnight.
        window: the hours in which the instant must lie; an instant outside moves to the next
            opening.
        zone: the name of the zone to use instead of the contact's.
        at_days: the weekdays on which `at` may be, where Monday is 0; an instant on another day
            moves to the next of them. None for every day.

    Raises:
        ValueError: `at_days` is empty.
    """

    base: str | timedelta = "now"
    at: time | None = None
    window: Window | None = None
    zone: str | None = None
    at_days: frozenset[int] | None = None

    def __post_init__(self) -> None:
        if self.at_days is not None and not self.at_days:
            raise ValueError("A time of day needs a weekday on which it may be.")

    def describe(self) -> str:
        """Return the moment in words, such as `next monday at 09:00`."""
        parts = [_describe_base(self.base)]
        if self.at is not None:
            parts.append(f"at {_format_time(self.at)}")
        if self.at_days is not None:
            parts.append(f"on {_describe_days(self.at_days)}")
        if self.window is not None:
            parts.append(str(self.window))
        if self.zone is not None:
            parts.append(f"in {self.zone}")
        return " ".join(parts)

    def resolve(self, now: datetime, zone: tzinfo) -> datetime:
        """Return the instant of the moment.

        Only a time of `today` may be in the past; a time of `now` moves to the next day.

        Args:
            now: the current time.
            zone: the contact's zone; a zone of the moment itself takes precedence.

        Returns:
            The instant, with the local UTC offset.
        """
        zone = (find_zone(self.zone) if self.zone else None) or zone
        instant = self._instant(now, zone)
        if self.window is not None:
            instant = find_opening(self.window, zone, max(instant, now))
        local = instant.astimezone(zone)
        return local.replace(tzinfo=timezone(local.utcoffset() or timedelta()), fold=0)

    def _instant(self, now: datetime, zone: tzinfo) -> datetime:
        base, at = self.base, self.at
        if base == "now" or isinstance(base, timedelta):
            start = now + base if isinstance(base, timedelta) else now
            if at is None:
                return start
            day = start.astimezone(zone).date()
            if to_instant(day, at, zone) < now:
                day += _DAY
        else:
            today = now.astimezone(zone).date()
            day = today + _count_days_ahead(base, today)
        while self.at_days is not None and day.weekday() not in self.at_days:
            day += _DAY
        return to_instant(day, at or time(), zone)


def _count_days_ahead(base: str, today: date) -> timedelta:
    if base in ("today", "tomorrow"):
        return _DAY if base == "tomorrow" else timedelta()
    # The next Monday of a Monday is a week away.
    return _DAY * ((parse_weekday(base) - today.weekday() - 1) % 7 + 1)


def _describe_base(base: str | timedelta) -> str:
    if isinstance(base, str):
        return f"next {base}" if base in DAY_NAMES else base
    number, remainder = divmod(base, _DAY)
    if remainder or not number:
        return f"in {base}"
    return "in 1 day" if number == 1 else f"in {number} days"


def _describe_days(days: frozenset[int]) -> str:
    names = {parse_days(WEEKDAYS): "weekdays", parse_days(WEEKEND): "weekends"}
    return names.get(days) or _list_days(days)


def _list_days(days: frozenset[int]) -> str:
    return ", ".join(DAY_NAMES[day][:3] for day in sorted(days))


def _format_time(at: time) -> str:
    return at.strftime("%H:%M:%S" if at.second else "%H:%M")
