"""The journal's codec: what is read months later is what the author saw the first time."""

from __future__ import annotations

import enum
import json
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hogsend.domain.journal import Step, decode, encode, to_plain
from hogsend.errors import ValueNotStorable


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


INSTANTS = st.datetimes(timezones=st.just(UTC))
# The journal leaves NUL characters out; `test_nul_characters` tests that.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
NAMES = TEXTS | st.sampled_from(["$instant", "$duration", "$plain"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | INSTANTS
    | st.timedeltas(min_value=timedelta(days=-9999), max_value=timedelta(days=9999)).map(
        lambda length: timedelta(seconds=round(length.total_seconds()))
    ),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner, max_size=3),
)


@given(VALUES)
def test_a_stored_value_is_read_back_unchanged(value: Any):
    stored = json.loads(json.dumps(encode(value)))
    assert decode(stored) == value


@given(VALUES)
def test_a_value_is_the_same_the_first_time_and_in_every_replay(value: Any):
    first = decode(encode(value))
    replayed = decode(json.loads(json.dumps(encode(value))))
    assert (first, repr(first)) == (replayed, repr(replayed))


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ((1, (2, 3)), [1, [2, 3]]),
        (Colour.RED, "red"),
        ({Colour.RED: Level.LOW}, {"red": 1}),
        (MappingProxyType({"a": (1,)}), {"a": [1]}),
        (True, True),
    ],
)
def test_a_value_without_an_own_form_is_plain_from_the_first_time(value: Any, seen: Any):
    first = decode(encode(value))
    assert first == seen
    assert type(first) is type(seen)
    assert [type(key) for key in (first if isinstance(first, dict) else [])] == [
        str for _ in (first if isinstance(first, dict) else [])
    ]


@pytest.mark.parametrize(
    "value", [object(), {1: 2}, {"a": {1, 2}}, [b"x"], float("nan"), float("inf"), 1j]
)
def test_a_value_that_the_journal_cannot_store_is_refused(value: Any):
    with pytest.raises(ValueNotStorable, match="cannot keep"):
        encode(value)


def test_a_plain_value_is_what_the_product_would_send():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    value = {"at": at, "each": [timedelta(hours=1), {"x": at}], "n": 1}
    assert to_plain(value) == {
        "at": "2026-01-01T00:00:00+00:00",
        "each": [3600.0, {"x": "2026-01-01T00:00:00+00:00"}],
        "n": 1,
    }


@pytest.mark.parametrize(
    "step",
    [
        Step("send:a", "send", "a", {"status": "queued"}),
        Step("sleep:a#2", "sleep", "a", detail={"until": "x"}, waiting=True),
        Step("send:b", "send", "b", passed=True),
        Step("count:x", "count", "x", 0),
    ],
)
def test_a_step_is_read_back_without_its_empty_fields(step: Step):
    stored = json.loads(json.dumps(step.to_json()))
    assert Step.from_json(stored) == step
    assert None not in stored.values()
    assert False not in [value for value in stored.values() if isinstance(value, bool)]
