"""A server and two workers on one Postgres: one is killed again and again, and nothing is lost."""

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

from tests.processes import Program, program
from tests.promises.test_kill import CHAIN, PEOPLE, SENDS, Product, ids_at
from tests.sinks.smtp_sink import SmtpSink
from tests.site import FILES

KILLS = 3
_WORKER = (sys.executable, "-m", "hogsend", "worker")
# A worker that is gone is noticed after fifteen seconds, and its mails and turns taken over.
_PATIENCE = 90.0


@asynccontextmanager
async def worker(hogsend: Program, **settings: str) -> AsyncIterator[Process]:
    """Let one more worker run, in a data folder of its own as on another machine."""
    more = {"DATA": str(hogsend.folder / "elsewhere"), "SECRET": "s" * 43, **settings}
    with (hogsend.folder / "stderr.txt").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *_WORKER,
            cwd=hogsend.folder,
            env=hogsend.environment(more),
            stdout=DEVNULL,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_of_two_workers_one_is_killed_again_and_again_and_nothing_is_lost_or_doubled(
    tmp_path: Path, postgres_url: str
) -> None:
    chance = random.Random(20260302)  # noqa: S311 - the moments are to be the same each time
    beside: Any = await asyncpg.connect(postgres_url)
    files = {**FILES, "chain.py": CHAIN}
    settings = {"DATABASE_URL": postgres_url, "SECRET": "s" * 43}
    async with (
        SmtpSink(hesitation=0.02) as sink,
        program(tmp_path, files=files, MAIL=sink.url, **settings) as hogsend,
        worker(hogsend),
    ):
        await hogsend.start("--bind", hogsend.settings["BIND"])
        product = Product(hogsend)
        telling = asyncio.ensure_future(product.tell())
        for _ in range(KILLS):
            async with worker(hogsend):
                await at_work(beside, 2)
                await asyncio.sleep(chance.uniform(0.2, 1.0))
        await telling

        async def over() -> bool:
            left = "SELECT COUNT(*) FROM enrollments WHERE state <> 'completed'"
            queued = "SELECT COUNT(*) FROM sends WHERE status IN ('queued', 'sending')"
            return await beside.fetchval(left) == await beside.fetchval(queued) == 0

        await hogsend.until_told(over, _PATIENCE)
        rows = await beside.fetch("SELECT id, status FROM sends")
        assert len(product.answers) == PEOPLE
        assert len(rows) == SENDS * PEOPLE
        arrived = ids_at(sink)
        assert arrived.keys() <= {str(row["id"]) for row in rows}
        assert {row["status"] for row in rows} <= {"sent", "in_doubt"}
        assert all(arrived[str(row["id"])] == 1 for row in rows if row["status"] == "sent")
        assert max(arrived.values()) == 1
        counted = await beside.fetch("SELECT name, value FROM counters WHERE name LIKE 'sends/%'")
        assert Counter(row["status"] for row in rows) == {
            row["name"].removeprefix("sends/"): row["value"] for row in counted if row["value"]
        }
        assert "is lost; the other workers take over its work" in hogsend.complaints
    await beside.close()


async def test_what_a_server_takes_a_worker_elsewhere_plays_at_once(
    tmp_path: Path, postgres_url: str
) -> None:
    beside: Any = await asyncpg.connect(postgres_url)
    settings = {"DATABASE_URL": postgres_url, "SECRET": "s" * 43}
    async with (
        SmtpSink() as sink,
        program(tmp_path, MAIL=sink.url, **settings) as hogsend,
        worker(hogsend),
    ):
        await hogsend.start("--bind", hogsend.settings["BIND"])
        await at_work(beside, 1)
        async with httpx.AsyncClient() as client:
            event = {"name": "user.created", "userId": "ada", "email": "ada@example.com"}
            assert (await hogsend.post(client, event)).status_code == 202
            await hogsend.until(lambda: sink.count, within=5.0)
            ready = (await client.get(f"{hogsend.address}/readyz")).json()
        assert ready["parts"]["worker"] | {"overdueSeconds": 0} == {
            "status": "elsewhere",
            "workers": 1,
            "overdueSeconds": 0,
        }
    await beside.close()


async def at_work(beside: Any, count: int) -> None:
    """Wait until so many workers have shown themselves of late."""
    seen = (
        "SELECT COUNT(*) FROM workers WHERE seen_at > "
        "(EXTRACT(EPOCH FROM clock_timestamp()) - 6) * 1000000"
    )
    async with asyncio.timeout(_PATIENCE):
        while await beside.fetchval(seen) < count:  # noqa: ASYNC110 - rows tell nobody
            await asyncio.sleep(0.05)
