"""A client that does not read what it asked for is cut off, and holds no memory."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from tests.patience import PATIENCE
from tests.web.raw_http import RawServer, serve_raw

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
STALL = 0.2
# More than the operating system buffers for a connection.
LARGE = 64 * 1024 * 1024


class Download:
    """An application that answers with a large body, in pieces of some size.

    Args:
        piece: the size of a piece.
    """

    def __init__(self, piece: int) -> None:
        self.piece = piece
        self.ended = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await run_lifespan(receive, send)
            return
        try:
            headers = [(b"content-length", str(LARGE).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            for _ in range(LARGE // self.piece):
                body = b"x" * self.piece
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self.ended.set()


async def run_lifespan(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


@pytest.mark.parametrize("piece", [64 * 1024, LARGE])
async def test_a_client_that_reads_nothing_is_cut_off(piece: int) -> None:
    download = Download(piece)
    async with serve_raw(download, stall_timeout=STALL) as server:
        with open_small_socket(server) as client:
            await asyncio.get_running_loop().sock_sendall(client, REQUEST)
            async with asyncio.timeout(PATIENCE):
                await download.ended.wait()


async def test_a_client_that_stops_reading_half_way_is_cut_off() -> None:
    download = Download(64 * 1024)
    async with serve_raw(download, stall_timeout=STALL) as server:
        with open_small_socket(server) as client:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(client, REQUEST)
            assert await loop.sock_recv(client, 10_000)
            async with asyncio.timeout(PATIENCE):
                await download.ended.wait()


async def test_a_client_that_reads_slowly_gets_everything() -> None:
    loop, stall, seconds = asyncio.get_running_loop(), 1.0, 3.0
    async with serve_raw(Download(64 * 1024), stall_timeout=stall) as server:
        reader, writer = await server.connect(limit=4096)
        writer.write(REQUEST)
        received, started = 0, loop.time()
        async with asyncio.timeout(PATIENCE):
            await reader.readuntil(b"\r\n\r\n")
            while received < LARGE:
                if received / LARGE > (loop.time() - started) / seconds:
                    # It reads at an even pace, so that several stall timeouts pass.
                    await asyncio.sleep(0.01)
                received += len(await reader.read(256 * 1024))
        writer.close()
    assert received == LARGE


async def test_a_connection_that_has_read_everything_is_kept() -> None:
    loop, stall = asyncio.get_running_loop(), 0.02
    async with serve_raw(answer_shortly, stall_timeout=stall) as server:
        reader, writer = await server.connect()
        started = loop.time()
        async with asyncio.timeout(PATIENCE):
            while loop.time() - started < 10 * stall:
                writer.write(REQUEST)
                assert (await reader.readuntil(b"\r\n\r\nok")).startswith(b"HTTP/1.1 200")
        writer.close()


async def answer_shortly(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await run_lifespan(receive, send)
        return
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def open_small_socket(server: RawServer) -> socket.socket:
    """Connect with a small buffer, so that the server's fills soon."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", server.port))
    client.setblocking(False)
    return client
