"""Conditions on properties: `prop("plan") == "pro"`, as values that can be stored.

Rules (spec: ingest, "Conditions"): a missing property is never equal, never less and never
greater; numbers compare with numbers only, unless the author says `.number()`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from .durations import words

# What a property is that is not there.
MISSING: Any = object()


class Condition(Protocol):
    """Something that is true or false of a mapping of properties."""

    def matches(self, properties: Mapping[str, Any], now: datetime) -> bool:
        """Say whether the condition holds for these properties at this instant."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the stored form, which `condition_from_json` reads."""
        ...


class _Combinable:
    def __and__(self, other: Condition) -> All:
        return All((cast("Condition", self), other))

    def __or__(self, other: Condition) -> AnyOf:
        return AnyOf((cast("Condition", self), other))

    def __invert__(self) -> Not:
        return Not(cast("Condition", self))

    def __bool__(self) -> bool:
        raise TypeError(
            "A condition has no truth value here. Combine conditions with & | ~ instead of "
            "and, or, not, and put each comparison in parentheses."
        )


@dataclass(frozen=True, slots=True)
class Compare(_Combinable):
    """One property held against one value.

    Args:
        path: the property's name; dots reach into nested objects.
        operator: `eq neq gt gte lt lte contains in exists within`.
        value: what to compare with; seconds for `within`.
        as_number: read a text property as a number first.
    """

    path: str
    operator: str
    value: Any = None
    as_number: bool = False

    def matches(self, properties: Mapping[str, Any], now: datetime) -> bool:
        found = look_up(properties, self.path)
        if self.as_number and isinstance(found, str):
            found = _to_number(found)
        if self.operator == "exists":
            return found is not MISSING and found is not None
        if found is MISSING or found is None:
            return False
        return _OPERATORS[self.operator](found, self.value, now)

    def to_json(self) -> dict[str, Any]:
        stored: dict[str, Any] = {
            "type": "property",
            "property": self.path,
            "operator": self.operator,
        }
        if self.operator != "exists":
            several = isinstance(self.value, tuple)
            stored["value"] = [*cast("tuple[Any, ...]", self.value)] if several else self.value
        if self.as_number:
            stored["number"] = True
        return stored


