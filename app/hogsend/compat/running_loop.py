"""Makes an object the running event loop of a thread, so that code which uses asyncio meets it.

The functions of asyncio that set the running loop and the current task are private; a loop that
only refuses has no use for the public ones, which also run it.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, Task
from asyncio.events import _set_running_loop  # pyright: ignore[reportPrivateUsage]
from asyncio.tasks import _enter_task, _leave_task  # pyright: ignore[reportPrivateUsage]
from typing import Any, cast

REQUIREMENT = "python>=3.11"


def enter_loop(loop: object, task: object) -> None:
    """Make these the running loop and the current task of this thread.

    Args:
        loop: answers to what asyncio asks of a loop.
        task: answers to what asyncio asks of a task.
    """
    _set_running_loop(cast("AbstractEventLoop", loop))
    _enter_task(cast("AbstractEventLoop", loop), cast("Task[Any]", task))


def leave_loop(loop: object, task: object) -> None:
    """Leave this thread without a running loop; the arguments are those of `enter_loop`."""
    try:
        _leave_task(cast("AbstractEventLoop", loop), cast("Task[Any]", task))
    finally:
        _set_running_loop(None)
