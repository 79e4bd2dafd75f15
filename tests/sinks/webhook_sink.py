"""An HTTP server that accepts every POST, keeps it, and answers each with a number of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

_MAX_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Post:
    """A request and the answer to it.

    Args:
        path: the path of the request.
        body: the body of the request.
        status: the status of the answer.
        number: the number in the answer, unique to the request.
    """

    path: str
    body: str
    status: int
    number: int


class WebhookSink:
    """A server on loopback; `async with` starts and stops it.

    Every connection serves one request. The answer is `{"number": N}`.

    Args:
        answers: gives the status of an answer by the request's path and body; 200 by default.
    """

    def __init__(self, answers: Callable[[str, str], int] = lambda path, body: 200) -> None:
        self._answers = answers
        self._server: asyncio.Server | None = None
        self.port = 0
        self.posts: list[Post] = []

    async def __aenter__(self) -> WebhookSink:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=_MAX_HEAD_BYTES
        )
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
        """The base URL, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A caller that was killed halfway has not made a request.
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first_line, *fields = head.split("\r\n")
            headers = {
                k.strip().lower(): v.strip() for k, _, v in (f.partition(":") for f in fields)
            }
            body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
            path = first_line.split(" ")[1]
            number = len(self.posts) + 1
            status = self._answers(path, body)
            self.posts.append(Post(path, body, status, number))
            answer = json.dumps({"number": number}).encode()
            writer.write(
                b"HTTP/1.1 %d Answered\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                b"Connection: close\r\n\r\n%s" % (status, len(answer), answer)
            )
            await writer.drain()
        writer.close()
