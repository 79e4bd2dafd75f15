"""What a call of the context says: its kind, what it is about, its key in the journal."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from ...domain.durations import words
from ...domain.graph import GraphStep
from ...errors import JourneyCodeError
from ..when import Day, When
from .constants import UNKNOWN, Pattern, path_of
from .scopes import Scope

# The calls that are drawn, by their path on the context.
KINDS: Mapping[tuple[str, ...], str] = {
    ("send",): "send",
    ("sleep",): "sleep",
    ("sleep_until",): "sleep",
    ("wait_for",): "wait",
    ("wait_for_any",): "wait",
    ("digest",): "digest",
    ("throttle",): "throttle",
    ("step",): "step",
    ("trigger",): "trigger",
    ("variant",): "variant",
    ("checkpoint",): "checkpoint",
    ("exit",): "exit",
    ("is_subscribed",): "look",
    ("history", "has_event"): "look",
    ("history", "count"): "look",
    ("history", "events"): "look",
    ("history", "last_event"): "look",
    ("history", "journey"): "look",
    ("history", "email"): "look",
}
# Calls that may end a turn: the journey goes on later, from the top.
PAUSES = ("sleep", "wait", "digest", "step")

_LONGEST_KEY = 180
_ANYTHING = Pattern("*")


@dataclass(frozen=True, slots=True)
class CallDescription:
    """The arguments of a call.

    Args:
        call: the call.
        scope: the names around it.
    """

    call: ast.Call
    scope: Scope

    def node(self, place: int, name: str = "") -> ast.expr | None:
        """Return an argument.

        Args:
            place: where it stands, from 0; -1 for one that is always named.
            name: what it is called.
        """
        for keyword in self.call.keywords:
            if name and keyword.arg == name:
                return keyword.value
        plain = self.call.args
        if 0 <= place < len(plain) and not any(isinstance(a, ast.Starred) for a in plain):
            return plain[place]
        return None

    def value(self, place: int, name: str = "") -> Any:
        """Return an argument's value: None when it is not given, `UNKNOWN` when it is unclear."""
        node = self.node(place, name)
        if node is None:
            return UNKNOWN if self._is_spread else None
        return self.scope.value(node)

    def text(self, place: int, name: str = "") -> str | None:
        """Return an argument that is text; a `Pattern` where a part of it is not known."""
        value = self.value(place, name)
        return None if value is None else value if isinstance(value, str) else _ANYTHING

    def words(self, place: int, name: str = "") -> str:
        """Return an argument for people: its value, or the code."""
        node = self.node(place, name)
        return "" if node is None else words_of(node, self.scope)

    @property
    def _is_spread(self) -> bool:
        starred = any(isinstance(one, ast.Starred) for one in self.call.args)
        return starred or any(one.arg is None for one in self.call.keywords)


def read_call(call: ast.Call, scope: Scope, trigger: str) -> GraphStep | None:
    """Return the step that a call of the context is; None for one that is not drawn, or none.

    Args:
        call: any call.
        scope: the names around it.
        trigger: the event that starts the journey; empty when not known.
    """
    path = scope.context_path(call.func)
    kind = KINDS.get(path) if path is not None else None
    if kind is None or path is None:
        return None
    said = CallDescription(call, scope)
    what, span, named = _READERS.get(path[-1], _first)(said, trigger)
    label = said.text(-1, "label") if path[-1] != "checkpoint" else None
    key = f"{path[-1] if kind == 'look' else kind}:{label or named}"[:_LONGEST_KEY]
    vague = key.endswith(":*") or kind == "exit"
    return GraphStep(
        kind=kind,
        what=what,
        label=said.words(-1, "label") if label else "",
        span=span,
        key="" if vague else key,
        file=scope.module.file,
        line=scope.module.line(call),
    )


# What it is about, how long, and how the journal names it without a label.
Reading = tuple[str, str, str]


def _first(said: CallDescription, trigger: str) -> Reading:
    for name in ("template", "event", "key", "label", "reason", "list", "journey_id"):
        if (text := said.text(0, name)) is not None:
            return said.words(0, name), "", text
    return "", "", "*"


def _sleep(said: CallDescription, trigger: str) -> Reading:
    span = said.value(0, "duration")
    named = words(span) if isinstance(span, timedelta) else "*"
    return "", said.words(0, "duration"), named


def _sleep_until(said: CallDescription, trigger: str) -> Reading:
    node = said.node(0, "instant")
    moment = moment_of(node, said.scope) if node is not None else None
    if moment is None:
        return "", f"until {said.words(0, 'instant')}".strip(), "until"
    return "", moment, moment


