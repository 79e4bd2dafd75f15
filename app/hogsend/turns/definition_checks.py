"""Checks the definition of a journey before any of its turns runs."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from typing import Any, cast

from ..domain.conditions import Property
from ..domain.event import EventMatch
from ..domain.journey import Entry
from ..domain.times import Window, find_zone
from ..domain.trigger_conditions import names_trigger
from .decorator import JourneySpec
from .static_analysis.graphs import find_code
from .static_analysis.scopes import Function
from .static_analysis.unawaited_calls import UnawaitedCall, find_unawaited_calls

ID = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
ID_REMEDY = "Use lower-case letters, digits and single hyphens, such as trial-conversion."
MAX_ID_LENGTH = 100
MAX_HOLDOUT_PERCENT = 50

# A problem and its remedy.
Problem = tuple[str, str]


def check_spec(journey_spec: JourneySpec, lists: Collection[str]) -> Iterator[Problem]:
    """Yield the problems of the arguments of `@journey`.

    Args:
        journey_spec: the arguments.
        lists: the ids of the lists that exist.
    """
    # Authors may not use a type checker, so every argument may have any type.
    spec: Any = journey_spec
    if not isinstance(spec.id, str) or not ID.fullmatch(spec.id) or len(spec.id) > MAX_ID_LENGTH:
        yield f"{spec.id!r} is not a valid journey id.", ID_REMEDY
    if not _names_event(spec.trigger):
        yield f"trigger is {spec.trigger!r}.", 'Name an event, or use on("name", where=…).'
    yield from _check_texts(spec)
    if not _is_list(spec.exit_on) or not all(map(_names_event, spec.exit_on)):
        yield f"exit_on is {spec.exit_on!r}.", 'Use a list of events: exit_on=["user.deleted"].'
    if spec.list is not None and spec.list not in tuple(lists):
        known = ", ".join(sorted(lists))
        yield f"the list {spec.list!r} does not exist.", f"Define it in lists.py. Defined: {known}."
    if not isinstance(spec.entry, Entry) and spec.entry not in ("once", "unlimited"):
        yield f"entry is {spec.entry!r}.", 'Use "once", "unlimited" or once_per(days(7)).'
    period = spec.entry.period if isinstance(spec.entry, Entry) else None
    for argument, value in (("suppress", spec.suppress), ("once_per", period)):
        if value is not None and not _is_positive(value):
            yield f"{argument} is {value!r}, not a positive duration.", "Use for example hours(12)."
    if spec.key is not None and (not isinstance(spec.key, Property) or not spec.key.path):
        yield f"key is {spec.key!r}.", 'Name a property of the trigger: key=prop("cart_id").'
    yield from _check_conditions(spec)
    if spec.on_retrigger not in ("ignore", "restart"):
        yield f"on_retrigger is {spec.on_retrigger!r}.", 'Use "ignore" or "restart".'
    yield from _check_audience(spec)


def _check_texts(spec: Any) -> Iterator[Problem]:
    for argument, value in (("name", spec.name), ("description", spec.description)):
        if value is not None and not isinstance(value, str):
            yield f"{argument} is {value!r}.", "Use text."


def _check_conditions(spec: Any) -> Iterator[Problem]:
    events = (spec.trigger, spec.goal, *(spec.exit_on if _is_list(spec.exit_on) else ()))
    for event in events:
        if isinstance(event, EventMatch) and not _is_storable(event):
            yield (
                f"the condition of {event.event!r} compares with a value that JSON cannot hold.",
                "Compare with text, a number, True, False, None, or lists of them.",
            )
    for argument, event in (("trigger", spec.trigger), ("goal", spec.goal)):
        if isinstance(event, EventMatch) and names_trigger(event.where):
            yield (
                f"the condition of {argument} compares with a property of the trigger.",
                "Use trigger(…) in exit_on, ctx.wait_for, ctx.wait_for_any, ctx.digest or "
                "ctx.history. For a goal per cart or invoice, give the journey a key=.",
            )


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _is_storable(event: EventMatch) -> bool:
    """Return whether an event's condition can be stored as JSON and as text."""
    try:
        json.dumps(event.to_json(), allow_nan=False).encode()
        str(event).encode()
    except (TypeError, ValueError):
        return False
    return True


def _check_audience(spec: Any) -> Iterator[Problem]:
    """Yield the problems of the goal, the holdout, the send window and the switches."""
    if spec.goal is not None and not _names_event(spec.goal):
        yield f"goal is {spec.goal!r}.", 'Name an event, or use on("name", where=…).'
    is_number = isinstance(spec.holdout, int | float) and not isinstance(spec.holdout, bool)
    if not is_number or not 0 <= spec.holdout <= MAX_HOLDOUT_PERCENT:
        yield f"holdout is {spec.holdout!r}.", "Give a percentage from 0 to 50, such as 10."
    zone = spec.time_zone
    if zone is not None and (not isinstance(zone, str) or find_zone(zone) is None):
        yield f"time_zone is {zone!r}, which does not exist.", 'Use a name such as "Europe/Berlin".'
    if spec.send_window is not None and (problem := _check_window(spec.send_window)) is not None:
        remedy = 'Give the opening and the closing time: ("09:00", "18:00").'
        yield f"send_window is {spec.send_window!r}{problem}.", remedy
    for argument, value in (("accept_late", spec.accept_late), ("enabled", spec.enabled)):
        if not isinstance(value, bool):
            yield f"{argument} is {value!r}.", "Use True or False."


def _check_window(value: Any) -> str | None:
    """Return the problem of a pair of times, as the end of a sentence; None without a problem."""
    pair = list(cast("Sequence[Any]", value)) if isinstance(value, tuple | list) else []
    if len(pair) != 2 or not all(isinstance(time, str) for time in pair):
        return ""
    try:
        Window.parse(pair[0], pair[1])
    except ValueError as error:
        return f": {str(error).rstrip('.')}"
    return None


def check_function(
    function: Callable[..., Any], code: Function | None = None
) -> Iterator[tuple[Problem, int]]:
    """Yield the problems of a journey's function, each with its line.

    Args:
        function: the function that `@journey` decorates.
        code: the function's source code; read from the function's file unless given.
    """
    line = inspect.unwrap(function).__code__.co_firstlineno
    if not inspect.iscoroutinefunction(function):
        yield ("the function is not `async`.", "Write `async def`."), line
    elif len(inspect.signature(function).parameters) != 2:
        yield ("the function does not take two arguments.", "Write (user, ctx)."), line
    elif code := code or find_code(function):
        for call in find_unawaited_calls(code):
            is_here = call.file == code.scope.module.file
            yield _describe_unawaited(call, is_here=is_here), call.line if is_here else line


def _describe_unawaited(call: UnawaitedCall, *, is_here: bool) -> Problem:
    location = "" if is_here else f" in {call.file}:{call.line}"
    if not call.passed_to:
        return f"`{call.call}`{location} lacks an `await`.", "Without it, nothing happens."
    problem = f"`{call.call}`{location} is given to `{call.passed_to}` without an `await`."
    if call.passed_to.endswith(".step"):
        return problem, f"Give ctx.step a function: `lambda: {call.call}`."
    return problem, "Await ctx calls one after the other, each with its own `await`."


def _names_event(value: object) -> bool:
    return isinstance(value, EventMatch) or (isinstance(value, str) and value != "")


def _is_positive(value: object) -> bool:
    return isinstance(value, timedelta) and value > timedelta(0)
