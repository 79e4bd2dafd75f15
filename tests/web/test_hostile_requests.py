"""Requests that no browser sends are answered like any wrong request, quickly and without a 500."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from hogsend.clock import ManualClock
from tests.patience import PATIENCE
from tests.site import open_site
from tests.web.raw_http import RawServer, parse_response, serve_raw


@pytest.fixture
async def server(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[RawServer]:
    """The whole application on a real server, without a worker."""
    async with (
        open_site(tmp_path, clock, with_worker=False) as site,
        serve_raw(site.app) as server,
    ):
        yield server


@pytest.mark.parametrize("length", [300, 60_000])
async def test_a_static_file_with_a_long_name_does_not_exist(
    server: RawServer, length: int, caplog: pytest.LogCaptureFixture
) -> None:
    before = time.thread_time()
    with caplog.at_level(logging.DEBUG):
        response = await server.request("GET /static/" + "a" * length)

    assert response.status == 404
    assert not [record for record in caplog.records if record.name.startswith("hogsend")]
    assert time.thread_time() - before < 2


async def test_the_static_files_are_served(server: RawServer) -> None:
    response = await server.request("GET /static/hogsend.css")
    assert response.status == 200 and response.headers["content-type"].startswith("text/css")


MALFORMED: list[tuple[str, tuple[str, ...], int]] = [
    ("GET /sign-in?next=//[", (), 200),
    ("GET /sign-in?next=http://[", (), 200),
    ("GET /sign-in?next=" + "%5B" * 9000, (), 200),
    ("GET /", ("HX-Request: true", "HX-Current-URL: http://["), 401),
    ("GET /", ("HX-Request: true", "HX-Current-URL: http://a:99999999/x"), 401),
    ("GET /", ("HX-Request: true", "HX-Current-URL: " + "[" * 20_000), 401),
    ("POST /sign-in", ("Origin: http://[",), 403),
    ("POST /sign-in", ("Origin: http://localhost:x",), 403),
    ("POST /sign-in", ("Origin: null",), 403),
    ("GET http://[/sign-in", (), 400),
    ("GET http://a:99999999/sign-in", (), 200),
    ("GET http://evil.example/sign-in", (), 200),
    ("GET sign-in", (), 400),
    ("GET a:b/sign-in", (), 400),
    ("OPTIONS *", (), 404),
    ("CONNECT localhost:1", (), 400),
    ("GET /", ("Accept: " + "a/b;q=9999," * 3000,), 303),
    ("GET /", ("Cookie: " + "a=b; " * 10_000,), 303),
    ("GET /?" + "a&" * 20_000, (), 303),
    ("GET /static/hogsend.css", ("Range: bytes=" + "9" * 5000 + "-",), 416),
    ("GET /static/hogsend.css", ("If-Modified-Since: Mon, 99 Foo 99999999999 00:00:00 GMT",), 200),
    ("GET /static/hogsend.css", ('If-None-Match: "' + "a" * 50_000,), 200),
    ("GET /healthz", ("X-Forwarded-For: " + "[" * 5000,), 200),
]


@pytest.mark.parametrize(("line", "headers", "status"), MALFORMED)
async def test_a_malformed_url_is_no_server_error(
    server: RawServer, line: str, headers: tuple[str, ...], status: int
) -> None:
    assert (await server.request(line, *headers)).status == status


@pytest.mark.parametrize(
    "host",
    ["h" * 5000, "a." * 2500, "[", "[::1", "a..b", "a b", "localhost:x", "localhost:99999",
     "localhost:" + "9" * 5000, "\xff\xfe", "a/b", "user@localhost", ".", "h" * 64],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/sign-in", "/static//x", "/u/x", "/v1/health"])
async def test_a_malformed_host_is_a_bad_request(server: RawServer, host: str, path: str) -> None:
    assert (await server.request(f"GET {path}", host=host)).status == 400


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:3002", "127.0.0.1:80", "[::1]:3002", "[::1]", "my_service",
     "xn--bcher-kva.example.", "localhost:", "h" * 63],
)  # fmt: skip
async def test_every_host_that_exists_is_served(server: RawServer, host: str) -> None:
    assert (await server.request("GET /sign-in", host=host)).status == 200


@pytest.mark.parametrize(
    "target",
    ["/static//x", "/static//evil.example", "//evil.example//static//x", "/u//evil.example",
     "//evil.example/sign-in", "///evil.example", "/sign-in//", "http://evil.example//static//x",
     "/static//evil.example/%2F..", "/sign-in?next=//evil.example", "/sign-in?next=/\\evil.example",
     "//evil.example/..", "/contacts//evil.example", "/%2F%2Fevil.example//"],
)  # fmt: skip
async def test_a_redirect_stays_on_the_host(server: RawServer, target: str) -> None:
    response = await server.request(f"GET {target}", host="evil.example")
    location = response.headers.get("location", "/")
    assert location.startswith("/") and not location.startswith("//")


async def test_a_doubled_slash_redirects_to_the_path_with_one(server: RawServer) -> None:
    response = await server.request("GET /static//hogsend.css?a=%2F")
    assert response.status == 308
    assert response.headers["location"] == "/static/hogsend.css?a=%2F"


@pytest.mark.parametrize("value", ["h2c", "H2C", "h2c, websocket", "foo"])
async def test_a_client_cannot_change_to_another_protocol(server: RawServer, value: str) -> None:
    response = await server.request(
        "GET /healthz",
        f"Upgrade: {value}",
        "Connection: Upgrade, HTTP2-Settings, close",
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
    )
    assert response.status == 200 and b"ok" in response.body


async def test_what_follows_a_request_for_http_2_is_not_read_as_http_2(server: RawServer) -> None:
    """With HTTP/2 it would be a request of its own, which a proxy in front did not see."""
    upgrade = (
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"
    )
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    answer = await server.exchange(upgrade + preface)

    assert parse_response(answer).status == 200
    assert b"HTTP/1.1 400" in answer


@pytest.mark.parametrize(
    "opening",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
        b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    ],
)
async def test_a_connection_that_begins_with_another_version_is_closed(
    server: RawServer, opening: bytes
) -> None:
    answer = parse_response(await server.exchange(opening))
    assert answer.status == 400 and answer.body == b""


REFUSED_BY_HEAD = [
    ("POST /segment/v1/x", 401),
    ("POST /posthog/batch", 308),
    ("PUT /v1/contacts", 401),
    ("POST /nowhere", 404),
    ("POST /healthz", 405),
]


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        ("Content-Length: 7", b'{"a":1}'),
        ("Transfer-Encoding: chunked", b'7\r\n{"a":1}\r\n0\r\n\r\n'),
    ],
)
async def test_a_connection_goes_on_after_a_refusal_that_came_before_the_body(
    server: RawServer, framing: str, body: bytes
) -> None:
    for line, status in REFUSED_BY_HEAD:
        head = f"{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer no\r\n{framing}\r\n\r\n"
        reader, writer = await server.connect()
        with closing(writer):
            async with asyncio.timeout(PATIENCE):
                for _ in range(2):
                    writer.write(head.encode())
                    answer = parse_response(await reader.readuntil(b"\r\n\r\n"))
                    assert answer.status == status
                    await reader.readexactly(int(answer.headers["content-length"]))
                    writer.write(body)
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                assert parse_response(await reader.readuntil(b"\r\n\r\n")).status == 200
