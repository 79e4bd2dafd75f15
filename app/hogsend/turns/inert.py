"""The event loop that a journey sees: one on which nothing can run."""

from __future__ import annotations

from typing import Any, NoReturn

from ..errors import JourneyCodeError


class InertLoop:
    """Stands where a running loop would be, and says what to do instead.

    A journey is driven by its journal, not by a loop: what it awaits outside of `ctx` would be
    done again at every replay. The fault is kept, so that an author's `except Exception` around
    the call cannot hide it.
    """

    def __init__(self) -> None:
        self.fault: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._refuse

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        self.fault = JourneyCodeError(
            "A journey used asyncio directly (sleep, gather, a network call, …), which would be "
            "done again at every replay.",
            "Use ctx.sleep to wait, await ctx calls one after the other instead of gathering "
            "them, and put everything else into ctx.step(key, fn): fn may use asyncio freely.",
        )
        raise self.fault
