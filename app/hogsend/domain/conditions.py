"""Conditions on properties: `prop("plan") == "pro"`, as values that can be stored.

On a missing or null property every comparison is false, `!=` included. Numbers compare with numbers
only; `.number()` converts a property that is a string, but not the value it is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from .durations import describe_duration
from .property_instant import PropertyInstant
from .trigger_property import TriggerProperty

# The value of a property that does not exist.
MISSING: Any = object()


class Condition(Protocol):
    """A predicate on a mapping of properties."""

    def matches(self, properties: Mapping[str, Any], now: datetime) -> bool:
        """Return whether the condition holds for these properties at this time."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the stored form, which `condition_from_json` reads."""
        ...


class _Combinable:
    def __and__(self, other: Condition) -> AllOf:
        return AllOf((cast("Condition", self), _check_condition(other)))

    def __or__(self, other: Condition) -> AnyOf:
        return AnyOf((cast("Condition", self), _check_condition(other)))

    def __invert__(self) -> Not:
        return Not(cast("Condition", self))

    def __bool__(self) -> bool:
        raise TypeError(
            "A condition has no truth value here. Combine conditions with & | ~ instead of "
            "and, or, not, and put each comparison in parentheses."
        )


def _check_condition(value: Any) -> Condition:
    if not hasattr(value, "matches"):
        raise TypeError(f"& and | combine conditions, and {value!r} is none")
    return value


@dataclass(frozen=True, slots=True)
class Compare(_Combinable):
    """A comparison of one property with one value.

    As long as the value is a property of the trigger, the comparison never holds: see
    `resolve_trigger`.

    Args:
        path: the property's name; dots reach into nested objects (see `look_up`).
        operator: `eq neq gt gte lt lte contains in exists within`.
        value: what to compare with; seconds for `within`; may be a property of the trigger.
        as_number: whether to convert the property from a string to a number first.
    """

    path: str
    operator: str
    value: Any = None
    as_number: bool = False

    def matches(self, properties: Mapping[str, Any], now: datetime) -> bool:
        actual = look_up(properties, self.path)
        if self.as_number and isinstance(actual, str):
            actual = _to_number(actual)
        if self.operator == "exists":
            return actual is not MISSING and actual is not None
        if actual is MISSING or actual is None or isinstance(self.value, TriggerProperty):
            return False
        return _OPERATORS[self.operator](actual, self.value, now)

    def to_json(self) -> dict[str, Any]:
        stored: dict[str, Any] = {
            "type": "property",
            "property": self.path,
            "operator": self.operator,
        }
        if isinstance(self.value, TriggerProperty):
            stored["trigger"] = self.value.path
        elif self.operator != "exists":
            is_list = isinstance(self.value, tuple)
            stored["value"] = [*cast("tuple[Any, ...]", self.value)] if is_list else self.value
        if self.as_number:
            stored["number"] = True
        return stored


