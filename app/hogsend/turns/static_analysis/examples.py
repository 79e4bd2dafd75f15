"""Finds examples of what an expression evaluates to, without running the author's code.

A check that refuses every example refuses whatever the expression evaluates to. An expression that
may be anything has no examples.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from ...domain.contact import Contact
from ...domain.event import Event, EventMatch
from ...domain.history import EmailPast, JourneyPast
from ..call_results import Sent, Throttle, Waited
from ..calls.when import Day, When
from ..context import Context
from ..history import History
from .bindings import Binding
from .constants import OPERATORS, UNITS, UNKNOWN, Pattern, parse_dotted_name
from .scopes import Scope

Examples = tuple[Any, ...]

_ANYTHING: Final[Examples] = ()
_MAX_EXAMPLES = 16
_MAX_DEPTH = 30


class JsonObject(dict[str, Any]):
    """The properties of a contact or of an event, or an object in them."""


# What a property can be. It is never an instant or a duration: JSON has neither.
JSON_VALUES: Final[Examples] = ("text", 1, 0.5, True, ["text"], JsonObject())

_AWARE = datetime(2026, 3, 2, 12, tzinfo=UTC)
_NAIVE = _AWARE.replace(tzinfo=None)
_ID = UUID(int=1)
CONTACT: Final = Contact(_ID, "ada", "ada@example.com", JsonObject(), "browser")
EVENT: Final = Event(_ID, "event", JsonObject(), 1, _AWARE, _AWARE, contact_id=_ID)
CONTEXT: Final = Context(EVENT, _ID)

_INSTANCES: Mapping[str, Any] = {"hogsend.Contact": CONTACT, "hogsend.Event": EVENT}
# What the calls of the context return.
_RESULTS: Mapping[tuple[str, ...], Examples] = {
    ("now",): (_AWARE,),
    ("random",): (0.5,),
    ("uuid",): (_ID,),
    ("contact",): (CONTACT,),
    ("send",): (Sent("queued", None, _ID),),
    ("trigger",): (_ID,),
    ("throttle",): (Throttle(True, 0, 1),),
    ("is_subscribed",): (True, False),
    ("wait_for",): (Waited(EVENT),),
    ("wait_for_any",): (Waited(EVENT),),
    ("digest",): ([EVENT],),
    ("history", "has_event"): (True, False),
    ("history", "count"): (1,),
    ("history", "events"): ([EVENT],),
    ("history", "last_event"): (EVENT,),
    ("history", "journey"): (JourneyPast(1, _AWARE, True, "waiting"),),
    ("history", "email"): (EmailPast(1, _AWARE, _AWARE, _AWARE),),
}
_FUNCTIONS: Mapping[str, Examples] = {
    "hogsend.on": (EventMatch("event"),),
    "datetime.timedelta": (timedelta(days=1),),
    **dict.fromkeys((f"hogsend.{unit}" for unit in UNITS), (timedelta(days=1),)),
    "builtins.str": ("text",),
    "builtins.int": (1,),
    "builtins.float": (0.5,),
    "builtins.len": (1,),
    "datetime.date": (_AWARE.date(),),
    "datetime.date.today": (_AWARE.date(),),
    "datetime.date.fromisoformat": (_AWARE.date(),),
    "datetime.datetime.utcnow": (_NAIVE,),
    "datetime.datetime.utcfromtimestamp": (_NAIVE,),
}
# The position of the time zone among the arguments; without it the instant is naive.
_ZONE_POSITIONS: Mapping[str, int] = {
    "datetime.datetime": 7,
    "datetime.datetime.now": 0,
    "datetime.datetime.fromtimestamp": 1,
}
# Methods of instants that return another type, or another zone.
_DATETIME_METHODS: Mapping[str, Any] = {
    "astimezone": _AWARE,
    "date": _AWARE.date(),
    "isoformat": "text",
    "strftime": "text",
    "timestamp": 0.5,
}


def find_examples(node: ast.expr | None, scope: Scope) -> Examples:
    """Return examples of what an expression evaluates to; none when it may be anything.

    Args:
        node: the expression; None for no expression.
        scope: the names around it.
    """
    return _Search().find(node, scope)


@dataclass(slots=True)
class _Search:
    depth: int = 0

    def find(self, node: ast.expr | None, scope: Scope) -> Examples:
        # An expression may refer to itself: `end = end + days(1)`.
        if node is None or self.depth > _MAX_DEPTH:
            return _ANYTHING
        self.depth += 1
        try:
            return self._find(node, scope)[:_MAX_EXAMPLES]
        finally:
            self.depth -= 1

    def _find(self, node: ast.expr, scope: Scope) -> Examples:
        path = scope.find_context_path(node)
        if path is not None:
            is_unclear = scope.bindings.is_unclear(parse_dotted_name(node)[0])
            return _ANYTHING if is_unclear else _read_path(path)
        parts = list(ast.walk(node))
        is_unclear = any(
            isinstance(part, ast.Name) and scope.bindings.is_unclear(part.id) for part in parts
        )
        if not is_unclear and all(_is_library_call(part, scope) for part in parts):
            value = scope.evaluate(node)
            if value is not UNKNOWN:
                return (value,)
        finder = _FINDERS.get(type(node))
        return finder(self, node, scope) if finder is not None else _ANYTHING

    def find_all(self, nodes: Iterable[ast.expr | None], scope: Scope) -> Examples:
        """Return examples of several expressions of which any may apply."""
        parts = [self.find(node, scope) for node in nodes]
        return tuple(itertools.chain(*parts)) if all(parts) else _ANYTHING

    # -- names --------------------------------------------------------------------------------

    def find_name(self, node: ast.Name | ast.Attribute, scope: Scope) -> Examples:
        parts = [self.find_bound(binding, scope) for binding in scope.find_bindings(node)]
        return tuple(itertools.chain(*parts)) if all(parts) else _ANYTHING

    def find_bound(self, binding: Binding, scope: Scope) -> Examples:
        if binding.class_name in _INSTANCES:
            return (_INSTANCES[binding.class_name],)
        return self.find(binding.expression, binding.scope or scope)

    def find_attribute(self, node: ast.Attribute, scope: Scope) -> Examples:
        owners = self.find(node.value, scope)
        if not owners:
            return self.find_name(node, scope)
        if not all(isinstance(owner, _READABLE) for owner in owners):
            return _ANYTHING
        try:
            return tuple(getattr(owner, node.attr) for owner in owners)
        except AttributeError:
            return _ANYTHING

    # -- parts --------------------------------------------------------------------------------

    def find_element(self, node: ast.Subscript, scope: Scope) -> Examples:
        owners = self.find(node.value, scope)
        if _is_json(owners):
            return JSON_VALUES
        if owners and all(owner == [EVENT] for owner in owners):
            return ([EVENT],) if isinstance(node.slice, ast.Slice) else (EVENT,)
        return _ANYTHING

    def find_awaited(self, node: ast.Await, scope: Scope) -> Examples:
        if isinstance(node.value, ast.Call):
            path = scope.find_context_path(node.value.func)
            if path is not None and path in _RESULTS:
                return _RESULTS[path]
        moments = self.find(node.value, scope)
        is_moment = bool(moments) and all(isinstance(moment, When) for moment in moments)
        return (_AWARE,) if is_moment else _ANYTHING

    def find_result(self, node: ast.Call, scope: Scope) -> Examples:
        name = scope.resolve_library_name(node.func)
        if name in _FUNCTIONS:
            return _FUNCTIONS[name]
        if name in _ZONE_POSITIONS:
            return self.find_instant(node, scope, _ZONE_POSITIONS[name])
        finder = _FUNCTION_FINDERS.get(name)
        if finder is not None:
            return finder(self, node, scope)
        if isinstance(node.func, ast.Attribute):
            return self.find_method_result(node, node.func, scope)
        return _ANYTHING

    def find_time(self, node: ast.Call, scope: Scope) -> Examples:
        has_zone = _has_spread(node) or _find_argument(node, 4, "tzinfo") is not None
        return _ANYTHING if has_zone else (time(9),)

    def find_formatted(self, node: ast.Call, scope: Scope) -> Examples:
        """Return the instant of `datetime.strptime`, which has a zone if its format has."""
        value = scope.evaluate(_find_argument(node, 1, "format"))
        if not isinstance(value, str) or isinstance(value, Pattern):
            return _ANYTHING
        return (_AWARE,) if "%z" in value else (_NAIVE,)

    def find_parsed(self, node: ast.Call, scope: Scope) -> Examples:
        """Return the instant of `datetime.fromisoformat`, if its text is known."""
        try:
            return (datetime.fromisoformat(scope.evaluate(_find_argument(node, 0, "date_string"))),)
        except (TypeError, ValueError):
            return _ANYTHING

    def find_instant(self, node: ast.Call, scope: Scope, zone_position: int) -> Examples:
        """Return an instant with a time zone, if the call is given one, or without."""
        if _has_spread(node):
            return _ANYTHING
        by_name = _find_argument(node, zone_position, "tzinfo")
        zone = by_name or _find_argument(node, zone_position, "tz")
        has_zone = zone is not None and scope.evaluate(zone) is not None
        return (_AWARE,) if has_zone else (_NAIVE,)

    def find_combination(self, node: ast.Call, scope: Scope) -> Examples:
        """Return the instant of `datetime.combine`, which has the zone of its time."""
        if _find_argument(node, 2, "tzinfo") is not None:
            return self.find_instant(node, scope, 2)
        times = self.find(_find_argument(node, 1, "time"), scope)
        is_naive = bool(times) and all(isinstance(part, time) for part in times)
        return (_NAIVE,) if is_naive else _ANYTHING

    def find_method_result(self, node: ast.Call, method: ast.Attribute, scope: Scope) -> Examples:
        owners = self.find(method.value, scope)
        if not owners:
            return _ANYTHING
        if all(isinstance(owner, When | Day) for owner in owners):
            return _choose_moment(method.attr, owners)
        if method.attr == "get" and _is_json(owners):
            if len(node.args) < 2:
                return JSON_VALUES
            default = self.find(node.args[1], scope)
            return (*JSON_VALUES, *default) if default else _ANYTHING
        if all(isinstance(owner, datetime) for owner in owners):
            return self.find_datetime_result(node, method.attr, owners, scope)
        return _ANYTHING

    def find_datetime_result(
        self, node: ast.Call, method: str, owners: Examples, scope: Scope
    ) -> Examples:
        if method in _DATETIME_METHODS:
            return (_DATETIME_METHODS[method],)
        if method != "replace" or _has_spread(node):
            return _ANYTHING
        has_zone = _find_argument(node, 7, "tzinfo") is not None
        return self.find_instant(node, scope, 7) if has_zone else owners

    # -- operators ----------------------------------------------------------------------------

    def find_sum(self, node: ast.BinOp, scope: Scope) -> Examples:
        combine = OPERATORS.get(type(node.op))
        pairs = itertools.product(self.find(node.left, scope), self.find(node.right, scope))
        if combine is None:
            return _ANYTHING
        results: list[Any] = []
        for left, right in pairs:
            if not isinstance(left, _NUMERIC) or not isinstance(right, _NUMERIC):
                return _ANYTHING
            try:
                results.append(_to_usual(combine(left, right)))
            except (TypeError, ArithmeticError, ValueError):
                continue
        return tuple(results)

    def find_alternatives(self, node: ast.IfExp | ast.BoolOp, scope: Scope) -> Examples:
        parts = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
        return self.find_all(parts, scope)

    def find_named(self, node: ast.NamedExpr, scope: Scope) -> Examples:
        return self.find(node.value, scope)

    def find_literal(self, node: ast.expr, scope: Scope) -> Examples:
        """Return a value of the same type, for a literal with unknown parts."""
        return ("text",) if isinstance(node, ast.JoinedStr) else ({},)


# Objects whose attributes are read; reading one of another class might run any code.
_READABLE = (Contact, Event, Sent, Throttle, Waited, JourneyPast, EmailPast, Context, History)
_NUMERIC = (int, float, timedelta, date, time)
_FUNCTION_FINDERS: Mapping[str, Callable[..., Examples]] = {
    "datetime.time": _Search.find_time,
    "datetime.datetime.combine": _Search.find_combination,
    "datetime.datetime.strptime": _Search.find_formatted,
    "datetime.datetime.fromisoformat": _Search.find_parsed,
}
_FINDERS: Mapping[type[ast.expr], Callable[..., Examples]] = {
    ast.Name: _Search.find_name,
    ast.Attribute: _Search.find_attribute,
    ast.Subscript: _Search.find_element,
    ast.Await: _Search.find_awaited,
    ast.Call: _Search.find_result,
    ast.BinOp: _Search.find_sum,
    ast.IfExp: _Search.find_alternatives,
    ast.BoolOp: _Search.find_alternatives,
    ast.NamedExpr: _Search.find_named,
    **dict.fromkeys((ast.Dict, ast.DictComp, ast.JoinedStr), _Search.find_literal),
}


def _read_path(path: tuple[str, ...]) -> Examples:
    """Return what a path in the context leads to, such as `("event", "properties")`."""
    value: Any = CONTEXT
    for name in path:
        if not isinstance(value, _READABLE) or name.startswith("_") or not hasattr(value, name):
            return _ANYTHING
        value = getattr(value, name)
    return _ANYTHING if callable(value) else (value,)


def _is_json(examples: Examples) -> bool:
    """Return whether examples are those of properties, or of a property."""
    is_object = bool(examples) and all(isinstance(example, JsonObject) for example in examples)
    return is_object or examples == JSON_VALUES


def _to_usual(value: Any) -> Any:
    """Return a value of the same class that checks of its size accept: only its class is known."""
    if isinstance(value, timedelta):
        return timedelta(days=1)
    return 1 if isinstance(value, int) else 0.5 if isinstance(value, float) else value


def _choose_moment(method: str, owners: Examples) -> Examples:
    """Return a moment of the class that a method of `ctx.when` returns."""
    if method in ("today", "tomorrow", "next"):
        return (Day(),)
    if method in ("at", "window", "in_"):
        return (When(),)
    return owners if method == "tz" else _ANYTHING


def _is_library_call(node: ast.AST, scope: Scope) -> bool:
    """Return whether a node is no call, or certainly calls what its name says."""
    if not isinstance(node, ast.Call):
        return True
    name = scope.resolve_library_name(node.func)
    # The value of `on("event")` counts as the event's name elsewhere.
    return name != "hogsend.on" and name.startswith(("hogsend.", "datetime.", "builtins."))


def _find_argument(node: ast.Call, position: int, name: str) -> ast.expr | None:
    by_name = next((kw.value for kw in node.keywords if kw.arg == name), None)
    return node.args[position] if by_name is None and position < len(node.args) else by_name


def _has_spread(node: ast.Call) -> bool:
    is_starred = any(isinstance(argument, ast.Starred) for argument in node.args)
    return is_starred or any(keyword.arg is None for keyword in node.keywords)
