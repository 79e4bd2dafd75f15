"""What can be seen to be wrong with a journey before it is ever played."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from typing import Any

from ..domain.conditions import Property
from ..domain.event import EventMatch
from ..domain.journey import Entry
from .context import Context, History
from .marks import Mark

ID = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
ID_REMEDY = "Use lower-case letters, digits and single hyphens, such as trial-conversion."
LONGEST_ID = 100

# A problem, and what to do about it.
Problem = tuple[str, str]


def mark_problems(marked: Mark, lists: Collection[str]) -> Iterator[Problem]:
    """Say what is wrong with what `@journey` was given.

    Args:
        marked: as it was given.
        lists: the lists that there are.
    """
    # Authors need not check types, so that anything may be in it.
    mark: Any = marked
    if not isinstance(mark.id, str) or not ID.fullmatch(mark.id) or len(mark.id) > LONGEST_ID:
        yield f"{mark.id!r} is no journey id.", ID_REMEDY
    if not _names_event(mark.trigger):
        yield f"trigger is {mark.trigger!r}.", 'Name an event, or use on("name", where=…).'
    if isinstance(mark.exit_on, str) or not all(map(_names_event, mark.exit_on)):
        yield f"exit_on is {mark.exit_on!r}.", 'Use a list of events: exit_on=["user.deleted"].'
    if mark.list is not None and mark.list not in lists:
        known = ", ".join(sorted(lists))
        yield f"the list {mark.list!r} is not known.", f"Define it in lists.py; known: {known}."
    if not isinstance(mark.entry, Entry) and mark.entry not in ("once", "unlimited"):
        yield f"entry is {mark.entry!r}.", 'Use "once", "unlimited" or once_per(days(7)).'
    period = mark.entry.period if isinstance(mark.entry, Entry) else None
    for what, given in (("suppress", mark.suppress), ("once_per", period)):
        if given is not None and not _is_positive(given):
            yield f"{what} is {given!r}, not a positive duration.", "Use for example hours(12)."
    if mark.key is not None and (not isinstance(mark.key, Property) or not mark.key.path):
        yield f"key is {mark.key!r}.", 'Name a property of the trigger: key=prop("cart_id").'
    if mark.on_retrigger not in ("ignore", "restart"):
        yield f"on_retrigger is {mark.on_retrigger!r}.", 'Use "ignore" or "restart".'


def function_problems(function: Callable[..., Any]) -> Iterator[tuple[Problem, int]]:
    """Say what is wrong with a journey's function, each with its line."""
    line = inspect.unwrap(function).__code__.co_firstlineno
    if not inspect.iscoroutinefunction(function):
        yield ("it is not an async function.", "Write `async def`."), line
    elif len(inspect.signature(function).parameters) != 2:
        yield ("it must take (user, ctx).", ""), line
    else:
        for call, offset in _not_awaited(function):
            remedy = "Without it nothing happens."
            yield (f"`{call}` lacks an `await`.", remedy), line + offset


def _names_event(given: object) -> bool:
    return isinstance(given, EventMatch) or (isinstance(given, str) and given != "")


def _is_positive(given: object) -> bool:
    return isinstance(given, timedelta) and given > timedelta(0)


_CALLS = {
    (*path, name)
    for path, kind in (((), Context), (("history",), History))
    for name, value in vars(kind).items()
    if inspect.iscoroutinefunction(value)
}
# Where a coroutine that nobody has awaited is surely a mistake: it is dropped, or always true.
_DROPPED = (
    ast.Expr,
    ast.If,
    ast.While,
    ast.IfExp,
    ast.Assert,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.FormattedValue,
)


def _not_awaited(function: Callable[..., Any]) -> Iterator[tuple[str, int]]:
    """Yield calls of the context that lack an `await`, with their lines after the first."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        # Made by other code, so that there is no text to look at.
        return
    context = list(inspect.signature(function).parameters)[1]
    for node in ast.walk(tree):
        if not isinstance(node, _DROPPED):
            continue
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.Call):
                continue
            path = _path(child.func)
            if path[:1] == (context,) and path[1:] in _CALLS:
                yield ".".join(path) + "(…)", child.lineno - 1


def _path(node: ast.expr) -> tuple[str, ...]:
    """Return the names of `a.b.c`; nothing for any other expression."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute) and (before := _path(node.value)):
        return (*before, node.attr)
    return ()
