"""The event loop that a journey sees: one on which nothing can run."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Task
from asyncio.events import _set_running_loop  # pyright: ignore[reportPrivateUsage]
from asyncio.tasks import _enter_task, _leave_task  # pyright: ignore[reportPrivateUsage]
from typing import Any, NoReturn, cast

from ..errors import JourneyCodeError


class InertLoop:
    """Stands where a running loop would be, and says what to do instead.

    A journey is driven by its journal, not by a loop: what it awaits outside of `ctx` would be
    done again at every replay. The fault is kept, so that an author's `except Exception` around
    the call cannot hide it.
    """

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self._task = InertTask(self)

    def enter(self) -> None:
        """Be the loop that runs on this thread, with a task that is the current one."""
        loop = cast("AbstractEventLoop", self)
        _set_running_loop(loop)
        _enter_task(loop, cast("Task[Any]", self._task))

    def leave(self) -> None:
        """Let no loop run on this thread any more."""
        try:
            _leave_task(cast("AbstractEventLoop", self), cast("Task[Any]", self._task))
        finally:
            _set_running_loop(None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.refuse

    def refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise what is to be done instead, and keep it.

        Raises:
            JourneyCodeError: always.
        """
        self.fault = JourneyCodeError(
            "A journey used asyncio directly (sleep, gather, a network call, …), which would be "
            "done again at every replay.",
            "Use ctx.sleep to wait, await ctx calls one after the other instead of gathering "
            "them, and put everything else into ctx.step(key, fn): fn may use asyncio freely.",
        )
        raise self.fault


class InertTask:
    """Stands where the current task would be: libraries look for that before they use the loop.

    Args:
        loop: says what to do instead.
    """

    def __init__(self, loop: InertLoop) -> None:
        self._loop = loop

    def get_name(self) -> str:
        """Return a name: a line of a log may say which task wrote it."""
        return "journey"

    def __hash__(self) -> int:
        self._loop.refuse()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._loop.refuse
