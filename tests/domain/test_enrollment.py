"""The decisions about entering, waiting and leaving, as pure functions of what is known."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hogsend import days, on, once_per, prop, seconds
from hogsend.domain.conditions import prop as domain_prop
from hogsend.domain.enrollment import LookBack, Wait, find_exit_rule
from hogsend.domain.enrollment_decision import Enroll, EnrollmentFacts, Skip, decide_enrollment
from hogsend.domain.entry_key import compute_entry_key, describe_entry_key, is_for_entry
from hogsend.domain.event import Event
from hogsend.domain.journey import Entry, Journey

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ADA, OTHER = UUID(int=1), UUID(int=2)
JOURNEY = Journey("j", "J", "", on("go", where=prop("plan") == "pro"), Entry("once"))
GO = Event(UUID(int=9), "go", {"plan": "pro", "cart": 7})

# In the order in which they refuse: what is changed of journey, event and facts.
REFUSALS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("disabled", {"enabled": False}, {}, {}),
    ("disabled_by_operator", {}, {}, {"is_switched_off": True}),
    ("where_not_met", {}, {"properties": {"plan": "free", "cart": 7}}, {}),
    ("journey_broken", {}, {}, {"is_unavailable": True}),
    ("late_event", {}, {}, {"is_late": True}),
    ("trigger_loop", {}, {}, {"is_looped": True}),
    ("no_key", {"entry_key": "gone"}, {}, {}),
    ("already_live", {}, {}, {"is_live": True}),
    ("already_entered", {}, {}, {"last_entry": NOW - days(9)}),
    ("unsubscribed", {}, {}, {"is_subscribed": False}),
    ("suppressed", {}, {}, {"is_suppressed": True}),
    ("held_out", {}, {}, {"is_held_out": True}),
]


def decide(*changes: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]) -> Enroll | Skip:
    journey, event, facts = JOURNEY, GO, EnrollmentFacts()
    for of_journey, of_event, of_facts in changes:
        journey, event = replace(journey, **of_journey), replace(event, **of_event)
        facts = replace(facts, **of_facts)
    return decide_enrollment(journey, event, facts, NOW)


def test_where_nothing_refuses_the_person_enters():
    assert decide() == Enroll("j", "")
    assert decide(({"entry_key": "cart"}, {}, {})) == Enroll("j", "=7")


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal[0])
def test_each_reason_refuses(refusal: tuple[str, Any, Any, Any]):
    reason, *change = refusal
    assert decide(tuple(change)) == Skip("j", reason)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "pair", list(itertools.combinations(REFUSALS, 2)), ids=lambda pair: f"{pair[0][0]}-{pair[1][0]}"
)
def test_of_two_reasons_the_first_counts(pair: Any):
    (first, *first_changes), (_, *second_changes) = pair
    assert decide(tuple(second_changes), tuple(first_changes)) == Skip("j", first)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal[0])
def test_a_period_that_is_not_over_refuses_before_consent_does(
    refusal: tuple[str, Any, Any, Any],
):
    reason, *change = refusal
    weekly = {"entry": Entry("once_per_period", days(7))}, {}, {"last_entry": NOW - days(1)}
    later = ("already_entered", "unsubscribed", "suppressed", "held_out")
    expected = "too_soon" if reason in later else reason
    changes: list[Any] = [tuple(change), weekly]
    assert decide(*changes) == Skip("j", expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (None, None),
        (days(7), None),
        (days(7) - timedelta(microseconds=1), "too_soon"),
        (timedelta(0), "too_soon"),
    ],
)
def test_a_period_counts_from_the_last_entry(since: timedelta | None, expected: str | None):
    facts = {"last_entry": None if since is None else NOW - since}
    decision = decide(({"entry": once_per(days(7))}, {}, facts))
    assert (decision.reason if isinstance(decision, Skip) else None) == expected


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("a", "a"),
        ("7", "7"),
        ("True", "True"),
        ("é 'x'", "é 'x'"),
        ("x" * 200, "x" * 200),
        (7, "=7"),
        (7.0, "=7"),
        (0, "=0"),
        (-1.5, "=-1.5"),
        (True, "=true"),
        (False, "=false"),
        ("", '=""'),
        ("=7", '="=7"'),
        ('="é"', '="=\\"é\\""'),
    ],
)
def test_the_key_of_an_entry_is_the_text_or_the_json_of_another_value(value: Any, key: str):
    journey = replace(JOURNEY, entry_key="cart.id")
    event = replace(GO, properties={"cart": {"id": value}})
    assert compute_entry_key(journey, event) == key
    assert is_for_entry(event, journey, key)
    assert not is_for_entry(event, journey, "other")


@pytest.mark.parametrize(
    ("key", "shown"),
    [("a", "a"), ("=7", "7"), ("=true", "true"), ('=""', ""), ('="=7"', "=7"), ('="é"', "é")],
)
def test_a_key_is_shown_as_its_value(key: str, shown: str):
    assert describe_entry_key(key) == shown


KEYS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@given(one=KEYS, other=KEYS)
@example(True, 1)
@example("=7", 7)
@example('=""', "")
def test_two_values_give_one_key_only_if_they_are_equal_in_json(one: Any, other: Any):
    journey = replace(JOURNEY, entry_key="id")
    keys = [compute_entry_key(journey, replace(GO, properties={"id": v})) for v in (one, other)]
    same_type = isinstance(one, bool) == isinstance(other, bool)
    assert (keys[0] == keys[1]) == (same_type and one == other)


def test_long_keys_with_the_same_start_stay_different():
    journey = replace(JOURNEY, entry_key="id")
    events = [replace(GO, properties={"id": "x" * 300 + end}) for end in "aab"]
    same, again, other = (compute_entry_key(journey, event) or "" for event in events)
    assert same == again != other
    assert len(same) == len(other) == 64


def test_the_first_exit_that_an_event_meets_is_named():
    paid = on("paid", where=domain_prop("all") == True)  # noqa: E712
    journey = replace(JOURNEY, exit_on=(on("left"), paid, on("paid")))
    find_rule = partial(find_exit_rule, journey, now=NOW, entry_key="", trigger=None)
    assert find_rule(Event(ADA, "paid", {"all": True})) is paid
    assert str(find_rule(Event(ADA, "paid"))) == "paid"
    assert find_rule(Event(ADA, "other")) is None


@pytest.mark.parametrize(
    ("properties", "entry_key", "ends"),
    [
        ({"cart": "A"}, "A", True),
        ({"cart": "A"}, "B", False),
        ({"cart": 1}, "=1", True),
        ({"cart": 1}, "1", False),
        ({"cart": None}, "A", True),
        ({}, "A", True),
        ({"cart": ["A"]}, "A", False),
        # Entered before the journey had a key.
        ({"cart": "A"}, "", True),
    ],
)
def test_an_exit_ends_the_enrollment_with_its_key(
    properties: dict[str, Any], entry_key: str, ends: bool
):
    journey = replace(JOURNEY, entry_key="cart", exit_on=(on("ordered"),))
    event = Event(ADA, "ordered", properties)
    rule = find_exit_rule(journey, event, NOW, entry_key=entry_key, trigger=None)
    assert (rule is not None) == ends


@pytest.mark.parametrize(("late", "matches"), [(0, True), (1, False)])
def test_a_wait_is_over_at_its_deadline(late: int, matches: bool):
    wait = Wait("wait:used", NOW, (on("used"),))
    event = Event(ADA, "used", received_at=NOW + timedelta(microseconds=late))
    assert wait.matches(event, NOW + days(1)) is matches
    assert Wait("wait:used", None, wait.events).matches(event, NOW)
    assert not Wait("sleep:x", None).matches(event, NOW)


@pytest.mark.parametrize(
    ("look_back", "event", "seen"),
    [
        (LookBack(3), {"seq": 4}, True),
        (LookBack(3), {"seq": 3}, False),
        (LookBack(3, NOW), {"seq": 4, "received_at": NOW + days(1)}, True),
        # The instant itself belongs to the next wait; the wait before has had its turn.
        (LookBack(3, NOW), {"seq": 4, "received_at": NOW}, True),
        (LookBack(3, NOW), {"seq": 4, "received_at": NOW - seconds(1)}, False),
        # Those of others who were merged are numbered apart.
        (LookBack(3), {"seq": 1, "contact_id": OTHER}, True),
        (LookBack(3, event=UUID(int=4)), {"seq": 1, "contact_id": OTHER}, True),
        (LookBack(3, event=UUID(int=5)), {"seq": 9, "contact_id": OTHER}, False),
        (LookBack(3, event=UUID(int=9)), {"seq": 4}, True),
        # What it looks back to was another's event: now its own are numbered apart too.
        (LookBack(0, event=UUID(int=4)), {"seq": 1}, True),
        (LookBack(0, event=UUID(int=5)), {"seq": 9}, False),
    ],
)
def test_a_wait_looks_back_by_number_and_by_time(
    look_back: LookBack, event: dict[str, Any], seen: bool
):
    facts = {"contact_id": ADA, **event}
    assert look_back.can_see(Event(UUID(int=5), "used", **facts), ADA) is seen
