"""Input that is not HTTP, or too large, is refused, and the server goes on."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.patience import PATIENCE
from tests.processes import KEY, Program, program

HEAD = f"Host: x\r\nAuthorization: Bearer {KEY}\r\n".encode()
POST = b"POST /v1/events HTTP/1.1\r\n" + HEAD
GOOD = b'{"name":"seen","userId":"ada"}'


@pytest.fixture
async def hogsend(tmp_path: Path) -> AsyncIterator[Program]:
    """A running server."""
    async with program(tmp_path) as project:
        await project.start()
        yield project


async def send_raw(hogsend: Program, *parts: bytes, close: bool = True) -> bytes:
    """Write bytes to a new connection and return everything that the server answers.

    Args:
        hogsend: the running server.
        parts: are written one after the other.
        close: whether the sending side is closed afterwards.
    """
    host, port = hogsend.settings["BIND"].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(PATIENCE):
            for part in parts:
                writer.write(part)
                await writer.drain()
            if close:
                # The server may have closed the connection after an answer that is still unread.
                with suppress(OSError):
                    writer.write_eof()
            return await reader.read()
    finally:
        writer.close()


def parse_status(answer: bytes) -> int:
    """Return the status of an answer; 0 if the connection was closed without one."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def format_length(size: int) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % size


NOT_HTTP: dict[str, tuple[bytes, ...]] = {
    "nothing": (b"",),
    "nonsense": (b"\x00\xff\x16\x03\x01 what\r\n\r\n",),
    "a TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,),
    "a mail client": (b"EHLO x\r\n", b"MAIL FROM:<a@b.c>\r\n"),
    "a header of 1 MB": (b"GET / HTTP/1.1\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",),
    "10,000 headers": (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 10_000 + b"\r\n",),
    "a path of 100 KB": (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",),
    "a NUL in the path": (b"GET /u/\x00 HTTP/1.1\r\n" + HEAD + b"\r\n",),
    "a NUL in a header": (b"GET / HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n",),
    "no host": (b"GET / HTTP/1.1\r\n\r\n",),
    "a length that is none": (POST + b"Content-Length: many\r\n\r\n" + GOOD,),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\n" + GOOD,),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 30\r\n\r\n" + GOOD,),
    "a length and chunks": (
        POST
        + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
        + b"0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
    ),
    "a chunk that is none": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",),
    "half a body": (POST + format_length(500) + GOOD,),
    "half a head": (POST,),
    "a version of the future": (b"GET / HTTP/9.9\r\n" + HEAD + b"\r\n",),
    "an upgrade": (b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n" + HEAD + b"\r\n",),
    "a web socket": (
        b"GET /live HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        + HEAD
        + b"\r\n",
    ),
    "a proxy's request": (b"CONNECT evil.example:443 HTTP/1.1\r\n" + HEAD + b"\r\n",),
    "an absolute address": (b"GET http://evil.example/ HTTP/1.1\r\n" + HEAD + b"\r\n",),
    "the options of everything": (b"OPTIONS * HTTP/1.1\r\n" + HEAD + b"\r\n",),
    "a strange method": (b"BREW /v1/events HTTP/1.1\r\n" + HEAD + b"\r\n",),
}


async def test_input_that_is_not_http_causes_no_server_error(hogsend: Program) -> None:
    for name, parts in NOT_HTTP.items():
        answer = b""
        try:
            answer = await send_raw(hogsend, *parts)
        except ConnectionError:
            continue  # The server closed the connection while the test still wrote.
        except TimeoutError:
            pytest.fail(f"{name}: the connection stays open")
        assert parse_status(answer) < 500, f"{name}: {answer[:300]!r}"
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        assert (await client.get(f"{hogsend.address}/readyz")).json()["status"] == "ok"
    assert hogsend.rows("SELECT COUNT(*) FROM events") == [(0,)]
    await hogsend.stop()
    assert "Traceback" not in hogsend.log


async def test_a_body_over_the_limit_gets_an_answer_that_arrives(
    hogsend: Program,
) -> None:
    async def send_pieces() -> AsyncIterator[bytes]:
        for _ in range(120):
            yield b"x" * 65_536

    headers = {
        "Authorization": f"Bearer {KEY}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    async with httpx.AsyncClient(base_url=hogsend.address, timeout=PATIENCE) as client:
        for path in ("/v1/events", "/v1/events/batch", "/sign-in", "/u/x"):
            for content in (b"x" * 8_000_000, send_pieces()):
                answer = await client.post(path, content=content, headers=headers)
                # An invalid token is refused before the body is read.
                assert answer.status_code == (404 if path == "/u/x" else 413), path
                if path.startswith("/v1/"):
                    assert answer.json()["code"] == "too_large"
        unknown = {"Authorization": "Bearer hsk_unknown"}
        answer = await client.post("/v1/events", content=b"x" * 8_000_000, headers=unknown)
        assert answer.status_code == 401
    assert hogsend.log == ""


async def test_a_web_socket_is_refused(hogsend: Program) -> None:
    answer = await send_raw(hogsend, *NOT_HTTP["a web socket"], close=False)
    assert parse_status(answer) == 403
    assert hogsend.log == ""


def open_files(pid: int) -> int:
    """Return how many files and connections a process has open."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except FileNotFoundError:
        pytest.skip("only Linux shows the connections of a process")


async def test_the_server_closes_connections_that_clients_have_closed(hogsend: Program) -> None:
    assert hogsend.process is not None
    before = open_files(hogsend.process.pid)
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for parts in ((), (request,), (POST,)) * 20:
        await send_raw(hogsend, *parts)
    pid = hogsend.process.pid
    await hogsend.wait_until(lambda: open_files(pid) <= before + 1)


async def test_a_connection_serves_more_requests_after_a_bad_one(hogsend: Program) -> None:
    bad = POST + format_length(4) + b"nope"
    answer = await send_raw(hogsend, bad + POST + format_length(len(GOOD)) + GOOD + bad)
    statuses = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [400, 202, 400]
    assert hogsend.rows("SELECT COUNT(*) FROM events") == [(1,)]


async def test_clients_that_disconnect_in_a_request_leave_nothing_behind(
    hogsend: Program,
) -> None:
    host, port = hogsend.settings["BIND"].split(":")
    for _ in range(50):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(POST + format_length(1000) + GOOD)
        await writer.drain()
        writer.transport.abort()
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        event = json.loads(GOOD)
        assert (await hogsend.post(client, event)).status_code == 202
    assert hogsend.rows("SELECT COUNT(*) FROM events") == [(1,)]
    assert (await hogsend.stop())[0] == 0
    assert "Traceback" not in hogsend.log
