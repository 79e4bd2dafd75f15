"""Filters of lists by a property, as people type them: `plan=pro`, `seats>=5`, `company.plan`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .conditions import Compare, Condition, Not
from .incoming import MAX_NAME_LENGTH, check_text

# Longer operators come before those that they begin with.
_OPERATORS = (
    ("!=", "neq"),
    (">=", "gte"),
    ("<=", "lte"),
    ("=", "eq"),
    (">", "gt"),
    ("<", "lt"),
    ("~", "contains"),
)
_OTHER_CHARACTERS = "_-.$:/ @#"
MAX_FILTERS = 5
FORMS = "plan=pro, plan!=pro, seats>=5, name~ada, plan (is set) or !plan (is not set)"


def parse_filters(texts: Sequence[str]) -> list[Condition]:
    """Return the conditions that filters stand for.

    Args:
        texts: the filters; blank ones are left out.

    Raises:
        ValueError: a text is not a filter, or there are too many.
    """
    filters = [parse_filter(text) for text in texts if text.strip()]
    if len(filters) > MAX_FILTERS:
        raise ValueError(f"At most {MAX_FILTERS} filters are allowed.")
    return filters


def parse_filter(text: str) -> Condition:
    """Return the condition that a filter stands for.

    A value that is JSON, such as `5`, `true` or `"5"`, is read as JSON, any other value as text.

    Raises:
        ValueError: the text is not a filter.
    """
    if problem := check_text(text):
        raise ValueError(f"A filter {problem}.")
    position, sign, operator = min(
        ((text.find(sign), sign, operator) for sign, operator in _OPERATORS if sign in text),
        key=lambda match: (match[0], -len(match[1])),
        default=(len(text), "", "exists"),
    )
    path = text[:position].strip()
    is_negated = operator == "exists" and path.startswith("!")
    path = path.removeprefix("!").strip() if is_negated else path
    _check_path(path, text)
    if operator == "exists":
        condition = Compare(path, "exists")
        return Not(condition) if is_negated else condition
    return Compare(path, operator, _parse_value(text[position + len(sign) :].strip()))


def format_filter(condition: Condition) -> str:
    """Return the text that `parse_filter` reads as a condition."""
    if isinstance(condition, Not):
        return f"!{format_filter(condition.part)}"
    assert isinstance(condition, Compare)  # noqa: S101 (filters are comparisons)
    sign = next((sign for sign, operator in _OPERATORS if operator == condition.operator), "")
    return condition.path + sign + _format_value(condition.value) if sign else condition.path


def _check_path(path: str, text: str) -> None:
    if not path or len(path) > MAX_NAME_LENGTH:
        raise ValueError(f"{text!r} is not a filter. Write {FORMS}.")
    for character in path:
        if not character.isalnum() and character not in _OTHER_CHARACTERS:
            raise ValueError(
                f"Contacts cannot be filtered by a property whose name has {character!r}."
            )


def _parse_value(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return text if value is None or isinstance(value, dict | list) else value


def _format_value(value: Any) -> str:
    if isinstance(value, str):
        return value if _parse_value(value) == value else json.dumps(value)
    return json.dumps(value)
