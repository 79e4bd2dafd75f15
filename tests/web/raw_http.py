"""Requests as bytes, to the application on a real Hypercorn: no client would send them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from hogsend.compat.hypercorn import ServerConfig, serve
from tests.patience import PATIENCE


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A response.

    Args:
        status: its status.
        headers: its headers, with names in lower case; the last of a repeated name.
        body: what came after the head.
    """

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class RawServer:
    """A server on loopback."""

    port: int

    async def connect(self, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, **options)

    async def exchange(self, request: bytes) -> bytes:
        """Send bytes, and return everything that comes until the server closes the connection."""
        reader, writer = await self.connect()
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(request)
                return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    async def request(
        self, line: str | bytes, *headers: str | bytes, host: str | bytes = "localhost"
    ) -> RawResponse:
        """Send a request without a body, on a connection of its own.

        Args:
            line: the method and the target.
            headers: further headers.
            host: the header Host.
        """
        lines = [
            _encode(line) + b" HTTP/1.1",
            b"Host: " + _encode(host),
            *map(_encode, headers),
            b"Content-Length: 0",
        ]
        if not any(header.lower().startswith(b"connection:") for header in lines):
            lines.append(b"Connection: close")
        return parse_response(await self.exchange(b"\r\n".join([*lines, b"", b""])))


def parse_response(raw: bytes) -> RawResponse:
    """Parse the head of a response."""
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    fields = [line.partition(": ") for line in lines]
    headers = {name.lower(): value for name, _, value in fields}
    return RawResponse(int(status.split(" ")[1]), headers, body)


def _encode(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


@asynccontextmanager
async def serve_raw(app: Any, **options: Any) -> AsyncIterator[RawServer]:
    """Serve an application on loopback.

    Args:
        app: the application.
        options: of `ServerConfig`.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = ServerConfig()
        config.bind = [f"fd://{listener.fileno()}"]
        config.errorlog = None
        config.graceful_timeout = 0.1
        for name, value in options.items():
            setattr(config, name, value)
        stopping = asyncio.Event()
        serving = asyncio.create_task(serve(app, config, stop=stopping.wait))
        try:
            yield RawServer(listener.getsockname()[1])
        finally:
            stopping.set()
            await serving
            listener.detach()
