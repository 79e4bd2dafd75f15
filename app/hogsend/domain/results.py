"""What a journey brings: how many reach its goal, and how its groups differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Literal

Verdict = Literal["not_enough_data", "higher", "lower", "no_clear_difference"]
Group = Literal["entered", "held_out"]
Figure = Literal["entered", "reached"]

# How pages and commands say them.
VERDICTS: Mapping[Verdict, str] = {
    "not_enough_data": "not enough data yet",
    "higher": "higher",
    "lower": "lower",
    "no_clear_difference": "no clear difference",
}

# A difference is shown when each group has this many people, and both together this many who
# reached the goal.
MIN_ENTERED = 100
MIN_REACHED = 10
# The 0.975 quantile of the normal distribution, for intervals that hold in 95 of 100 cases.
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class ChosenArm:
    """An arm that an enrollment counts for.

    Args:
        key: the variant's key.
        arms: identifies all arms of the variant with their weights.
        arm: the arm.
    """

    key: str
    arms: str
    arm: str


@dataclass(frozen=True, slots=True)
class GroupCount:
    """The people of a group.

    Args:
        entered: how many are in the group.
        reached: how many of these reached the goal.
    """

    entered: int = 0
    reached: int = 0

    @property
    def rate(self) -> float | None:
        """The share of those who reached the goal; None for an empty group."""
        return self.reached / self.entered if self.entered else None

    def __add__(self, other: GroupCount) -> GroupCount:
        return GroupCount(self.entered + other.entered, self.reached + other.reached)


@dataclass(frozen=True, slots=True)
class Interval:
    """The bounds that a share, or a difference of shares, is probably between."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How much greater the share of a group is than that of the control group.

    Args:
        value: the difference of the two shares, from -1 to 1.
        interval: its 95 % interval.
    """

    value: float
    interval: Interval

    @property
    def verdict(self) -> Verdict:
        """What the interval says: it excludes zero, or it does not."""
        if self.interval.low > 0:
            return "higher"
        return "lower" if self.interval.high < 0 else "no_clear_difference"


def compute_interval(count: GroupCount) -> Interval | None:
    """Return the 95 % interval of a group's share; None for an empty group.

    The score interval of E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22 (1927).
    """
    n, share = count.entered, count.rate
    if share is None:
        return None
    centre = 2 * count.reached + _Z**2
    spread = _Z * sqrt(_Z**2 + 4 * count.reached * (1 - share))
    scale = 2 * (n + _Z**2)
    # The bounds of an extreme share are exact, which rounding would miss.
    low = 0.0 if count.reached == 0 else (centre - spread) / scale
    high = 1.0 if count.reached == n else (centre + spread) / scale
    return Interval(low, high)


def compute_difference(group: GroupCount, control: GroupCount) -> Difference | None:
    """Return the difference of two groups' shares; None when a group is empty.

    The hybrid score interval, method 10 of R. G. Newcombe, "Interval estimation for the difference
    between independent proportions", Statistics in Medicine 17 (1998): it holds for small groups
    and for shares near 0 and 1 too.
    """
    share, share_of_control = group.rate, control.rate
    own, others = compute_interval(group), compute_interval(control)
    if share is None or share_of_control is None or own is None or others is None:
        return None
    value = share - share_of_control
    below = sqrt((share - own.low) ** 2 + (others.high - share_of_control) ** 2)
    above = sqrt((own.high - share) ** 2 + (share_of_control - others.low) ** 2)
    return Difference(value, Interval(value - below, value + above))


def has_enough_data(group: GroupCount, control: GroupCount) -> bool:
    """Return whether two groups are large enough for their difference to be shown."""
    is_large = min(group.entered, control.entered) >= MIN_ENTERED
    return is_large and group.reached + control.reached >= MIN_REACHED


# -- what pages, commands and the API show ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class GroupResult:
    """One group of a comparison.

    Args:
        name: `entered`, `held_out`, or the name of an arm.
        count: its people.
        is_control: whether the other groups are compared with it.
        is_current: whether the code still puts people into it.
        control: the control group's people; None when the group is not compared.
    """

    name: str
    count: GroupCount
    is_control: bool = False
    is_current: bool = True
    control: GroupCount | None = None

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval of its share."""
        return compute_interval(self.count)

    @property
    def difference(self) -> Difference | None:
        """Its difference from the control group; None without enough data."""
        if self.control is None or not has_enough_data(self.count, self.control):
            return None
        return compute_difference(self.count, self.control)

    @property
    def verdict(self) -> Verdict | None:
        """What its comparison with the control group says; None when it is not compared."""
        if self.control is None:
            return None
        return self.difference.verdict if self.difference else "not_enough_data"

    def to_json(self) -> dict[str, Any]:
        """Return the group in JSON form; shares have six decimals."""
        difference = self.difference
        return {
            "name": self.name,
            "entered": self.count.entered,
            "reached": self.count.reached,
            "rate": _round(self.count.rate),
            "rateInterval": _interval_to_json(self.interval),
            "control": self.is_control,
            "current": self.is_current,
            "difference": _round(difference.value if difference else None),
            "differenceInterval": _interval_to_json(difference.interval if difference else None),
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """The groups that are compared: those who entered with the holdout, or the arms of a variant.

    Args:
        key: the variant's key; None for the holdout.
        groups: the control group first.
        has_control: whether it is known which group is the control.
    """

    key: str | None
    groups: Sequence[GroupResult]
    has_control: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the comparison in JSON form."""
        return {
            "kind": "holdout" if self.key is None else "variant",
            "key": self.key,
            "groups": [group.to_json() for group in self.groups],
        }


@dataclass(frozen=True, slots=True)
class JourneyResults:
    """What a journey brings, counted since its goal or its holdout last changed.

    Args:
        journey_id: the journey.
        goal: its goal, as text; None without a goal, when nothing is counted.
        holdout: the percentage of its control group.
        entered: the people who entered.
        comparisons: the holdout, if there is one, then the variants by key.
    """

    journey_id: str
    goal: str | None
    holdout: float = 0
    entered: GroupCount = field(default_factory=GroupCount)
    comparisons: Sequence[Comparison] = ()

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval of the share of those who entered and reached the goal."""
        return compute_interval(self.entered)

    def to_json(self) -> dict[str, Any]:
        """Return the results in JSON form."""
        return {
            "journey": self.journey_id,
            "goal": self.goal,
            "holdout": self.holdout,
            "entered": self.entered.entered,
            "reached": self.entered.reached,
            "rate": _round(self.entered.rate),
            "rateInterval": _interval_to_json(self.interval),
            "comparisons": [comparison.to_json() for comparison in self.comparisons],
            "enoughData": {"entered": MIN_ENTERED, "reached": MIN_REACHED},
        }


def compare_holdout(entered: GroupCount, held_out: GroupCount) -> Comparison:
    """Compare those who entered a journey with those who were held out."""
    return Comparison(
        None,
        [
            GroupResult("held_out", held_out, is_control=True),
            GroupResult("entered", entered, control=held_out),
        ],
    )


def compare_arms(
    key: str,
    arms: Sequence[str],
    counts: Mapping[str, GroupCount],
    others: Mapping[str, GroupCount],
    *,
    are_past: bool,
) -> Comparison:
    """Compare the arms of a variant with its first arm.

    Args:
        key: the variant's key.
        arms: the arms in the order of the code; empty when they are not known.
        counts: the people of these arms.
        others: the people of other arms, which are listed and not compared.
        are_past: whether these are arms that the code no longer has, or had with other weights:
            their people entered at another time.
    """
    control = counts.get(arms[0], GroupCount()) if arms else None
    groups = [
        GroupResult(
            arm,
            counts.get(arm, GroupCount()),
            is_control=position == 0,
            control=control if position else None,
        )
        for position, arm in enumerate(arms)
    ]
    groups += [
        GroupResult(arm, count, is_current=not are_past) for arm, count in sorted(others.items())
    ]
    return Comparison(key, groups, has_control=bool(arms))


def _round(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def _interval_to_json(interval: Interval | None) -> list[float] | None:
    return [round(interval.low, 6), round(interval.high, 6)] if interval else None
