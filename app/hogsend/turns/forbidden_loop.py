"""The event loop that a journey runs under: every use raises an error with the alternative."""

from __future__ import annotations

from typing import Any, NoReturn

from ..compat.running_loop import enter_loop, leave_loop
from ..errors import JourneyCodeError


class ForbiddenLoop:
    """The running loop of a thread while a journey's code runs on it.

    The journal drives a journey, not a loop: asynchronous work outside of `ctx` would be repeated
    at every replay. `error` keeps the error, so that an author's `except Exception` around the call
    cannot hide it.
    """

    def __init__(self) -> None:
        self.error: Exception | None = None
        self._task = ForbiddenTask(self)

    def enter(self) -> None:
        """Become the running loop of this thread, with a current task."""
        enter_loop(self, self._task)

    def leave(self) -> None:
        """Leave this thread without a running loop."""
        leave_loop(self, self._task)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.refuse

    def refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise the error, and keep it in `error`.

        Raises:
            JourneyCodeError: always.
        """
        self.error = JourneyCodeError(
            "A journey used asyncio directly (sleep, gather, a network call, …), which would be "
            "done again at every replay.",
            "Use ctx.sleep to wait, await ctx calls one after the other instead of gathering "
            "them, and put everything else into ctx.step(key, fn): fn may use asyncio freely.",
        )
        raise self.error


class ForbiddenTask:
    """The current task, which libraries look up before they use the loop.

    Args:
        loop: the loop that raises the error.
    """

    def __init__(self, loop: ForbiddenLoop) -> None:
        self._loop = loop

    def get_name(self) -> str:
        """Return a name, because log records may contain the name of the task."""
        return "journey"

    def __hash__(self) -> int:
        self._loop.refuse()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._loop.refuse
