"""Groups items that arrive at the same time into batches, each written in one transaction."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Generic, TypeVar

from ..errors import StoreUnavailable
from .conflicts import CONFLICTS, MAX_ATTEMPTS

# An average batch of this size means that items arrive faster than they are written.
_LOADED_BATCH_SIZE = 16.0
_LOAD_WINDOW = 0.1

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Writes immediately when idle, and collects items while a write is running.

    Args:
        write: writes a batch and returns one answer for each item, in order. An answer that is an
            exception fails that item alone. When `write` itself raises, each item is written alone,
            so that one bad item cannot fail the others; an item that conflicts with another
            process's change is retried. When the database accepts no writes, the whole batch fails.
        max_size: the largest batch.
        lock: returns the lock to hold while a batch is collected and written.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]],
        *,
        max_size: int = 500,
        lock: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        self._write = write
        self._max_size = max_size
        self._lock = lock
        self._average_size = 0.0
        self._last_batch_at = 0.0
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: T) -> R:
        """Write an item in one batch with all waiting items, and return its answer.

        Raises:
            Exception: the error of writing this item, of which nothing was stored.
        """
        future = self.enqueue(item)
        return await future

    async def submit_all(self, items: Iterable[T]) -> list[R | Exception]:
        """Write items in their order; return for each its answer, or the error of writing it.

        Without a task for each item, which would take longer than most writes.
        """
        futures = [self.enqueue(item) for item in items]
        answers: list[R | Exception] = []
        try:
            for future in futures:
                try:
                    answers.append(await future)
                except Exception as error:
                    answers.append(error)
        finally:
            # The caller was cancelled: nobody asks for the other answers any more.
            for future in futures[len(answers) :]:
                future.cancel()
        return answers

    def enqueue(self, item: T) -> asyncio.Future[R]:
        """Add an item and return the future of its answer."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        return future

    @property
    def is_under_load(self) -> bool:
        """Whether items arrive faster than they are written, so that other work should wait."""
        is_recent = asyncio.get_running_loop().time() - self._last_batch_at < _LOAD_WINDOW
        return is_recent and self._average_size >= _LOADED_BATCH_SIZE

    async def wait_until_idle(self) -> None:
        """Wait until every submitted item has been written."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _drain(self) -> None:
        try:
            while self._waiting:
                async with self._lock():
                    count = min(self._max_size, len(self._waiting))
                    self._average_size = (3 * self._average_size + count) / 4
                    self._last_batch_at = asyncio.get_running_loop().time()
                    await self._write_batch([self._waiting.popleft() for _ in range(count)])
        finally:
            self._task = None

    async def _write_batch(self, pairs: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            answers = await self._write([item for item, _ in pairs])
        except StoreUnavailable as error:
            # The database is at fault, not one of the items.
            for _, future in pairs:
                _resolve(future, error)
            return
        except Exception:
            for item, future in pairs:
                await self._write_alone(item, future)
            return
        for (_, future), answer in zip(pairs, answers, strict=True):
            _resolve(future, answer)

    async def _write_alone(self, item: T, future: asyncio.Future[R]) -> None:
        # Each time another process may change the same contact.
        for attempts_left in reversed(range(MAX_ATTEMPTS)):
            try:
                answers = await self._write([item])
            except CONFLICTS as error:
                if not attempts_left:
                    _resolve(future, error)
            except Exception as error:
                return _resolve(future, error)
            else:
                return _resolve(future, answers[0])
        return None


def _resolve(future: asyncio.Future[R], answer: R | Exception) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
