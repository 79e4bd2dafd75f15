"""Constant expressions: the few whose value can be told without running anything."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from ...domain import durations


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


# The value of an expression that cannot be told.
UNKNOWN: Final = _Unknown()


class Pattern(str):
    """A text of which a part cannot be told; `*` stands for that part."""


UNITS = {
    make.__name__: make
    for make in (
        durations.seconds,
        durations.minutes,
        durations.hours,
        durations.days,
        durations.weeks,
    )
}
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
}
_LONGEST = 1000


def path_of(node: ast.expr) -> tuple[str, ...]:
    """Return the names of `a.b.c`; nothing for any other expression."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute) and (before := path_of(node.value)):
        return (*before, node.attr)
    return ()


def value_of(node: ast.expr, named: Callable[[tuple[str, ...]], Any]) -> Any:
    """Return the value of an expression, or `UNKNOWN`.

    Durations come back as `timedelta`, `on("event", …)` as the event's name, a text with a part
    that is not known as `Pattern`.

    Args:
        node: the expression.
        named: gives the value of a name, as its parts, or `UNKNOWN`.
    """
    try:
        return _value(node, named)
    except (ArithmeticError, TypeError, ValueError, RecursionError, AttributeError):
        return UNKNOWN


def _value(node: ast.expr, named: Callable[[tuple[str, ...]], Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if path := path_of(node):
        return named(path)
    read = _READERS.get(type(node))
    return UNKNOWN if read is None else read(node, named)


def _negated(node: ast.UnaryOp, named: Callable[[tuple[str, ...]], Any]) -> Any:
    inner = _value(node.operand, named)
    return -inner if isinstance(node.op, ast.USub) and inner is not UNKNOWN else UNKNOWN


def _first_of(node: ast.BoolOp, named: Callable[[tuple[str, ...]], Any]) -> Any:
    """Return what `label or "later"` gives."""
    value: Any = UNKNOWN
    for one in node.values:
        value = _value(one, named)
        unclear = value is UNKNOWN or isinstance(value, Pattern)
        if unclear or bool(value) == isinstance(node.op, ast.Or):
            break
    return value


def _several(node: ast.Tuple | ast.List, named: Callable[[tuple[str, ...]], Any]) -> Any:
    each = [_value(one, named) for one in node.elts]
    return UNKNOWN if any(one is UNKNOWN for one in each) else each


def _combined(node: ast.BinOp, named: Callable[[tuple[str, ...]], Any]) -> Any:
    left, right = _value(node.left, named), _value(node.right, named)
    combine = _OPERATORS.get(type(node.op))
    if combine is None or left is UNKNOWN or right is UNKNOWN:
        return UNKNOWN
    plain = (int, float, timedelta)
    if isinstance(left, plain) and isinstance(right, plain):
        return combine(left, right)
    if isinstance(left, str) and isinstance(right, str) and isinstance(node.op, ast.Add):
        kind = Pattern if isinstance(left, Pattern) or isinstance(right, Pattern) else str
        return kind(left + right)
    return UNKNOWN


def _text(node: ast.JoinedStr, named: Callable[[tuple[str, ...]], Any]) -> str:
    parts: list[str] = []
    known = True
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            value = _value(part.value, named)
            plain = part.conversion == -1 and part.format_spec is None
            known = known and plain and isinstance(value, str | int)
            known = known and not isinstance(value, Pattern)
            parts.append(str(value) if plain and isinstance(value, str | int) else "*")
        else:
            parts.append(str(getattr(part, "value", "*")))
    text = "".join(parts)[:_LONGEST]
    return text if known else Pattern(text)


def _made(node: ast.Call, named: Callable[[tuple[str, ...]], Any]) -> Any:
    """Return what `days(2)`, `timedelta(hours=1)` or `on("event")` makes."""
    path = path_of(node.func)
    name = path[-1] if path else ""
    if name == "on" and node.args:
        return _value(node.args[0], named)
    given = [_value(one, named) for one in node.args]
    by_name = {one.arg: _value(one.value, named) for one in node.keywords if one.arg}
    if not _are_numbers([*given, *by_name.values()]) or len(by_name) < len(node.keywords):
        return UNKNOWN
    if name in UNITS and len(given) + len(by_name) == 1:
        return UNITS[name](*given, *by_name.values())
    return timedelta(*given, **by_name) if name == "timedelta" else UNKNOWN


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(one, int | float) for one in values)


_READERS: dict[type[ast.expr], Callable[..., Any]] = {
    ast.JoinedStr: _text,
    ast.UnaryOp: _negated,
    ast.BinOp: _combined,
    ast.BoolOp: _first_of,
    ast.Tuple: _several,
    ast.List: _several,
    ast.Call: _made,
}
