"""Work that a request starts, and that continues when it takes longer than the request may."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from quart import current_app

T = TypeVar("T")


async def run_in_background(work: Callable[[], Awaitable[T]], patience: float) -> T:
    """Start work that no end of the request interrupts, and return its result if it is quick.

    Args:
        work: the work; its errors are raised here, or logged if they come later.
        patience: how long to wait for the result, in seconds.

    Raises:
        TimeoutError: the work continues.
    """
    ended: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        try:
            result = await work()
        except Exception as problem:
            if ended.done():
                # The response was sent already; the log has to report the error.
                raise
            ended.set_exception(problem)
        else:
            if not ended.done():
                ended.set_result(result)

    current_app.add_background_task(run)  # pyright: ignore[reportUnknownMemberType]
    return await asyncio.wait_for(ended, patience)
