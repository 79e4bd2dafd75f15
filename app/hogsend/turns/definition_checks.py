"""What can be seen to be wrong with a journey before it is ever played."""

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
from ..domain.times import Window, zone_named
from .decorator import JourneySpec
from .static_analysis.graphs import code_of_function
from .static_analysis.scopes import Function
from .static_analysis.unawaited_calls import UnawaitedCall, find_unawaited_calls

ID = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
ID_REMEDY = "Use lower-case letters, digits and single hyphens, such as trial-conversion."
LONGEST_ID = 100
MOST_HELD_OUT = 50

# A problem, and what to do about it.
Problem = tuple[str, str]


def mark_problems(marked: JourneySpec, lists: Collection[str]) -> Iterator[Problem]:
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
    yield from _text_problems(mark)
    if not _is_list(mark.exit_on) or not all(map(_names_event, mark.exit_on)):
        yield f"exit_on is {mark.exit_on!r}.", 'Use a list of events: exit_on=["user.deleted"].'
    if mark.list is not None and mark.list not in tuple(lists):
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
    yield from _conditions_problems(mark)
    if mark.on_retrigger not in ("ignore", "restart"):
        yield f"on_retrigger is {mark.on_retrigger!r}.", 'Use "ignore" or "restart".'
    yield from _plan_problems(mark)


def _text_problems(mark: Any) -> Iterator[Problem]:
    for what, given in (("name", mark.name), ("description", mark.description)):
        if given is not None and not isinstance(given, str):
            yield f"{what} is {given!r}.", "Use text."


def _conditions_problems(mark: Any) -> Iterator[Problem]:
    events = (mark.trigger, mark.goal, *(mark.exit_on if _is_list(mark.exit_on) else ()))
    for event in events:
        if isinstance(event, EventMatch) and not _can_be_kept(event):
            yield (
                f"the condition of {event.event!r} compares with what JSON has no form for.",
                "Compare with text, a number, True, False, None, or lists of them.",
            )


def _is_list(given: Any) -> bool:
    return isinstance(given, list | tuple)


def _can_be_kept(event: EventMatch) -> bool:
    """Say whether a condition can be stored: with the journey, and with those who wait for it."""
    try:
        json.dumps(event.to_json(), allow_nan=False).encode()
        str(event).encode()
    except (TypeError, ValueError):
        return False
    return True


def _plan_problems(mark: Any) -> Iterator[Problem]:
    """Say what is wrong with the goal, and with whom the journey leaves out and when it sends."""
    if mark.goal is not None and not _names_event(mark.goal):
        yield f"goal is {mark.goal!r}.", 'Name an event, or use on("name", where=…).'
    number = isinstance(mark.holdout, int | float) and not isinstance(mark.holdout, bool)
    if not number or not 0 <= mark.holdout <= MOST_HELD_OUT:
        yield f"holdout is {mark.holdout!r}.", "Give a percentage from 0 to 50, such as 10."
    zone = mark.time_zone
    if zone is not None and (not isinstance(zone, str) or zone_named(zone) is None):
        yield f"time_zone is {zone!r}, and there is none.", 'Write it as "Europe/Berlin".'
    if mark.send_window is not None and (problem := _window_problem(mark.send_window)) is not None:
        remedy = 'Give when it opens and when it closes: ("09:00", "18:00").'
        yield f"send_window is {mark.send_window!r}{problem}.", remedy
    for what, given in (("accept_late", mark.accept_late), ("enabled", mark.enabled)):
        if not isinstance(given, bool):
            yield f"{what} is {given!r}.", "Use True or False."


def _window_problem(given: Any) -> str | None:
    """Return what is wrong with a pair of times, as the rest of a sentence; None if nothing is."""
    pair = list(cast("Sequence[Any]", given)) if isinstance(given, tuple | list) else []
    if len(pair) != 2 or not all(isinstance(one, str) for one in pair):
        return ""
    try:
        Window.of(pair[0], pair[1])
    except ValueError as error:
        return f": {str(error).rstrip('.')}"
    return None


def function_problems(
    function: Callable[..., Any], code: Function | None = None
) -> Iterator[tuple[Problem, int]]:
    """Say what is wrong with a journey's function, each with its line.

    Args:
        function: what `@journey` marked.
        code: its text; read from its file unless given.
    """
    line = inspect.unwrap(function).__code__.co_firstlineno
    if not inspect.iscoroutinefunction(function):
        yield ("it is not an async function.", "Write `async def`."), line
    elif len(inspect.signature(function).parameters) != 2:
        yield ("it must take (user, ctx).", ""), line
    elif code := code or code_of_function(function):
        for call in find_unawaited_calls(code):
            here = call.file == code.scope.module.file
            yield _not_awaited(call, here=here), call.line if here else line


def _not_awaited(call: UnawaitedCall, *, here: bool) -> Problem:
    place = "" if here else f" in {call.file}:{call.line}"
    if not call.given_to:
        return f"`{call.call}`{place} lacks an `await`.", "Without it nothing happens."
    problem = f"`{call.call}`{place} is given to `{call.given_to}` without an `await`."
    if call.given_to.endswith(".step"):
        return problem, f"Give ctx.step a function: `lambda: {call.call}`."
    return problem, "Await ctx calls one after the other, each with its own `await`."


def _names_event(given: object) -> bool:
    return isinstance(given, EventMatch) or (isinstance(given, str) and given != "")


def _is_positive(given: object) -> bool:
    return isinstance(given, timedelta) and given > timedelta(0)
