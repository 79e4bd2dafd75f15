"""Collects the mails of concurrent hand-overs into one request, without a timer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from .port import Accepted, DeliveryError, InDoubt

Result = Accepted | DeliveryError


class RequestBatcher:
    """Sends everything that is ready at the same moment in one request.

    Hand-overs are recorded in sets, so the mails of a set are ready in the same turn of the event
    loop. No mail waits for the request of others.

    Args:
        send: sends encoded mails and returns the result of each, in order.
        max_size: the most mails in one request.
    """

    def __init__(
        self, send: Callable[[Sequence[bytes]], Awaitable[Sequence[Result]]], *, max_size: int
    ) -> None:
        self._send = send
        self._max_size = max_size
        self._waiting: list[tuple[bytes, asyncio.Future[Result]]] = []
        self._requests: set[asyncio.Task[None]] = set()

    async def submit(self, mail: bytes) -> Accepted:
        """Send a mail with the others of this moment.

        Raises:
            DeliveryError: the result of this mail.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((mail, future))
        if len(self._waiting) == 1:
            loop.call_soon(self._start_request)
        elif len(self._waiting) == self._max_size:
            self._start_request()
        result = await future
        if isinstance(result, DeliveryError):
            raise result
        return result

    async def close(self) -> None:
        """Wait for the requests, which end when the connections are closed."""
        if self._requests:
            await asyncio.wait(self._requests)

    def _start_request(self) -> None:
        batch, self._waiting = self._waiting, []
        # Who was cancelled in the meantime is left out: nothing of it has left.
        batch = [(mail, future) for mail, future in batch if not future.done()]
        if batch:
            task = asyncio.create_task(self._run(batch))
            self._requests.add(task)
            task.add_done_callback(self._requests.discard)

    async def _run(self, batch: Sequence[tuple[bytes, asyncio.Future[Result]]]) -> None:
        results: Sequence[Result]
        try:
            results = await self._send([mail for mail, _ in batch])
        except DeliveryError as error:
            results = [error] * len(batch)
        except Exception as error:
            # Never repeated one by one: the request may have arrived.
            results = [InDoubt(f"the request failed: {error}")] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
