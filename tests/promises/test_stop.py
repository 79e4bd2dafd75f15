"""SIGTERM stops the server within ten seconds with status 0, whatever it is doing."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.patience import PATIENCE
from tests.processes import Program, program
from tests.sinks.smtp_sink import STALL, VERDICT, SmtpSink
from tests.site import FILES

EVENT = {"name": "user.created", "userId": "ada", "email": "ada@example.com"}
BLOCKING_JOURNEY = """\
import pathlib, time
from hogsend import journey

@journey("blocking", trigger="user.created")
async def blocking(user, ctx):
    await ctx.send("hello")
    pathlib.Path("blocking").touch()
    time.sleep(120)
"""


@pytest.fixture
async def hogsend(tmp_path: Path) -> AsyncIterator[Program]:
    """A project whose mail goes to the local inbox."""
    async with program(tmp_path) as project:
        yield project


@asynccontextmanager
async def open_program_with_smtp(
    folder: Path, **settings: Any
) -> AsyncIterator[tuple[Program, SmtpSink]]:
    """A project whose mail goes to an SMTP server of the test."""
    async with SmtpSink() as sink, program(folder, MAIL=sink.url, **settings) as project:
        yield project, sink


async def send_event(hogsend: Program) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        assert (await hogsend.post(client, EVENT)).status_code == 202


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_server_stops_at_once(hogsend: Program, number: int) -> None:
    await hogsend.start()
    await send_event(hogsend)
    signalled = time.monotonic()
    hogsend.signal(number)
    assert await hogsend.wait() == 0
    assert time.monotonic() - signalled < 5 * hogsend.slowness
    assert hogsend.log == ""


async def test_open_streams_and_partial_requests_do_not_delay_the_stop(
    hogsend: Program,
) -> None:
    hogsend.settings["API_KEY"] = ""
    await hogsend.start()
    link = (hogsend.data / "first-run.txt").read_text().split()[-1]
    host, port = hogsend.settings["BIND"].split(":")
    async with httpx.AsyncClient(
        base_url=hogsend.address, follow_redirects=True, timeout=PATIENCE
    ) as client:
        page = (await client.get(link)).text
        form = {"email": "o@example.com", "password": "correct horse battery"}
        assert all(f'name="{name}"' in page for name in form)
        await client.post(link, data=form)
        idle = await asyncio.open_connection(host, int(port))
        incomplete = await asyncio.open_connection(host, int(port))
        incomplete[1].write(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await incomplete[1].drain()
        async with client.stream("GET", "/live") as stream:
            assert stream.status_code == 200, stream.headers
            lines = stream.aiter_lines()
            assert await anext(lines)
            status, took = await hogsend.stop()
            # A connection that is cut, instead of closed, raises here.
            async for line in lines:
                assert line in ("", "data:") or line.startswith("event: live-")
        for _, writer in (idle, incomplete):
            writer.close()
    assert status == 0 and took < 10 * hogsend.slowness
    assert "Traceback" not in hogsend.log


async def test_a_hand_over_without_a_reply_is_in_doubt_after_the_timeout(
    tmp_path: Path,
) -> None:
    async with open_program_with_smtp(tmp_path, STOP_TIMEOUT="1") as (hogsend, sink):
        sink.set_answers(VERDICT, STALL)
        await hogsend.start()
        await send_event(hogsend)
        await sink.stalled.wait()

        status, took = await hogsend.stop()

        assert status == 0 and 1 <= took < 6 * hogsend.slowness
        assert hogsend.rows("SELECT status, reason FROM sends") == [
            ("in_doubt", "the server was stopped during the hand-over")
        ]
        await hogsend.start()
        await hogsend.stop()
        assert hogsend.rows("SELECT status FROM sends") == [("in_doubt",)]
        assert sink.commands.count("DATA") == 1


async def test_with_the_default_timeout_the_server_stops_within_ten_seconds(
    tmp_path: Path,
) -> None:
    async with open_program_with_smtp(tmp_path) as (hogsend, sink):
        sink.set_answers(VERDICT, STALL)
        await hogsend.start()
        await send_event(hogsend)
        await sink.stalled.wait()
        status, took = await hogsend.stop()
        assert status == 0 and 8 <= took < 10 * hogsend.slowness
        assert hogsend.rows("SELECT status FROM sends") == [("in_doubt",)]


async def test_a_hand_over_that_ends_within_the_stop_timeout_is_sent(tmp_path: Path) -> None:
    async with SmtpSink(reply_delay=1.0) as sink, program(tmp_path, MAIL=sink.url) as hogsend:
        await hogsend.start()
        await send_event(hogsend)
        await hogsend.wait_until(lambda: sink.count)
        assert (await hogsend.stop())[0] == 0
        assert hogsend.rows("SELECT status FROM sends") == [("sent",)]


async def test_a_mail_that_hangs_before_its_hand_over_stays_queued(tmp_path: Path) -> None:
    async with open_program_with_smtp(tmp_path) as (hogsend, sink):
        sink.set_answers("RCPT", STALL)
        await hogsend.start()
        await send_event(hogsend)
        await sink.stalled.wait()
        status, took = await hogsend.stop()
        assert status == 0 and took < 5 * hogsend.slowness
        assert hogsend.rows("SELECT status, attempts FROM sends") == [("queued", "[]")]
        await hogsend.start()
        await hogsend.wait_until(lambda: sink.count)
        await hogsend.stop()
        assert (sink.count, sink.commands.count("DATA")) == (1, 1)


async def test_a_journey_that_blocks_its_thread_does_not_delay_the_stop(tmp_path: Path) -> None:
    async with program(tmp_path, files={**FILES, "blocking.py": BLOCKING_JOURNEY}) as hogsend:
        await hogsend.start()
        await send_event(hogsend)
        await hogsend.wait_until((tmp_path / "blocking").exists)
        status, took = await hogsend.stop()
        assert status == 0 and took < 10 * hogsend.slowness
        # The turn has written nothing, so it is run again.
        waiting = "SELECT state, turn FROM enrollments WHERE journey_id = 'blocking'"
        assert hogsend.rows(waiting) == [("active", 0)]
        assert "Traceback" not in hogsend.log


async def test_a_second_signal_stops_the_server_at_once(tmp_path: Path) -> None:
    async with open_program_with_smtp(tmp_path, STOP_TIMEOUT="60") as (hogsend, sink):
        sink.set_answers(VERDICT, STALL)
        await hogsend.start()
        await send_event(hogsend)
        await sink.stalled.wait()
        hogsend.signal(signal.SIGTERM)
        # Ctrl+C reaches a whole process group, so the program ignores a second signal that comes
        # right after the first.
        await asyncio.sleep(0.7)
        signalled = time.monotonic()
        hogsend.signal(signal.SIGTERM)
        assert await hogsend.wait() == 1
        assert time.monotonic() - signalled < 3 * hogsend.slowness