@dataclass(frozen=True, slots=True)
class AllOf(_Combinable):
    """A condition that holds when every part holds."""

    parts: tuple[Condition, ...]

    def matches(self, properties: Mapping[str, Any], now: datetime) -> bool:
        return all(part.matches(properties, now) for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        return {"type": "and", "conditions": [part.to_json() for part in self.parts]}


@dataclass(frozen=True, slots=True)
class AnyOf(_Combinable):
    """A condition that holds when at least one part holds."""

    parts: tuple[Condition, ...]

    def matches(self, properties: Mapping[str, Any], now: datetime) -> bool:
        return any(part.matches(properties, now) for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        return {"type": "or", "conditions": [part.to_json() for part in self.parts]}


@dataclass(frozen=True, slots=True)
class Not(_Combinable):
    """A condition that holds when its part does not."""

    part: Condition

    def matches(self, properties: Mapping[str, Any], now: datetime) -> bool:
        return not self.part.matches(properties, now)

    def to_json(self) -> dict[str, Any]:
        return {"type": "not", "condition": self.part.to_json()}


# What has an order: numbers, texts and instants.
_Ordered = float | str | datetime | TriggerProperty


class Property:
    """A property, named by `prop`, that builds conditions when it is compared."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, path: str, *, as_number: bool = False) -> None:
        self.path = path
        self._as_number = as_number

    def number(self) -> Property:
        """Convert the property from a string to a number before the comparison.

        The value it is compared with is not converted. A string that is not a number counts as
        missing.
        """
        return Property(self.path, as_number=True)

    def _build(self, operator: str, value: Any) -> Compare:
        return Compare(self.path, operator, _to_stored_value(value), self._as_number)

    def __eq__(self, value: object) -> Compare:  # type: ignore[override]
        return self._build("eq", value)

    def __ne__(self, value: object) -> Compare:  # type: ignore[override]
        return self._build("neq", value)

    def __lt__(self, value: _Ordered) -> Compare:
        return self._build("lt", value)

    def __le__(self, value: _Ordered) -> Compare:
        return self._build("lte", value)

    def __gt__(self, value: _Ordered) -> Compare:
        return self._build("gt", value)

    def __ge__(self, value: _Ordered) -> Compare:
        return self._build("gte", value)

    def __add__(self, duration: timedelta) -> PropertyInstant:
        return PropertyInstant(self.path) + duration

    def __sub__(self, duration: timedelta) -> PropertyInstant:
        return PropertyInstant(self.path) - duration

    def exists(self) -> Compare:
        """Hold when the property exists and is not null."""
        return self._build("exists", None)

    def contains(self, value: str | float | TriggerProperty) -> Compare:
        """Hold when the property is a string that contains the value, or a list that has it.

        Unlike `==`, elements of a list are compared as they are stored: the same time in another
        zone does not match.
        """
        return self._build("contains", value)

    def in_(self, values: Sequence[Any] | TriggerProperty) -> Compare:
        """Hold when the property equals one of the values, as `==` compares them.

        Args:
            values: the values; or a property of the trigger that is a list.
        """
        if isinstance(values, TriggerProperty):
            return self._build("in", values)
        if any(isinstance(value, TriggerProperty) for value in values):
            raise TypeError(
                "in_([…]) takes plain values. Write the property of the trigger apart: "
                f'(prop("{self.path}") == trigger(…)) | prop("{self.path}").in_([…])'
            )
        return self._build("in", tuple(_to_stored_value(value) for value in values))

    def within(self, duration: timedelta) -> Compare:
        """Hold when the property is a time at most `duration` before or after now.

        The property is an ISO timestamp with a time zone.
        """
        return self._build("within", duration.total_seconds())


def prop(path: str) -> Property:
    """Name a property, to build a condition: `prop("company.plan") == "pro"`.

    `prop("trial_ends_at") - days(2)` is an instant, which `ctx.sleep_until` follows.

    Args:
        path: the property's name; dots reach into nested objects.
    """
    return Property(path)


def condition_from_json(stored: Mapping[str, Any]) -> Condition:
    """Return the condition that `Condition.to_json` stored.

    Raises:
        ValueError: the operator or the type is unknown.
    """
    condition_type = stored.get("type")
    if condition_type == "property":
        operator = stored["operator"]
        if operator != "exists" and operator not in _OPERATORS:
            raise ValueError(f"unknown operator {operator!r} in a condition")
        operand = stored.get("value")
        if "trigger" in stored:
            operand = TriggerProperty(stored["trigger"])
        elif operator == "in" and isinstance(operand, list):
            operand = tuple(cast("list[Any]", operand))
        return Compare(stored["property"], operator, operand, bool(stored.get("number")))
    if condition_type in ("and", "or"):
        parts = tuple(condition_from_json(part) for part in stored["conditions"])
        return AllOf(parts) if condition_type == "and" else AnyOf(parts)
    if condition_type == "not":
        return Not(condition_from_json(stored["condition"]))
    raise ValueError(f"unknown type of condition {condition_type!r}")


def describe(condition: Condition) -> str:
    """Return a condition in words, for screens: `plan is “pro” and seats ≥ 5`."""
    if isinstance(condition, Compare):
        return _describe_comparison(condition)
    if isinstance(condition, AllOf):
        return " and ".join(map(describe, condition.parts))
    if isinstance(condition, AnyOf):
        return "(" + " or ".join(map(describe, condition.parts)) + ")"
    if isinstance(condition, Not):
        return f"not ({describe(condition.part)})"
    return str(condition.to_json())


# A value that comes from an event may be long.
_MAX_VALUE_LENGTH = 80
_PHRASES = {
    "eq": "is",
    "neq": "is not",
    "gt": ">",
    "gte": "≥",
    "lt": "<",
    "lte": "≤",
    "contains": "contains",
    "in": "is one of",
}


def _describe_comparison(comparison: Compare) -> str:
    if comparison.operator == "exists":
        return f"{comparison.path} is set"
    if comparison.operator == "within":
        return (
            f"{comparison.path} is within {describe_duration(timedelta(seconds=comparison.value))}"
        )
    value = str(comparison.value)
    if len(value) > _MAX_VALUE_LENGTH:
        value = value[: _MAX_VALUE_LENGTH - 1] + "…"
    if isinstance(comparison.value, str):
        value = f"“{value}”"
    return f"{comparison.path} {_PHRASES[comparison.operator]} {value}"


def _to_stored_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def look_up(properties: Mapping[str, Any], path: str) -> Any:
    """Return the value of a property; `MISSING` when the property does not exist.

    A property whose own name is the path, such as `"a.b"`, precedes the nested path.

    Args:
        properties: the properties to search.
        path: the property's name, or the path through nested objects, joined by dots.
    """
    if path in properties:
        return properties[path]
    value: Any = properties
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = cast("Mapping[str, Any]", value)[name]
    return value


def _to_number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return MISSING


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parse_instant(value: object) -> datetime | None:
    if not isinstance(value, str) or len(value) < len("2026-01-01"):
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def _order(actual: Any, value: Any) -> int | None:
    """Return -1, 0 or 1 for less, equal or greater; None when the values cannot be ordered."""
    if _is_number(actual) and _is_number(value):
        return (actual > value) - (actual < value)
    left, right = _parse_instant(actual), _parse_instant(value)
    if left and right:
        return (left > right) - (left < right)
    if isinstance(actual, str) and isinstance(value, str):
        return (actual > value) - (actual < value)
    return None


def _is_equal(actual: Any, value: Any) -> bool:
    if isinstance(actual, bool) or isinstance(value, bool):
        return actual is value
    if actual == value:
        return True
    # The same instant may be written in another zone.
    left, right = _parse_instant(actual), _parse_instant(value)
    return left is not None and left == right


def _contains(actual: Any, value: Any) -> bool:
    if isinstance(actual, str):
        return isinstance(value, str) and value in actual
    return isinstance(actual, list) and value in cast("list[Any]", actual)


def _is_within(actual: Any, value: Any, now: datetime) -> bool:
    instant = _parse_instant(actual)
    return instant is not None and abs((instant - now).total_seconds()) <= value


def _is_in(actual: Any, values: Any) -> bool:
    return any(_is_equal(actual, value) for value in cast("Sequence[Any]", values))


# Each operator takes the property's value, the value to compare with, and the current time.
_OPERATORS: Mapping[str, Callable[[Any, Any, datetime], bool]] = {
    "eq": lambda actual, value, now: _is_equal(actual, value),
    "neq": lambda actual, value, now: not _is_equal(actual, value),
    "gt": lambda actual, value, now: _order(actual, value) == 1,
    "gte": lambda actual, value, now: _order(actual, value) in (0, 1),
    "lt": lambda actual, value, now: _order(actual, value) == -1,
    "lte": lambda actual, value, now: _order(actual, value) in (-1, 0),
    "contains": lambda actual, value, now: _contains(actual, value),
    "in": lambda actual, value, now: _is_in(actual, value),
    "within": _is_within,
}