@dataclass(frozen=True, slots=True)
class All(_Combinable):
    """Holds when every part holds."""

    parts: tuple[Condition, ...]

    def matches(self, properties: Mapping[str, Any], now: datetime) -> bool:
        return all(part.matches(properties, now) for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        return {"type": "and", "conditions": [part.to_json() for part in self.parts]}


@dataclass(frozen=True, slots=True)
class AnyOf(_Combinable):
    """Holds when at least one part holds."""

    parts: tuple[Condition, ...]

    def matches(self, properties: Mapping[str, Any], now: datetime) -> bool:
        return any(part.matches(properties, now) for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        return {"type": "or", "conditions": [part.to_json() for part in self.parts]}


@dataclass(frozen=True, slots=True)
class Not(_Combinable):
    """Holds when its part does not."""

    part: Condition

    def matches(self, properties: Mapping[str, Any], now: datetime) -> bool:
        return not self.part.matches(properties, now)

    def to_json(self) -> dict[str, Any]:
        return {"type": "not", "condition": self.part.to_json()}


class Property:
    """A property by name, to be compared; made by `prop`."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, path: str, *, as_number: bool = False) -> None:
        self.path = path
        self._as_number = as_number

    def number(self) -> Property:
        """Read text as a number before comparing."""
        return Property(self.path, as_number=True)

    def _compare(self, operator: str, value: Any) -> Compare:
        return Compare(self.path, operator, _plain(value), self._as_number)

    def __eq__(self, value: object) -> Compare:  # type: ignore[override]
        return self._compare("eq", value)

    def __ne__(self, value: object) -> Compare:  # type: ignore[override]
        return self._compare("neq", value)

    def __lt__(self, value: float | str | datetime) -> Compare:
        return self._compare("lt", value)

    def __le__(self, value: float | str | datetime) -> Compare:
        return self._compare("lte", value)

    def __gt__(self, value: float | str | datetime) -> Compare:
        return self._compare("gt", value)

    def __ge__(self, value: float | str | datetime) -> Compare:
        return self._compare("gte", value)

    def exists(self) -> Compare:
        """Hold when the property is there and not null."""
        return self._compare("exists", None)

    def contains(self, value: str | float) -> Compare:
        """Hold when the text contains the value, or the list has it."""
        return self._compare("contains", value)

    def in_(self, values: Sequence[Any]) -> Compare:
        """Hold when the property equals one of the values."""
        return self._compare("in", tuple(_plain(value) for value in values))

    def within(self, duration: timedelta) -> Compare:
        """Hold when the property is an ISO instant at most `duration` away from now."""
        return self._compare("within", duration.total_seconds())


def prop(path: str) -> Property:
    """Name a property, to build a condition: `prop("company.plan") == "pro"`.

    Args:
        path: the property's name; dots reach into nested objects.
    """
    return Property(path)


def condition_from_json(stored: Mapping[str, Any]) -> Condition:
    """Read back what `Condition.to_json` wrote.

    Raises:
        ValueError: the form is not known.
    """
    kind = stored.get("type")
    if kind == "property":
        operator = stored["operator"]
        if operator != "exists" and operator not in _OPERATORS:
            raise ValueError(f"unknown operator {operator!r} in a condition")
        value = stored.get("value")
        kept = tuple(cast("list[Any]", value)) if isinstance(value, list) else value
        return Compare(stored["property"], operator, kept, bool(stored.get("number")))
    if kind in ("and", "or"):
        parts = tuple(condition_from_json(part) for part in stored["conditions"])
        return All(parts) if kind == "and" else AnyOf(parts)
    if kind == "not":
        return Not(condition_from_json(stored["condition"]))
    raise ValueError(f"unknown kind of condition {kind!r}")


def describe(condition: Condition) -> str:
    """Say a condition in words, for screens: `plan is "pro" and seats ≥ 5`."""
    if isinstance(condition, Compare):
        return _describe_compare(condition)
    if isinstance(condition, All):
        return " and ".join(map(describe, condition.parts))
    if isinstance(condition, AnyOf):
        return "(" + " or ".join(map(describe, condition.parts)) + ")"
    if isinstance(condition, Not):
        return f"not ({describe(condition.part)})"
    return str(condition.to_json())


_WORDS = {
    "eq": "is",
    "neq": "is not",
    "gt": ">",
    "gte": "≥",
    "lt": "<",
    "lte": "≤",
    "contains": "contains",
    "in": "is one of",
}


def _describe_compare(compare: Compare) -> str:
    if compare.operator == "exists":
        return f"{compare.path} is set"
    if compare.operator == "within":
        return f"{compare.path} is within {words(timedelta(seconds=compare.value))}"
    value = f"“{compare.value}”" if isinstance(compare.value, str) else str(compare.value)
    return f"{compare.path} {_WORDS[compare.operator]} {value}"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def look_up(properties: Mapping[str, Any], path: str) -> Any:
    """Return a property by its name, or by the names that lead to it; `MISSING` when there is none.

    Args:
        properties: where it is.
        path: the name, with dots between the names of what it is nested in.
    """
    if path in properties:
        return properties[path]
    found: Any = properties
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return MISSING
        found = cast("Mapping[str, Any]", found)[name]
    return found


def _to_number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return MISSING


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _instant(value: object) -> datetime | None:
    if not isinstance(value, str) or len(value) < len("2026-01-01"):
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def _order(found: Any, value: Any) -> int | None:
    """Return -1, 0 or 1, or None where the two have no order."""
    if _is_number(found) and _is_number(value):
        return (found > value) - (found < value)
    left, right = _instant(found), _instant(value)
    if left and right:
        return (left > right) - (left < right)
    if isinstance(found, str) and isinstance(value, str):
        return (found > value) - (found < value)
    return None


def _equal(found: Any, value: Any) -> bool:
    if isinstance(found, bool) or isinstance(value, bool):
        return found is value
    if found == value:
        return True
    # The same instant may be written in another zone.
    left, right = _instant(found), _instant(value)
    return left is not None and left == right


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, str):
        return isinstance(value, str) and value in found
    return isinstance(found, list) and value in cast("list[Any]", found)


def _within(found: Any, value: Any, now: datetime) -> bool:
    instant = _instant(found)
    return instant is not None and abs((instant - now).total_seconds()) <= value


def _one_of(found: Any, values: Any) -> bool:
    return any(_equal(found, value) for value in cast("Sequence[Any]", values))


# Each takes what was found, what to compare with, and the present instant.
_OPERATORS: Mapping[str, Callable[[Any, Any, datetime], bool]] = {
    "eq": lambda found, value, now: _equal(found, value),
    "neq": lambda found, value, now: not _equal(found, value),
    "gt": lambda found, value, now: _order(found, value) == 1,
    "gte": lambda found, value, now: _order(found, value) in (0, 1),
    "lt": lambda found, value, now: _order(found, value) == -1,
    "lte": lambda found, value, now: _order(found, value) in (-1, 0),
    "contains": lambda found, value, now: _contains(found, value),
    "in": lambda found, value, now: _one_of(found, value),
    "within": _within,
}
