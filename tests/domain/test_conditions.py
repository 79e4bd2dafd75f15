"""Conditions on properties: what is equal, less and greater, and what never is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hogsend import days, hours, on, prop, trigger
from hogsend.domain.conditions import Condition, condition_from_json, describe
from hogsend.domain.trigger_conditions import names_trigger, resolve_trigger

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ADA: dict[str, Any] = {
    "plan": "pro",
    "seats": 5,
    "ratio": 0.5,
    "text": "7",
    "words": "seven",
    "active": True,
    "none": None,
    "tags": ["a", "b"],
    "company": {"plan": "free", "address": {"city": "Oslo"}},
    "dotted.name": 1,
    "trial_ends": "2026-03-04T09:00:00+00:00",
    "naive": "2026-03-04T09:00:00",
}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (prop("plan") == "pro", True),
        (prop("plan") == "Pro", False),
        (prop("plan") != "free", True),
        (prop("plan") != "pro", False),
        (prop("seats") == 5, True),
        (prop("seats") == 5.0, True),
        (prop("seats") == "5", False),
        (prop("seats") > 4, True),
        (prop("seats") > 5, False),
        (prop("seats") >= 5, True),
        (prop("seats") < 6, True),
        (prop("seats") <= 4.9, False),
        (prop("ratio") < 1, True),
        # Missing and null are never equal, never less, never greater.
        (prop("gone") == None, False),  # noqa: E711
        (prop("gone") != "x", False),
        (prop("gone") < 1, False),
        (prop("gone") >= 1, False),
        (prop("none") == None, False),  # noqa: E711
        (prop("none") < 1, False),
        (~(prop("gone") == "x"), True),
        # Numbers compare with numbers only, unless the author says otherwise.
        (prop("text") > 5, False),
        (prop("text").number() > 5, True),
        (prop("text").number() == 7, True),
        (prop("words").number() > 5, False),
        (prop("seats") > "4", False),
        # True is no number.
        (prop("active") == True, True),  # noqa: E712
        (prop("active") == 1, False),
        (prop("active") > 0, False),
        (prop("seats") == True, False),  # noqa: E712
        (prop("plan").exists(), True),
        (prop("gone").exists(), False),
        (prop("none").exists(), False),
        (prop("plan").contains("r"), True),
        (prop("plan").contains("x"), False),
        (prop("tags").contains("a"), True),
        (prop("tags").contains("ab"), False),
        (prop("seats").contains(5), False),
        (prop("tags") == ["a", "b"], True),
        (prop("tags") == ["b", "a"], False),
        (prop("plan").in_(["pro", "team"]), True),
        (prop("plan").in_([]), False),
        (prop("seats").in_([1, 5]), True),
        (prop("active").in_([1]), False),
        (prop("company.plan") == "free", True),
        (prop("company.address.city") == "Oslo", True),
        (prop("company.address.street").exists(), False),
        (prop("plan.deeper").exists(), False),
        (prop("dotted.name") == 1, True),
        # Dates are ISO instants, in whatever zone they are written.
        (prop("trial_ends").within(days(2)), True),
        (prop("trial_ends").within(hours(47)), False),
        (prop("naive").within(days(9)), False),
        (prop("plan").within(days(9)), False),
        (prop("trial_ends") > NOW, True),
        (prop("trial_ends") < "2026-03-04T11:00:00+02:00", False),
        (prop("trial_ends") == "2026-03-04T10:00:00+01:00", True),
        (prop("trial_ends") == NOW + days(2), True),
        (prop("trial_ends").in_([NOW, NOW + days(2)]), True),
        ((prop("plan") == "pro") & (prop("seats") > 4), True),
        ((prop("plan") == "pro") & (prop("seats") > 5), False),
        ((prop("plan") == "free") | (prop("seats") > 4), True),
        (~((prop("plan") == "free") | (prop("seats") > 4)), False),
    ],
    ids=str,
)
def test_a_condition_holds_or_not_and_so_does_its_stored_form(condition: Any, holds: bool):
    assert condition.matches(ADA, NOW) is holds
    stored = json.loads(json.dumps(condition.to_json()))
    again = condition_from_json(stored)
    assert again.matches(ADA, NOW) is holds
    assert again.to_json() == condition.to_json()
    assert describe(condition)


ABOUT_TRIGGER = [
    (prop("plan") == trigger("plan"), {"plan": "pro"}, True),
    (prop("plan") == trigger("plan"), {"plan": "free"}, False),
    (trigger("plan") == prop("plan"), {"plan": "pro"}, True),
    (prop("plan") != trigger("plan"), {"plan": "free"}, True),
    (prop("plan") == trigger("company.plan"), {"company": {"plan": "pro"}}, True),
    (prop("seats") > trigger("least"), {"least": 4}, True),
    (trigger("least") < prop("seats"), {"least": 5}, False),
    (prop("seats") >= trigger("least"), {"least": "4"}, False),
    (prop("seats") <= trigger("most"), {"most": 5.0}, True),
    (prop("seats") < trigger("most"), {"most": 5}, False),
    (prop("active") == trigger("on"), {"on": True}, True),
    (prop("active") == trigger("on"), {"on": 1}, False),
    (prop("tags") == trigger("tags"), {"tags": ADA["tags"]}, True),
    (prop("company") == trigger("company"), {"company": ADA["company"]}, True),
    (prop("tags").contains(trigger("tag")), {"tag": "a"}, True),
    (prop("plan").in_(trigger("plans")), {"plans": ["team", "pro"]}, True),
    (prop("plan").in_(trigger("plans")), {"plans": []}, False),
    (prop("plan").in_(trigger("plans")), {"plans": "pro"}, False),
    (prop("trial_ends") == trigger("ends"), {"ends": "2026-03-04T10:00:00+01:00"}, True),
    # Nothing is equal, unequal, less or greater than a property that the trigger lacks.
    (prop("plan") == trigger("plan"), {}, False),
    (prop("plan") != trigger("plan"), {}, False),
    (prop("plan") != trigger("plan"), {"plan": None}, False),
    (prop("gone") == trigger("gone"), {}, False),
    (prop("none") == trigger("none"), {"none": None}, False),
    (~(prop("plan") == trigger("plan")), {}, True),
    ((prop("plan") == trigger("plan")) & (prop("seats") > 4), {"plan": "pro"}, True),
    ((prop("plan") == trigger("plan")) | (prop("seats") > 5), {"plan": "free"}, False),
]


@pytest.mark.parametrize(("condition", "properties", "holds"), ABOUT_TRIGGER, ids=str)
def test_a_condition_compares_with_the_trigger_and_so_does_its_stored_form(
    condition: Any, properties: dict[str, Any], holds: bool
):
    assert names_trigger(condition)
    assert "the trigger's " in describe(condition)
    again = condition_from_json(json.loads(json.dumps(condition.to_json())))
    assert again == condition
    for unresolved in (condition, again):
        resolved = resolve_trigger(unresolved, properties)
        assert resolved.matches(ADA, NOW) is holds
        # A wait stores the resolved condition.
        stored = json.loads(json.dumps(resolved.to_json()))
        assert condition_from_json(stored).matches(ADA, NOW) is holds


def test_a_condition_without_the_trigger_stays_the_same():
    condition = (prop("plan") == "pro") & ~prop("seats").in_([1])
    assert not names_trigger(condition)
    assert resolve_trigger(condition, {"plan": "free"}) == condition


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: trigger(""),
        lambda: trigger(7),  # type: ignore[arg-type]
        lambda: prop("plan").in_(["pro", trigger("plan")]),
        lambda: on("go", where=trigger("plan") == "pro"),  # type: ignore[arg-type]
        lambda: (prop("plan") == "pro") & (trigger("plan") == "pro"),  # type: ignore[operator]
        lambda: on(trigger("event")),  # type: ignore[arg-type]
    ],
)
def test_a_property_of_the_trigger_in_the_wrong_place_is_refused(mistake: Callable[[], Any]):
    with pytest.raises(TypeError):
        mistake()


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
OPERATORS = st.sampled_from(["eq", "neq", "gt", "gte", "lt", "lte", "contains", "in"])


@given(property_value=VALUES, value=SCALARS, operator=OPERATORS, as_number=st.booleans())
def test_no_property_that_anybody_sends_makes_a_condition_raise(
    property_value: Any, value: Any, operator: str, as_number: bool
):
    stored = {"type": "property", "property": "x", "operator": operator, "number": as_number}
    condition = condition_from_json({**stored, "value": [value] if operator == "in" else value})
    assert condition.matches({"x": property_value}, NOW) in (True, False)
    assert prop("x").within(days(1)).matches({"x": property_value}, NOW) in (True, False)
    assert (prop("x.y") == value).matches({"x": property_value}, NOW) in (True, False)


@pytest.mark.parametrize("how", ["if", "and", "not"])
def test_a_condition_has_no_truth_of_its_own(how: str):
    condition = prop("plan") == "pro"
    with pytest.raises(TypeError, match="Combine conditions with"):
        if how == "if":
            bool(condition)
        elif how == "and":
            assert condition and condition
        else:
            assert not condition


@pytest.mark.parametrize(
    "stored", [{"type": "odd"}, {"type": "property", "property": "x", "operator": "odd"}, {}]
)
def test_a_stored_form_that_is_not_known_is_refused(stored: dict[str, Any]):
    with pytest.raises(ValueError, match="unknown"):
        condition_from_json(stored)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (prop("plan") == "pro", "plan is “pro”"),
        ((prop("a") > 1) & ~prop("b").exists(), "a > 1 and not (b is set)"),
        ((prop("a") == 1) | (prop("a").in_([2])), "(a is 1 or a is one of (2,))"),
        (prop("ends").within(days(3)), "ends is within 3 days"),
    ],
    ids=str,
)
def test_a_condition_can_be_read(condition: Condition, words: str):
    assert describe(condition) == words
