"""asyncio: any object as the running event loop of a thread, so that asyncio calls this object.

The functions of asyncio that set the running loop and the current task are private. The public
functions also run the loop, which an object that only raises errors cannot do.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, Task
from asyncio.events import _set_running_loop  # pyright: ignore[reportPrivateUsage]
from asyncio.tasks import _enter_task, _leave_task  # pyright: ignore[reportPrivateUsage]
from typing import Any, cast

REQUIREMENT = "python>=3.11"


def enter_loop(loop: object, task: object) -> None:
    """Set the running loop and the current task of this thread.

    Args:
        loop: an object with the methods that asyncio calls on a running loop.
        task: an object with the methods that asyncio calls on a current task.
    """
    _set_running_loop(cast("AbstractEventLoop", loop))
    _enter_task(cast("AbstractEventLoop", loop), cast("Task[Any]", task))


def leave_loop(loop: object, task: object) -> None:
    """Unset the running loop and the current task; takes the arguments of `enter_loop`."""
    try:
        _leave_task(cast("AbstractEventLoop", loop), cast("Task[Any]", task))
    finally:
        _set_running_loop(None)
