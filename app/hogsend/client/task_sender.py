"""A task that sends queued events in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from .errors import EventsNotSent
from .event_queue import Body, EventQueue, Outcome
from .thread_sender import FLUSH_INTERVAL, LONGEST_PAUSE


class TaskSender:
    """Sends queued events from a task, which starts with the first event.

    Args:
        queue: an empty queue.
        send: sends a batch once, and returns what came of it.
    """

    def __init__(
        self, queue: EventQueue, send: Callable[[Sequence[Body]], Awaitable[Outcome]]
    ) -> None:
        self._queue, self._send = queue, send
        self._changed = asyncio.Condition()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, event: Body) -> None:
        """Queue an event.

        Raises:
            QueueFull: too many events wait already.
            ValueError: the event is not JSON.
            RuntimeError: the client is closed.
        """
        if self._closing.is_set():
            raise RuntimeError("The client is closed.")
        self._queue.add(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="hogsend-client")

    async def flush(self, patience: float) -> None:
        """Wait until all queued events are sent.

        Args:
            patience: for how long, in seconds.

        Raises:
            EventsNotSent: some are not sent yet; they stay queued.
        """
        if not await self._wait_until_empty(patience):
            raise EventsNotSent(self._queue.list_events())

    async def close(self, patience: float) -> None:
        """Send what is queued, and end the task; a second call does nothing.

        Args:
            patience: how long to wait for the queue, in seconds.

        Raises:
            EventsNotSent: some events could not be sent; they are in the error.
        """
        if self._closing.is_set():
            return
        self._closing.set()
        await self._wait_until_empty(patience)
        unsent = self._queue.empty()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if unsent:
            raise EventsNotSent(unsent)

    async def _wait_until_empty(self, patience: float) -> bool:
        try:
            async with asyncio.timeout(patience), self._changed:
                await self._changed.wait_for(lambda: len(self._queue) == 0)
        except TimeoutError:
            return False
        return True

    async def _run(self) -> None:
        retries = 0
        while len(self._queue):
            # Others may follow at once.
            await self._pause(0 if retries else FLUSH_INTERVAL)
            is_settled = self._queue.settle(await self._send(self._queue.take_batch()))
            retries = 0 if is_settled else retries + 1
            async with self._changed:
                self._changed.notify_all()
            if not is_settled:
                await asyncio.sleep(min(FLUSH_INTERVAL * 2**retries, LONGEST_PAUSE))

    async def _pause(self, seconds: float) -> None:
        """Wait, but not when the client closes."""
        if seconds and not self._closing.is_set():
            closing = asyncio.ensure_future(self._closing.wait())
            await asyncio.wait([closing], timeout=seconds)
            closing.cancel()
