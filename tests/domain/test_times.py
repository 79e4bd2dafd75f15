"""Local times: zones as products write them, both edges of summer time, windows, moments."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hogsend.domain.durations import days, hours, minutes
from hogsend.domain.journal import decode, encode
from hogsend.domain.times import (
    DAY_NAMES,
    WEEKDAYS,
    WEEKEND,
    Moment,
    ResolvedZone,
    Window,
    find_opening,
    find_zone,
    get_zone_name,
    parse_days,
    parse_time,
    parse_weekday,
    resolve_zone,
    to_instant,
)

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # 13:00 in Berlin
SOME_ZONES = some.sampled_from(sorted(available_timezones() - {"localtime", "Factory"})).map(
    ZoneInfo
)
SOME_DAYS = some.dates(date(1960, 1, 1), date(2080, 1, 1))
SOME_TIMES = some.times().map(lambda t: t.replace(microsecond=0))
SOME_INSTANTS = some.integers(-10 * 366 * 86_400, 110 * 365 * 86_400).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
SOME_WEEKDAYS = some.none() | some.frozensets(some.integers(0, 6), min_size=1)


def make_window(ends: list[time], days_open: frozenset[int] | None) -> Window:
    return Window(ends[0], ends[1], days_open)


SOME_WINDOWS = some.builds(
    make_window, some.lists(SOME_TIMES, min_size=2, max_size=2, unique=True), SOME_WEEKDAYS
)


def shown(instant: datetime, zone: tzinfo) -> str:
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def resolve_instant(zone: str, day: str, at: str) -> str:
    """Return what clocks of a zone show at the instant that is meant, and its offset."""
    place = ZoneInfo(zone)
    instant = to_instant(date.fromisoformat(day), time.fromisoformat(at), place)
    return instant.astimezone(place).strftime("%Y-%m-%d %H:%M %z")


# -- zones ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (" europe/berlin ", "Europe/Berlin"),
        ("UTC", "UTC"),
        ("+02:00", "UTC+02:00"),
        ("UTC+2", "UTC+02:00"),
        ("gmt-0330", "UTC-03:30"),
        ("+00:00", "UTC"),
        ("-14", "UTC-14:00"),
    ],
)
def test_a_zone_is_known_by_its_name_or_its_offset(text: str, name: str):
    zone = find_zone(text)
    assert zone is not None
    assert get_zone_name(zone) == name
    again = find_zone(name)
    assert again is not None
    assert again.utcoffset(MONDAY_NOON) == zone.utcoffset(MONDAY_NOON)


@pytest.mark.parametrize(
    "junk",
    [
        "",
        " ",
        "Mars/Base",
        "../etc/passwd",
        "/etc/localtime",
        "localtime",
        "America",
        "Europe/Berlin\0",
        "\0",
        "x" * 100_000,
        "+15:00",
        "+99",
        "+02:60",
        "+\u0663",
        "Ἑλλάς",
        "\ud800",
        "con",
        "posix/Europe/Berlin",
    ],
)
def test_junk_is_no_zone(junk: str):
    assert find_zone(junk) is None


@given(some.text())
def test_no_text_breaks_the_search_for_a_zone(text: str):
    zone = find_zone(text)
    assert zone is None or find_zone(get_zone_name(zone)) is not None


@pytest.mark.parametrize("name", ["timezone", "timeZone", "time_zone", "tz"])
def test_a_contacts_zone_is_read_from_its_properties(name: str):
    assert resolve_zone({name: "Asia/Tokyo"}, "Europe/Berlin") == ResolvedZone("Asia/Tokyo")


def test_the_first_property_that_is_text_counts():
    several = {"timezone": 2, "timeZone": " ", "time_zone": "Asia/Tokyo", "tz": "UTC"}
    assert resolve_zone(several) == ResolvedZone("Asia/Tokyo")


def test_a_contact_without_a_zone_uses_the_journeys_zone_or_utc():
    assert resolve_zone({}, "europe/berlin") == ResolvedZone("Europe/Berlin")
    assert resolve_zone({}) == ResolvedZone("UTC")
    assert resolve_zone({}, "Mars/Base") == ResolvedZone("UTC")
    assert ResolvedZone("UTC+02:00").zone.utcoffset(None) == hours(2)
    assert ResolvedZone("Gone/Since").zone is UTC


def test_an_unknown_zone_falls_back_and_is_noted():
    resolved = resolve_zone({"timezone": "Mars/Base"}, "Europe/Berlin")
    assert resolved == ResolvedZone("Europe/Berlin", "unknown zone 'Mars/Base'")
    note = resolve_zone({"timezone": "x" * 9999}).note
    assert note is not None
    assert len(note) < 100


# -- the two edges of summer time ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "asked", "meant"),
    [
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29 03:30 +0200"),
        ("Europe/Berlin", "2026-03-29", "02:00", "2026-03-29 03:00 +0200"),
        ("Europe/Berlin", "2026-03-29", "01:59", "2026-03-29 01:59 +0100"),
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08 03:30 -0400"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-04 02:45 +1100"),
        ("Africa/Casablanca", "2026-03-22", "02:30", "2026-03-22 03:30 +0100"),
        ("Asia/Beirut", "2026-03-29", "00:00", "2026-03-29 01:00 +0300"),
        ("Pacific/Apia", "2011-12-30", "09:00", "2011-12-31 09:00 +1400"),
    ],
)
def test_a_time_that_the_clocks_leave_out_is_as_much_later(
    zone: str, day: str, asked: str, meant: str
):
    assert resolve_instant(zone, day, asked) == meant


@pytest.mark.parametrize(
    ("zone", "day", "asked", "meant"),
    [
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25 02:30 +0200"),
        ("Europe/Berlin", "2026-10-25", "03:00", "2026-10-25 03:00 +0100"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01 01:30 -0400"),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-05 01:45 +1100"),
        ("Africa/Casablanca", "2026-02-15", "02:30", "2026-02-15 02:30 +0100"),
        ("Pacific/Apia", "2011-12-31", "09:00", "2011-12-31 09:00 +1400"),
    ],
)
def test_a_time_that_comes_twice_is_the_first(zone: str, day: str, asked: str, meant: str):
    assert resolve_instant(zone, day, asked) == meant


@given(SOME_ZONES, SOME_DAYS, SOME_TIMES)
def test_clocks_show_the_time_that_was_asked_for_or_a_later_one(
    zone: ZoneInfo, day: date, at: time
):
    asked = datetime.combine(day, at)
    instant = to_instant(day, at, zone)
    back = instant.astimezone(zone).replace(tzinfo=None, fold=0)
    assert back >= asked
    second = asked.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if back == asked:
        assert instant <= second, "the first of the two"
    else:
        assert back - asked == instant - second, "as much later as the clocks were put forward"


@given(SOME_ZONES, SOME_DAYS, SOME_TIMES)
def test_the_same_time_is_never_later_than_on_the_next_day(zone: ZoneInfo, day: date, at: time):
    assert to_instant(day, at, zone) <= to_instant(day + days(1), at, zone)


# -- what authors write --------------------------------------------------------------------------


def test_a_time_of_day_is_hours_and_minutes():
    assert parse_time("09:00") == time(9)
    assert parse_time("23:59:58") == time(23, 59, 58)


@pytest.mark.parametrize(
    "text", ["", "9:00", "24:00", "09:60", "09", "9am", "09:00 ", "\u0660\u0669:00"]
)
def test_anything_else_is_refused_with_the_way_to_write_it(text: str):
    with pytest.raises(ValueError, match="HH:MM, such as 09:00"):
        parse_time(text)


def test_a_weekday_is_written_in_full_or_in_three_letters():
    assert [parse_weekday(name) for name in DAY_NAMES] == list(range(7))
    assert [parse_weekday(name[:3].title()) for name in DAY_NAMES] == list(range(7))
    with pytest.raises(ValueError, match="'mo' is no weekday: write one of monday, tuesday"):
        parse_weekday("mo")


# -- windows -------------------------------------------------------------------------------------


def opens(window: Window, at: str, zone: tzinfo = BERLIN) -> str:
    """Return what clocks show when a window opens, asked at a local time."""
    asked = datetime.fromisoformat(at).replace(tzinfo=zone)
    return shown(find_opening(window, zone, asked), zone)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02 08:59", "2026-03-02 09:00"),
        ("2026-03-02 09:00", "2026-03-02 09:00"),
        ("2026-03-02 16:59", "2026-03-02 16:59"),
        ("2026-03-02 17:00", "2026-03-03 09:00"),
        ("2026-03-28 20:00", "2026-03-29 09:00"),
        ("2026-10-24 20:00", "2026-10-25 09:00"),
    ],
)
def test_outside_the_hours_the_next_opening_counts(at: str, expected: str):
    assert opens(Window(time(9), time(17)), at) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02 21:00", "2026-03-02 22:00"),
        ("2026-03-02 23:30", "2026-03-02 23:30"),
        ("2026-03-03 05:59", "2026-03-03 05:59"),
        ("2026-03-03 06:00", "2026-03-03 22:00"),
    ],
)
def test_hours_may_pass_midnight(at: str, expected: str):
    assert opens(Window(time(22), time(6)), at) == expected


def test_a_window_opens_on_its_days_only():
    working = Window.parse("09:00", "17:00", ["mon", "tuesday", "Wed", "thu", "fri"])
    assert opens(working, "2026-03-06 18:00") == "2026-03-09 09:00"
    friday_night = Window.parse("22:00", "02:00", ["fri"])
    assert opens(friday_night, "2026-03-07 01:00") == "2026-03-07 01:00"
    assert opens(friday_night, "2026-03-07 03:00") == "2026-03-13 22:00"
    assert opens(friday_night, "2026-03-06 01:00") == "2026-03-06 22:00"


def test_hours_that_the_clocks_leave_out_come_as_much_later_or_the_day_after():
    assert opens(Window(time(2, 15), time(2, 45)), "2026-03-29 00:00") == "2026-03-29 03:15"
    assert opens(Window(time(2), time(3)), "2026-03-29 00:00") == "2026-03-30 02:00"


def test_the_window_of_a_day_that_was_left_out_is_not_anothers():
    apia = ZoneInfo("Pacific/Apia")
    fridays = Window.parse("09:00", "17:00", ["fri"])
    assert opens(fridays, "2011-12-29 12:00", apia) == "2012-01-06 09:00"


def test_a_window_that_is_never_open_is_refused():
    with pytest.raises(ValueError, match="cannot begin and end at 09:00"):
        Window(time(9), time(9))
    with pytest.raises(ValueError, match="needs a day"):
        Window.parse("09:00", "17:00", [])


@given(SOME_ZONES, SOME_WINDOWS, SOME_INSTANTS, some.floats(0, 1))
def test_an_opening_is_the_first_and_never_past(
    zone: ZoneInfo, window: Window, at: datetime, share: float
):
    opening = find_opening(window, zone, at)
    assert opening >= at
    assert find_opening(window, zone, opening) == opening, "it is open then"
    between = at + (opening - at) * share
    assert find_opening(window, zone, between) == opening, "and not before"


# -- moments -------------------------------------------------------------------------------------

NINE = time(9)
WORK = parse_days(WEEKDAYS)


@pytest.mark.parametrize(
    ("moment", "meant", "words"),
    [
        (Moment(), "2026-03-02 13:00", "now"),
        (Moment("today", NINE), "2026-03-02 09:00", "today at 09:00"),
        (Moment("tomorrow", NINE), "2026-03-03 09:00", "tomorrow at 09:00"),
        (Moment("monday", NINE), "2026-03-09 09:00", "next monday at 09:00"),
        (Moment("tuesday", NINE), "2026-03-03 09:00", "next tuesday at 09:00"),
        (Moment("sunday", NINE), "2026-03-08 09:00", "next sunday at 09:00"),
        (Moment(days(3)), "2026-03-05 13:00", "in 3 days"),
        (Moment(days(1), NINE), "2026-03-03 09:00", "in 1 day at 09:00"),
        (Moment(hours(1), NINE), "2026-03-03 09:00", "in 1:00:00 at 09:00"),
        (Moment(at=NINE), "2026-03-03 09:00", "now at 09:00"),
        (Moment(at=time(18, 0, 5)), "2026-03-02 18:00", "now at 18:00:05"),
        (
            Moment("tomorrow", time(20), Window.parse("09:00", "17:00")),
            "2026-03-04 09:00",
            "tomorrow at 20:00 between 09:00 and 17:00",
        ),
        (
            Moment("saturday", None, Window.parse("09:00", "17:00", ["tue", "mon"])),
            "2026-03-09 09:00",
            "next saturday between 09:00 and 17:00 on mon, tue",
        ),
        (
            Moment("today", None, Window.parse("09:00", "17:00")),
            "2026-03-02 13:00",
            "today between 09:00 and 17:00",
        ),
        (
            Moment("today", NINE, Window.parse("09:00", "10:00")),
            "2026-03-03 09:00",
            "today at 09:00 between 09:00 and 10:00",
        ),
        (
            Moment("saturday", NINE, at_days=WORK),
            "2026-03-09 09:00",
            "next saturday at 09:00 on weekdays",
        ),
        (Moment(at=NINE, at_days=WORK), "2026-03-03 09:00", "now at 09:00 on weekdays"),
        (Moment(days(4), NINE, at_days=WORK), "2026-03-06 09:00", "in 4 days at 09:00 on weekdays"),
        (Moment("today", NINE, at_days=WORK), "2026-03-02 09:00", "today at 09:00 on weekdays"),
        (
            Moment("tomorrow", NINE, at_days=parse_days(WEEKEND)),
            "2026-03-07 09:00",
            "tomorrow at 09:00 on weekends",
        ),
        (
            Moment("tomorrow", NINE, at_days=parse_days(["fri", "monday"])),
            "2026-03-06 09:00",
            "tomorrow at 09:00 on mon, fri",
        ),
    ],
)
def test_a_moment_is_described_in_words_and_resolved_in_local_time(
    moment: Moment, meant: str, words: str
):
    assert shown(moment.resolve(MONDAY_NOON, BERLIN), BERLIN) == meant
    assert moment.describe() == words


def test_a_moment_may_go_by_the_clocks_of_another_place():
    moment = Moment("tomorrow", NINE, zone="America/New_York")
    resolved = moment.resolve(MONDAY_NOON, BERLIN)
    assert resolved == datetime(2026, 3, 3, 14, tzinfo=UTC)
    assert resolved.strftime("%H:%M %z") == "09:00 -0500", "it shows the time of that place"
    assert moment.describe() == "tomorrow at 09:00 in America/New_York"


def test_tomorrow_is_the_persons_tomorrow():
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    assert shown(Moment("tomorrow", NINE).resolve(late, BERLIN), BERLIN) == "2026-03-04 09:00"
    honolulu = ZoneInfo("Pacific/Honolulu")
    resolved = Moment("tomorrow", NINE).resolve(late, honolulu)
    assert shown(resolved, honolulu) == "2026-03-03 09:00"


SOME_MOMENTS = some.builds(
    Moment,
    some.sampled_from(["now", "tomorrow", *DAY_NAMES]) | some.timedeltas(timedelta(), days(900)),
    SOME_TIMES,
    some.none() | some.just(Window.parse("22:00", "06:00", ["sat", "sun"])),
    at_days=SOME_WEEKDAYS,
)


@given(SOME_MOMENTS, SOME_INSTANTS, SOME_ZONES)
def test_a_moment_is_never_past_and_the_journal_keeps_it(
    moment: Moment, now: datetime, zone: ZoneInfo
):
    resolved = moment.resolve(now, zone)
    assert resolved >= now
    assert resolved.utcoffset() == resolved.astimezone(zone).utcoffset(), "it shows the local time"
    kept = decode(encode(resolved))
    assert kept == resolved
    assert kept.strftime("%F %T") == resolved.strftime("%F %T")
    if moment.window is None:
        later = replace(moment, window=Window(time(0), time(23, 59, 59))).resolve(now, zone)
        assert later - resolved <= minutes(60 * 49), "a window of nearly all day hardly matters"