def _wait_for(said: CallDescription, trigger: str) -> Reading:
    event = said.text(0, "event") or "*"
    return said.words(0, "event"), _up_to(said), event


def _wait_for_any(said: CallDescription, trigger: str) -> Reading:
    given = said.value(0, "events")
    events = cast("list[Any]", given) if isinstance(given, list) else []
    if not events or not all(isinstance(one, str) for one in events):
        return said.words(0, "events"), _up_to(said), "*"
    name = " or ".join(events)
    return name, _up_to(said), name


def _up_to(said: CallDescription) -> str:
    given = said.words(-1, "timeout")
    return f"up to {given}" if given and given != "None" else ""


def _digest(said: CallDescription, trigger: str) -> Reading:
    event = said.text(1, "event") or trigger or "*"
    return said.words(1, "event") or trigger, said.words(0, "window"), event


def _throttle(said: CallDescription, trigger: str) -> Reading:
    limit, window = said.value(0, "limit"), said.value(1, "window")
    known = isinstance(limit, int) and isinstance(window, timedelta)
    what = f"{said.words(0, 'limit')} in {said.words(1, 'window')}"
    return what, "", f"{limit} in {words(window)}" if known else "*"


def _is_subscribed(said: CallDescription, trigger: str) -> Reading:
    what = f"subscribed to {said.words(0, 'list') or 'its list'}"
    return what, "", said.text(0, "list") or "journey's list"


def _exit(said: CallDescription, trigger: str) -> Reading:
    return said.words(0, "reason") or "exited", "", "*"


_READERS: Mapping[str, Callable[[CallDescription, str], Reading]] = {
    "sleep": _sleep,
    "sleep_until": _sleep_until,
    "wait_for": _wait_for,
    "wait_for_any": _wait_for_any,
    "digest": _digest,
    "throttle": _throttle,
    "is_subscribed": _is_subscribed,
    "exit": _exit,
}


# -- words ------------------------------------------------------------------------------------


def words_of(node: ast.expr, scope: Scope) -> str:
    """Return an expression for people: `2 days`, `plan.upgraded`, else the code."""
    value = scope.value(node)
    if isinstance(value, Pattern) or value is UNKNOWN:
        return code_of(node, scope)
    return words(value) if isinstance(value, timedelta) else str(value)


def code_of(node: ast.AST, scope: Scope) -> str:
    """Return code as it stands, without what the reader can do without: `await`, `ctx.`."""
    text = ast.unparse(node).replace("await ", "")
    for name in scope.contexts:
        text = text.replace(f"{name}.history.", "").replace(f"{name}.", "")
    return text


# -- moments ----------------------------------------------------------------------------------


def moment_of(node: ast.expr, scope: Scope) -> str | None:
    """Return what `ctx.when.next("monday").at("09:00")` says: `next monday at 09:00`.

    Args:
        node: the expression, awaited or not.
        scope: the names around it.

    Returns:
        The words; None when it is no such expression, or a part of it is not known, or wrong.
    """
    try:
        said = _moment(node.value if isinstance(node, ast.Await) else node, scope)
    except (JourneyCodeError, TypeError):
        return None
    return said.moment.describe() if isinstance(said, When) else None


def moment_problem(node: ast.expr, scope: Scope) -> JourneyCodeError | None:
    """Return what is wrong with such an expression, if anything is for sure."""
    try:
        _moment(node, scope)
    except JourneyCodeError as error:
        return error
    except TypeError:
        return None
    return None


def _moment(node: ast.expr, scope: Scope) -> When | Day | None:
    if scope.context_path(node) == ("when",):
        return When()
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    before = _moment(node.func.value, scope)
    given = [_plain(scope.value(one)) for one in node.args]
    by_name = {one.arg: _plain(scope.value(one.value)) for one in node.keywords if one.arg}
    unclear = any(one is UNKNOWN for one in (*given, *by_name.values()))
    method = getattr(before, node.func.attr, None)
    if before is None or unclear or node.func.attr.startswith("_") or not callable(method):
        return None
    said = method(*given, **by_name)
    return said if isinstance(said, When | Day) else None


def _plain(value: Any) -> Any:
    return UNKNOWN if isinstance(value, Pattern) else value


def calls_when(node: ast.Call, scope: Scope) -> bool:
    """Say whether a call is the last one of a chain that begins with `ctx.when`."""
    inner: ast.expr = node
    while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
        inner = inner.func.value
    return bool(path_of(inner)) and scope.context_path(inner) == ("when",)
