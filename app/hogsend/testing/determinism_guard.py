"""Watches the authors' code while it is played: what it reads that no replay would see again."""

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

_OURS = str(Path(__file__).parents[1]) + os.sep
_INSTALLED = tuple(
    os.path.realpath(sysconfig.get_path(name)) + os.sep
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
_CLOCK = "await ctx.now()"
_CHANCE = "await ctx.random()"
_ID = "await ctx.uuid()"
# Built-in functions that answer differently each time, and what a journey asks instead.
_BUILT_IN: dict[object, tuple[str, str]] = {
    **{
        getattr(time, name): (f"time.{name}()", _CLOCK)
        for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter")
    },
    os.urandom: ("os.urandom()", _CHANCE),
}
# Modules whose functions, written in Python, do.
_WRITTEN = {
    random.__file__: ("random", _CHANCE),
    secrets.__file__: ("secrets", _CHANCE),
    uuid.__file__: ("uuid", _ID),
}
_RANDOM_IDS = ("uuid1", "uuid4")
_SHARED: random.Random = random.seed.__self__


@dataclass
class DeterminismGuard:
    """What is known of the authors' code, and what is to go wrong in it next.

    Args:
        reads: each reading of a clock or of chance, with its place and the remedy.
        failing: errors that the next effects of `ctx.step` raise.
        arms: what `ctx.variant` answers, by the experiment's key.
        chance: what `ctx.random` answers by, the same in every run.
    """

    reads: list[str] = field(default_factory=list[str])
    failing: deque[Exception] = field(default_factory=deque[Exception])
    arms: dict[str, str] = field(default_factory=dict[str, str])
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311

    def over(self, function: JourneyFunction) -> JourneyFunction:
        """Return a journey's function that is watched while it runs."""

        @functools.wraps(function)
        def watched(user: Any, ctx: Any) -> Any:
            return _Watched(cast("Coroutine[Any, Any, None]", function(user, ctx)), self)

        return watched

    def profile(self, frame: FrameType, event: str, argument: Any) -> None:
        """Note a call, as Python reports it, that the author's own code makes."""
        if event == "c_call":
            caller, found = frame, _built_in(argument)
        elif event == "call" and frame.f_code.co_filename in _WRITTEN:
            caller, found = frame.f_back, _written(frame)
        else:
            return
        if found is None or caller is None or not _is_authors(caller.f_code.co_filename):
            return
        what, remedy = found
        place = f"{caller.f_code.co_filename}:{caller.f_lineno}"
        read = f"{place}: {what} gives another answer at every replay. Use {remedy}."
        if read not in self.reads:
            self.reads.append(read)

    def prepared(self, request: Any) -> Any:
        """Return a request as the test wants it answered."""
        if isinstance(request, RunStep):
            return replace(request, run=self._failing(request.run))
        if isinstance(request, Random):
            return replace(request, draw=self.chance.random)
        if isinstance(request, ChooseVariant) and request.label in self.arms:
            return replace(request, arms={self.arms[request.label]: 1.0})
        return request

    def _failing(self, run: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(run):

            @functools.wraps(run)
            async def apart(*arguments: Any) -> Any:
                self._fail()
                return await run(*arguments)

            return apart

        @functools.wraps(run)
        def plain(*arguments: Any) -> Any:
            self._fail()
            return run(*arguments)

        return plain

    def _fail(self) -> None:
        if self.failing:
            raise self.failing.popleft()


class _Watched:
    """A journey's coroutine, driven by the turn runner and checked for nondeterminism."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], watch: DeterminismGuard) -> None:
        self._coroutine = coroutine
        self._watch = watch

    def send(self, value: Any) -> Call:
        return self._watch.prepared(self._seen(self._coroutine.send, value))

    def throw(self, *error: Any) -> Call:
        return self._watch.prepared(self._seen(self._coroutine.throw, *error))

    def close(self) -> None:
        self._coroutine.close()

    def _seen(self, drive: Callable[..., Any], *given: Any) -> Any:
        before = sys.getprofile()
        sys.setprofile(self._watch.profile)
        try:
            return drive(*given)
        finally:
            sys.setprofile(before)


def _built_in(function: Any) -> tuple[str, str] | None:
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__name__", "")
    if isinstance(owner, type):
        if issubclass(owner, date) and name in ("now", "utcnow", "today"):
            return f"{owner.__name__}.{name}()", _CLOCK
        return None
    if owner is _SHARED:
        return f"random.{name}()", _CHANCE
    try:
        return _BUILT_IN.get(function)
    except TypeError:
        return None


def _written(frame: FrameType) -> tuple[str, str] | None:
    module, remedy = _WRITTEN[frame.f_code.co_filename]
    name = frame.f_code.co_name
    if module == "uuid":
        return (f"uuid.{name}()", remedy) if name in _RANDOM_IDS else None
    # A generator of the author's own, begun with a recorded number, repeats itself.
    if module == "random" and frame.f_locals.get("self") is not _SHARED:
        return None
    return f"{module}.{name}()", remedy


def _is_authors(file: str) -> bool:
    if file.startswith(("<", _OURS)) or "site-packages" in file or "dist-packages" in file:
        return False
    return not os.path.realpath(file).startswith(_INSTALLED)
