"""A server and two workers on one Postgres database, one of which is killed repeatedly."""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from tests.patience import PATIENCE
from tests.processes import Program, program
from tests.promises.test_kill import (
    PEOPLE,
    SENDS,
    THREE_MAIL_JOURNEY,
    EventSender,
    count_deliveries,
)
from tests.sinks.smtp_sink import SmtpSink
from tests.site import FILES

KILLS = 3
_WORKER = (sys.executable, "-m", "hogsend", "worker")


@asynccontextmanager
async def run_worker(hogsend: Program, **settings: str) -> AsyncIterator[Process]:
    """Run one more worker, with a data folder of its own, as if on another machine."""
    settings = {"DATA": str(hogsend.folder / "elsewhere"), "SECRET": "s" * 43, **settings}
    with (hogsend.folder / "stderr.txt").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *_WORKER,
            cwd=hogsend.folder,
            env=hogsend.environment(settings),
            stdout=DEVNULL,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_repeated_kills_of_one_of_two_workers_lose_and_double_nothing(
    tmp_path: Path, postgres_url: str
) -> None:
    chance = random.Random(20260302)  # noqa: S311 - a seed makes the moments repeatable
    observer: Any = await asyncpg.connect(postgres_url)
    files = {**FILES, "chain.py": THREE_MAIL_JOURNEY}
    settings: dict[str, Any] = {"DATABASE_URL": postgres_url, "SECRET": "s" * 43}
    async with (
        SmtpSink(reply_delay=0.02) as sink,
        program(tmp_path, files=files, MAIL=sink.url, **settings) as hogsend,
        run_worker(hogsend),
    ):
        await hogsend.start("--bind", hogsend.settings["BIND"])
        sender = EventSender(hogsend)
        sending = asyncio.ensure_future(sender.send_all())
        for _ in range(KILLS):
            async with run_worker(hogsend):
                await wait_for_workers(observer, 2)
                await asyncio.sleep(chance.uniform(0.2, 1.0))
        await sending

        async def is_done() -> bool:
            live = "SELECT COUNT(*) FROM enrollments WHERE state <> 'completed'"
            queued = "SELECT COUNT(*) FROM sends WHERE status IN ('queued', 'sending')"
            return await observer.fetchval(live) == await observer.fetchval(queued) == 0

        async def is_loss_logged() -> bool:
            return "is lost; the other workers take over its work" in hogsend.log

        await hogsend.wait_until_async(is_done)
        # All may be done before the lease of the last killed worker has ended.
        await hogsend.wait_until_async(is_loss_logged)
        rows = await observer.fetch("SELECT id, status FROM sends")
        assert len(sender.answers) == PEOPLE
        assert len(rows) == SENDS * PEOPLE
        delivered = count_deliveries(sink)
        assert delivered.keys() <= {str(row["id"]) for row in rows}
        assert {row["status"] for row in rows} <= {"sent", "in_doubt"}
        assert all(delivered[str(row["id"])] == 1 for row in rows if row["status"] == "sent")
        assert max(delivered.values()) == 1
        counted = await observer.fetch("SELECT name, value FROM counters WHERE name LIKE 'sends/%'")
        assert Counter(row["status"] for row in rows) == {
            row["name"].removeprefix("sends/"): row["value"] for row in counted if row["value"]
        }
    await observer.close()


async def test_a_worker_elsewhere_runs_turns_of_events_that_a_server_accepts_at_once(
    tmp_path: Path, postgres_url: str
) -> None:
    observer: Any = await asyncpg.connect(postgres_url)
    settings: dict[str, Any] = {"DATABASE_URL": postgres_url, "SECRET": "s" * 43}
    async with (
        SmtpSink() as sink,
        program(tmp_path, MAIL=sink.url, **settings) as hogsend,
        run_worker(hogsend),
    ):
        await hogsend.start("--bind", hogsend.settings["BIND"])
        await wait_for_workers(observer, 1)
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            event = {"name": "user.created", "userId": "ada", "email": "ada@example.com"}
            assert (await hogsend.post(client, event)).status_code == 202
            await hogsend.wait_until(lambda: sink.count, within=min(20.0, 5.0 * hogsend.slowness))
            ready = (await client.get(f"{hogsend.address}/readyz")).json()
        assert ready["parts"]["worker"] | {"overdueSeconds": 0} == {
            "status": "elsewhere",
            "workers": 1,
            "overdueSeconds": 0,
        }
    await observer.close()


async def wait_for_workers(observer: Any, count: int) -> None:
    """Wait until so many workers have renewed their registration recently."""
    recent = (
        "SELECT COUNT(*) FROM workers WHERE seen_at > "
        "(EXTRACT(EPOCH FROM clock_timestamp()) - 6) * 1000000"
    )
    async with asyncio.timeout(PATIENCE):
        while await observer.fetchval(recent) < count:  # noqa: ASYNC110 - a query must be polled
            await asyncio.sleep(0.05)
