"""An HTTP server that takes every POST, remembers it, and answers each with another number."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

# In a path no line of which is longer than this; in a body of any size.
_LONGEST_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Post:
    """A request, and what was answered.

    Args:
        path: its path.
        body: its body.
        status: the answer's status.
        number: the number in the answer; every request has its own.
    """

    path: str
    body: str
    status: int
    number: int


class WebhookSink:
    """A server on loopback; `async with` starts and stops it.

    Every connection takes one request and is closed. The answer is `{"number": N}`.

    Args:
        answers: says with which status a request is answered, by its path and body; 200 unless
            given.
    """

    def __init__(self, answers: Callable[[str, str], int] = lambda path, body: 200) -> None:
        self._answers = answers
        self._server: asyncio.Server | None = None
        self.port = 0
        self.posts: list[Post] = []

    async def __aenter__(self) -> WebhookSink:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0, limit=_LONGEST_HEAD)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A caller that was killed in the middle has asked nothing.
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *fields = head.split("\r\n")
            named = {k.strip().lower(): v.strip() for k, _, v in (f.partition(":") for f in fields)}
            body = (await reader.readexactly(int(named.get("content-length", "0")))).decode()
            path = first.split(" ")[1]
            number = len(self.posts) + 1
            status = self._answers(path, body)
            self.posts.append(Post(path, body, status, number))
            answer = json.dumps({"number": number}).encode()
            writer.write(
                b"HTTP/1.1 %d said\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                b"Connection: close\r\n\r\n%s" % (status, len(answer), answer)
            )
            await writer.drain()
        writer.close()
