"""Watches journeys while they run, and records reads that a replay would not repeat."""

from __future__ import annotations

import functools
import inspect
import os
import random
import secrets
import sys
import sysconfig
import time
import uuid
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any, cast

from ..turns.calls import Call, ChooseVariant, Random, RunStep
from ..turns.decorator import JourneyFunction

_PACKAGE = str(Path(__file__).parents[1]) + os.sep
_INSTALLED = tuple(
    os.path.realpath(sysconfig.get_path(name)) + os.sep
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
_NOW = "await ctx.now()"
_RANDOM = "await ctx.random()"
_ID = "await ctx.uuid()"
# Functions in C that return another value at each call, with their name and the remedy.
_C_FUNCTIONS: dict[object, tuple[str, str]] = {
    **{
        getattr(time, name): (f"time.{name}()", _NOW)
        for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter")
    },
    os.urandom: ("os.urandom()", _RANDOM),
}
# Python modules whose functions return another value at each call, with their name and the remedy.
_PYTHON_MODULES = {
    random.__file__: ("random", _RANDOM),
    secrets.__file__: ("secrets", _RANDOM),
    uuid.__file__: ("uuid", _ID),
}
_RANDOM_IDS = ("uuid1", "uuid4")
_SHARED_GENERATOR: random.Random = random.seed.__self__


@dataclass
class DeterminismGuard:
    """Records nondeterministic reads of journeys, and replaces the results of steps for a test.

    Args:
        reads: a message for each read of a clock or a random number, with location and remedy.
        step_errors: errors that the next functions of `ctx.step` raise.
        arms: the arms that `ctx.variant` returns, by the experiment's key.
        generator: generates the numbers of `ctx.random`, the same in every run.
    """

    reads: list[str] = field(default_factory=list[str])
    step_errors: deque[Exception] = field(default_factory=deque[Exception])
    arms: dict[str, str] = field(default_factory=dict[str, str])
    generator: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311

    def wrap(self, function: JourneyFunction) -> JourneyFunction:
        """Return the journey's function with the guard around it."""

        @functools.wraps(function)
        def run_watched(user: Any, ctx: Any) -> Any:
            return _WatchedCoroutine(cast("Coroutine[Any, Any, None]", function(user, ctx)), self)

        return run_watched

    def profile(self, frame: FrameType, event: str, argument: Any) -> None:
        """Record a nondeterministic call of an author's code; for `sys.setprofile`."""
        if event == "c_call":
            caller, call = frame, _describe_c_call(argument)
        elif event == "call" and frame.f_code.co_filename in _PYTHON_MODULES:
            caller, call = frame.f_back, _describe_python_call(frame)
        else:
            return
        if call is None or caller is None or not _is_author_code(caller.f_code.co_filename):
            return
        name, remedy = call
        location = f"{caller.f_code.co_filename}:{caller.f_lineno}"
        read = f"{location}: {name} returns another value at every replay. Use {remedy}."
        if read not in self.reads:
            self.reads.append(read)

    def replace_result(self, call: Call) -> Call:
        """Return a `ctx` call with the result that the test has set for it."""
        if isinstance(call, RunStep):
            return replace(call, run=self._inject_errors(call.run))
        if isinstance(call, Random):
            return replace(call, draw=self.generator.random)
        if isinstance(call, ChooseVariant) and call.label in self.arms:
            return replace(call, arms={self.arms[call.label]: 1.0})
        return call

    def _inject_errors(self, run: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(run):

            @functools.wraps(run)
            async def run_async(*arguments: Any) -> Any:
                self._raise_next_error()
                return await run(*arguments)

            return run_async

        @functools.wraps(run)
        def run_sync(*arguments: Any) -> Any:
            self._raise_next_error()
            return run(*arguments)

        return run_sync

    def _raise_next_error(self) -> None:
        if self.step_errors:
            raise self.step_errors.popleft()


class _WatchedCoroutine:
    """A journey's coroutine, which sets the guard's profile function while its code runs."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], guard: DeterminismGuard) -> None:
        self._coroutine = coroutine
        self._guard = guard

    def send(self, value: Any) -> Call:
        return self._guard.replace_result(self._drive(self._coroutine.send, value))

    def throw(self, *error: Any) -> Call:
        return self._guard.replace_result(self._drive(self._coroutine.throw, *error))

    def close(self) -> None:
        self._coroutine.close()

    def _drive(self, resume: Callable[..., Any], *arguments: Any) -> Any:
        previous = sys.getprofile()
        sys.setprofile(self._guard.profile)
        try:
            return resume(*arguments)
        finally:
            sys.setprofile(previous)


def _describe_c_call(function: Any) -> tuple[str, str] | None:
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__name__", "")
    if isinstance(owner, type):
        if issubclass(owner, date) and name in ("now", "utcnow", "today"):
            return f"{owner.__name__}.{name}()", _NOW
        return None
    if owner is _SHARED_GENERATOR:
        return f"random.{name}()", _RANDOM
    try:
        return _C_FUNCTIONS.get(function)
    except TypeError:
        return None


def _describe_python_call(frame: FrameType) -> tuple[str, str] | None:
    module, remedy = _PYTHON_MODULES[frame.f_code.co_filename]
    name = frame.f_code.co_name
    if module == "uuid":
        return (f"uuid.{name}()", remedy) if name in _RANDOM_IDS else None
    # The author can seed a separate generator with a recorded number, so that it repeats.
    if module == "random" and frame.f_locals.get("self") is not _SHARED_GENERATOR:
        return None
    return f"{module}.{name}()", remedy


def _is_author_code(file: str) -> bool:
    if file.startswith(("<", _PACKAGE)) or "site-packages" in file or "dist-packages" in file:
        return False
    return not os.path.realpath(file).startswith(_INSTALLED)
