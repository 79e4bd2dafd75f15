"""Rates and differences have the intervals that the literature gives for them."""

from __future__ import annotations

import pytest

from hogsend.domain.results import (
    MIN_ENTERED,
    ChosenArm,
    GroupCount,
    Interval,
    compare_arms,
    compare_holdout,
    compute_difference,
    compute_interval,
)


@pytest.mark.parametrize(
    ("reached", "entered", "low", "high"),
    [
        # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in
        # Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_a_rate_has_the_score_interval(reached: int, entered: int, low: float, high: float):
    interval = compute_interval(GroupCount(entered, reached))
    assert interval is not None
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("group", "control", "low", "high"),
    [
        # R. G. Newcombe, "Interval estimation for the difference between independent proportions",
        # Statistics in Medicine 17 (1998), table II, method 10.
        (GroupCount(70, 56), GroupCount(80, 48), 0.0524, 0.3339),
        (GroupCount(10, 9), GroupCount(10, 3), 0.1705, 0.8090),
        (GroupCount(7, 6), GroupCount(7, 2), 0.0582, 0.8062),
        (GroupCount(56, 5), GroupCount(29, 0), -0.0381, 0.1926),
        (GroupCount(10, 0), GroupCount(20, 0), -0.1611, 0.2775),
        (GroupCount(10, 0), GroupCount(10, 0), -0.2775, 0.2775),
        (GroupCount(10, 10), GroupCount(20, 0), 0.6791, 1.0000),
        (GroupCount(10, 10), GroupCount(10, 0), 0.6075, 1.0000),
    ],
)
def test_a_difference_has_the_hybrid_score_interval(
    group: GroupCount, control: GroupCount, low: float, high: float
):
    difference = compute_difference(group, control)
    assert difference is not None
    assert round(difference.interval.low, 4) == low
    assert round(difference.interval.high, 4) == high
    # The other way round, everything changes its sign.
    reverse = compute_difference(control, group)
    assert reverse is not None
    assert reverse.value == -difference.value
    assert reverse.interval == Interval(-difference.interval.high, -difference.interval.low)


def test_an_empty_group_has_no_rate_and_no_difference():
    assert GroupCount().rate is None
    assert compute_interval(GroupCount()) is None
    assert compute_difference(GroupCount(5, 1), GroupCount()) is None


@pytest.mark.parametrize(
    ("entered", "held_out", "verdict"),
    [
        (GroupCount(1000, 300), GroupCount(MIN_ENTERED - 1, 1), "not_enough_data"),
        (GroupCount(1000, 8), GroupCount(MIN_ENTERED, 1), "not_enough_data"),
        (GroupCount(1000, 300), GroupCount(MIN_ENTERED, 10), "higher"),
        (GroupCount(1000, 100), GroupCount(MIN_ENTERED, 30), "lower"),
        (GroupCount(1000, 300), GroupCount(MIN_ENTERED, 28), "no_clear_difference"),
        (GroupCount(), GroupCount(), "not_enough_data"),
    ],
)
def test_a_difference_is_shown_when_both_groups_are_large_enough(
    entered: GroupCount, held_out: GroupCount, verdict: str
):
    control, group = compare_holdout(entered, held_out).groups
    assert (control.name, control.is_control, control.verdict) == ("held_out", True, None)
    assert (group.name, group.verdict) == ("entered", verdict)
    assert (group.difference is None) == (verdict == "not_enough_data")
    assert (group.to_json()["differenceInterval"] is None) == (verdict == "not_enough_data")


def test_arms_are_compared_with_the_first_and_past_arms_with_none():
    counts = {"b": GroupCount(200, 40), "a": GroupCount(200, 20)}
    past = {"old": GroupCount(500, 400)}
    comparison = compare_arms("subject", ["a", "b", "new"], counts, past, are_past=True)
    assert [(g.name, g.is_control, g.is_current, g.verdict) for g in comparison.groups] == [
        ("a", True, True, None),
        ("b", False, True, "higher"),
        ("new", False, True, "not_enough_data"),
        ("old", False, False, None),
    ]


def test_arms_without_a_known_order_have_no_control():
    comparison = compare_arms("subject", [], {}, {"a": GroupCount(500, 1)}, are_past=False)
    assert not comparison.has_control
    assert [(g.is_control, g.is_current, g.verdict) for g in comparison.groups] == [
        (False, True, None)
    ]


def test_arms_with_other_weights_are_other_arms():
    assert ChosenArm("subject", "1", "a") != ChosenArm("subject", "2", "a")
