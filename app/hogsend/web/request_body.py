"""The bodies of requests: how large they may be, and how much of a long one is held at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from hypercorn.typing import ASGIReceiveCallable
from quart import Request
from quart.asgi import ASGIHTTPConnection
from quart.wrappers.request import Body

from .api import list_routes
from .api.routes import MAX_BODY_BYTES, list_body_limits

# The form whose file a page reads as it arrives.
UPLOAD_PATH = "/imports"
# How much of a streamed body may have arrived before it is read, in bytes.
MAX_PENDING_BYTES = 1024 * 1024
# The limit of a path, if it has another than the rest; None for a body that is read as a stream.
_LIMITS: Mapping[str, int | None] = {**list_body_limits(list_routes()), UPLOAD_PATH: None}


class PacedBody(Body):
    """A body that asks its sender to wait while much of it is not read yet.

    Args:
        expected_content_length: how many bytes are announced.
        max_content_length: how many are allowed; None paces the body. One with a limit is not
            paced, as it may have to arrive whole before it is read.
    """

    def __init__(self, expected_content_length: int | None, max_content_length: int | None) -> None:
        super().__init__(expected_content_length, max_content_length)
        self.is_paced = max_content_length is None
        self._is_unwanted = False
        self._pending = 0
        self._has_room = asyncio.Event()
        self._has_room.set()

    def append(self, data: bytes) -> None:
        """Add what has arrived."""
        if self._is_unwanted:
            return
        super().append(data)
        self._pending += len(data)
        if self.is_paced and self._pending > MAX_PENDING_BYTES:
            self._has_room.clear()

    async def __anext__(self) -> bytes:
        data = await super().__anext__()
        self._pending = 0
        self._has_room.set()
        return data

    async def wait_for_room(self) -> None:
        """Wait until more may arrive."""
        await self._has_room.wait()

    def discard(self) -> None:
        """Forget what has arrived and what still arrives, because nothing reads it any more."""
        self._is_unwanted = True
        self.clear()
        self._has_room.set()


class SizedRequest(Request):
    """A request whose size limit depends on its path."""

    body_class = PacedBody
    body: PacedBody

    def __init__(
        self, method: str, scheme: str, path: str, *args: object, **kwargs: object
    ) -> None:
        kwargs["max_content_length"] = _LIMITS.get(path, MAX_BODY_BYTES)
        super().__init__(method, scheme, path, *args, **kwargs)  # type: ignore[arg-type]


class PacedConnection(ASGIHTTPConnection):
    """A connection that receives no more of a streamed body than is read."""

    async def handle_messages(self, request: Request, receive: ASGIReceiveCallable) -> None:
        async def receive_when_wanted():  # type: ignore[no-untyped-def]
            if isinstance(request, SizedRequest):
                await request.body.wait_for_room()
            return await receive()

        await super().handle_messages(request, receive_when_wanted)
