"""The instant that a property of a contact names, in every form in which products send it."""

from __future__ import annotations

import operator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hogsend import days, hours, prop
from hogsend.domain.property_instant import PropertyInstant

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-05-01T09:00:00Z", datetime(2026, 5, 1, 9, tzinfo=UTC)),
        ("2026-05-01T09:00:00+02:00", datetime(2026, 5, 1, 7, tzinfo=UTC)),
        ("2026-05-01 09:00:00.250+00:00", datetime(2026, 5, 1, 9, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-05-01", datetime(2026, 4, 30, 22, tzinfo=UTC)),
        ("2026-01-15", datetime(2026, 1, 14, 23, tzinfo=UTC)),
    ],
)
def test_an_instant_and_a_plain_date_in_the_contacts_zone_name_an_instant(
    value: str, instant: datetime
):
    assert PropertyInstant("ends").resolve(value, BERLIN) == instant


@pytest.mark.parametrize(
    ("expression", "offset", "text"),
    [
        (prop("ends") - days(2), days(-2), "ends - 2 days"),
        (prop("ends") + hours(9), hours(9), "ends + 9 hours"),
        (prop("ends") - days(2) + hours(9), hours(9) - days(2), "ends - 1 day 15 hours"),
        (prop("plan.ends") - timedelta(minutes=1), timedelta(minutes=-1), "plan.ends - 1 minute"),
        (prop("ends") + days(0), days(0), "ends"),
    ],
)
def test_a_property_moves_by_durations(expression: PropertyInstant, offset: timedelta, text: str):
    assert (expression.offset, str(expression)) == (offset, text)
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert expression.resolve(noon.isoformat(), BERLIN) == noon + offset


def test_a_plain_date_moves_by_the_clock_of_the_contact():
    # Clocks in Berlin go forward on 29 March 2026.
    two_days_before = PropertyInstant("ends", days(-2)).resolve("2026-03-30", BERLIN)
    assert two_days_before == datetime(2026, 3, 28, tzinfo=BERLIN)
    at_nine = PropertyInstant("ends", hours(9)).resolve("2026-03-29", BERLIN)
    assert at_nine == datetime(2026, 3, 29, 9, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "ends is missing"),
        ("soon", "ends is “soon”, which is neither a date nor an instant"),
        ("", "ends is “”, which is neither a date nor an instant"),
        (1767225600, "ends is 1767225600, which is neither a date nor an instant"),
        (True, "ends is True, which is neither a date nor an instant"),
        (["2026-05-01"], "ends is ['2026-05-01'], which is neither a date nor an instant"),
        ("2026-02-30", "ends is “2026-02-30”, which is neither a date nor an instant"),
        ("2026-05-01T09:00:00", "ends is “2026-05-01T09:00:00”, which names no time zone"),
        ("9999-12-31T23:00:00Z", "ends is “9999-12-31T23:00:00Z”, which is too far away"),
        ("9999-12-31", "ends is “9999-12-31”, which is too far away"),
        ("0001-01-01T00:00:00+14:00", "is too far away"),
        ("x" * 1000, "x…”, which is neither a date nor an instant"),
    ],
)
def test_any_other_value_names_no_instant_and_says_why(value: Any, problem: str):
    with pytest.raises(ValueError, match="ends is ") as raised:
        PropertyInstant("ends", days(2)).resolve(value, BERLIN)
    assert str(raised.value).endswith(problem)
    assert len(str(raised.value)) < 120


@pytest.mark.parametrize("duration", [2, days, "2 days"])
def test_a_property_moves_by_nothing_but_durations(duration: Any):
    for move in (operator.add, operator.sub):
        with pytest.raises(TypeError, match="moves by a duration such as days"):
            move(prop("ends"), duration)
