"""Evaluates constant expressions without running the author's code."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from ...domain import durations, times
from ...domain.property_instant import PropertyInstant


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


# The value of an expression whose value is not known.
UNKNOWN: Final = _Unknown()


class Pattern(str):
    """A text with an unknown part, which is written as `*`."""


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
# Values that authors import from `hogsend`; a tuple is evaluated as a list.
LIBRARY_VALUES: Mapping[str, Any] = {
    "hogsend.WEEKDAYS": list(times.WEEKDAYS),
    "hogsend.WEEKEND": list(times.WEEKEND),
}
OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
}
_MAX_TEXT_LENGTH = 1000


def parse_dotted_name(node: ast.expr) -> tuple[str, ...]:
    """Return `("a", "b", "c")` for `a.b.c`; an empty tuple for any other expression."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute) and (owner := parse_dotted_name(node.value)):
        return (*owner, node.attr)
    return ()


def evaluate(node: ast.expr, resolve: Callable[[tuple[str, ...]], Any]) -> Any:
    """Return the value of an expression, or `UNKNOWN`.

    The value of a duration is a `timedelta`, that of `on("event", …)` the event's name, that of a
    property a `PropertyInstant`, and that of a text with an unknown part a `Pattern`.

    Args:
        node: the expression.
        resolve: returns the value of a name, given as its parts, or `UNKNOWN`.
    """
    try:
        return _evaluate(node, resolve)
    except (ArithmeticError, TypeError, ValueError, RecursionError, AttributeError):
        return UNKNOWN


def _evaluate(node: ast.expr, resolve: Callable[[tuple[str, ...]], Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if path := parse_dotted_name(node):
        return resolve(path)
    evaluator = _EVALUATORS.get(type(node))
    return UNKNOWN if evaluator is None else evaluator(node, resolve)


def _evaluate_unary(node: ast.UnaryOp, resolve: Callable[[tuple[str, ...]], Any]) -> Any:
    operand = _evaluate(node.operand, resolve)
    return -operand if isinstance(node.op, ast.USub) and operand is not UNKNOWN else UNKNOWN


def _evaluate_boolean(node: ast.BoolOp, resolve: Callable[[tuple[str, ...]], Any]) -> Any:
    """Return the value of `label or "later"`."""
    value: Any = UNKNOWN
    for operand in node.values:
        value = _evaluate(operand, resolve)
        is_unknown = value is UNKNOWN or isinstance(value, Pattern)
        if is_unknown or bool(value) == isinstance(node.op, ast.Or):
            break
    return value


def _evaluate_sequence(
    node: ast.Tuple | ast.List, resolve: Callable[[tuple[str, ...]], Any]
) -> Any:
    values = [_evaluate(element, resolve) for element in node.elts]
    return UNKNOWN if any(value is UNKNOWN for value in values) else values


def _evaluate_mapping(node: ast.Dict, resolve: Callable[[tuple[str, ...]], Any]) -> Any:
    mapping: dict[Any, Any] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        # `{**others}` has no key.
        known = UNKNOWN if key is None else _evaluate(key, resolve)
        mapping[known] = _evaluate(value, resolve)
    is_known = all(part is not UNKNOWN for pair in mapping.items() for part in pair)
    return mapping if is_known else UNKNOWN


def _evaluate_binary(node: ast.BinOp, resolve: Callable[[tuple[str, ...]], Any]) -> Any:
    left, right = _evaluate(node.left, resolve), _evaluate(node.right, resolve)
    combine = OPERATORS.get(type(node.op))
    if combine is None or left is UNKNOWN or right is UNKNOWN:
        return UNKNOWN
    if isinstance(left, PropertyInstant):
        return combine(left, right)
    numeric = (int, float, timedelta)
    if isinstance(left, numeric) and isinstance(right, numeric):
        return combine(left, right)
    if isinstance(left, str) and isinstance(right, str) and isinstance(node.op, ast.Add):
        is_pattern = isinstance(left, Pattern) or isinstance(right, Pattern)
        return Pattern(left + right) if is_pattern else left + right
    return UNKNOWN


def _evaluate_f_string(node: ast.JoinedStr, resolve: Callable[[tuple[str, ...]], Any]) -> str:
    parts: list[str] = []
    is_known = True
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            value = _evaluate(part.value, resolve)
            has_format = part.conversion != -1 or part.format_spec is not None
            is_text = not has_format and isinstance(value, str | int)
            is_known = is_known and is_text and not isinstance(value, Pattern)
            parts.append(str(value) if is_text else "*")
        else:
            parts.append(str(getattr(part, "value", "*")))
    text = "".join(parts)[:_MAX_TEXT_LENGTH]
    return text if is_known else Pattern(text)


def _evaluate_call(node: ast.Call, resolve: Callable[[tuple[str, ...]], Any]) -> Any:
    """Return the value of `days(2)`, `timedelta(hours=1)`, `prop("a")` or `on("event")`."""
    path = parse_dotted_name(node.func)
    name = path[-1] if path else ""
    if name == "on" and node.args:
        return _evaluate(node.args[0], resolve)
    args = [_evaluate(arg, resolve) for arg in node.args]
    kwargs = {kw.arg: _evaluate(kw.value, resolve) for kw in node.keywords if kw.arg}
    if name == "prop" and len(args) == 1 and isinstance(args[0], str):
        return PropertyInstant(args[0])
    if not _are_numbers([*args, *kwargs.values()]) or len(kwargs) < len(node.keywords):
        return UNKNOWN
    if name in UNITS and len(args) + len(kwargs) == 1:
        return UNITS[name](*args, *kwargs.values())
    return timedelta(*args, **kwargs) if name == "timedelta" else UNKNOWN


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) for value in values)


_EVALUATORS: dict[type[ast.expr], Callable[..., Any]] = {
    ast.JoinedStr: _evaluate_f_string,
    ast.UnaryOp: _evaluate_unary,
    ast.BinOp: _evaluate_binary,
    ast.BoolOp: _evaluate_boolean,
    ast.Tuple: _evaluate_sequence,
    ast.List: _evaluate_sequence,
    ast.Dict: _evaluate_mapping,
    ast.Call: _evaluate_call,
}
