"""Problems of the database file: the process reports each one and loses nothing.

It recovers by itself from a full disk, a lock and a read-only file. A damaged file must be
restored.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tortoise.connection import get_connections

from hogsend.clock import ManualClock
from hogsend.domain.incoming import IncomingEvent
from hogsend.engines import embedded
from hogsend.errors import StoreUnavailable
from tests.patience import PATIENCE
from tests.site import FILES, Site, open_site, until

# An event with these properties does not fit into the free pages of the file.
LARGE_PROPERTIES = {"note": "x" * 40_000}
EVENT_BODY = {
    "name": "seen",
    "userId": "bo",
    "email": "bo@example.com",
    "eventProperties": LARGE_PROPERTIES,
}
# Its second turn runs a step and queues a large mail.
TWO_MAIL_JOURNEY = """\
from pathlib import Path
from hogsend import days, journey

@journey("chain", trigger="chain.begun", list="news")
async def chain(user, ctx):
    await ctx.send("hello")
    await ctx.sleep(days(1), label="a day")
    await ctx.step("note", lambda: note(user.user_id))
    await ctx.send("again", props={"note": "x" * 40_000})

def note(user_id):
    with Path(__file__).with_name("effects.txt").open("a") as effects:
        effects.write(user_id + "\\n")
"""


async def execute(*statements: str) -> list[Any]:
    """Run statements on the write connection; return the rows of the last one."""
    client: Any = get_connections().get("default")
    rows: list[Any] = []
    for statement in statements:
        rows = list(await client._connection.execute_fetchall(statement))
    return rows


class StoreProblem(ABC):
    """A reason for which a database cannot be written, until it is repaired.

    Attributes:
        name: the value of `trouble` in `/readyz`.
        message_word: a word of the message about the problem.
    """

    name: ClassVar[str]
    message_word: ClassVar[str]

    @abstractmethod
    async def cause(self, file: Path) -> None:
        """Make the database in a file refuse writes."""

    @abstractmethod
    async def repair(self) -> None:
        """Let the database accept writes again."""


class FullDisk(StoreProblem):
    """The pages of the file are full, and the file cannot grow."""

    name = "full"
    message_word = "full"

    async def cause(self, file: Path) -> None:
        ((pages,),) = await execute("CREATE TABLE ballast (weight)", "PRAGMA page_count")
        await execute(f"PRAGMA max_page_count = {pages}")
        with suppress(sqlite3.OperationalError):
            while True:
                await execute("INSERT INTO ballast VALUES (zeroblob(4000))")

    async def repair(self) -> None:
        await execute("PRAGMA max_page_count = 1000000")


class LockOfOtherProgram(StoreProblem):
    """Another program has begun a transaction and does not end it."""

    name = "locked"
    message_word = "lock"

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None

    async def cause(self, file: Path) -> None:
        await execute("PRAGMA busy_timeout = 20")
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.execute("BEGIN EXCLUSIVE")

    async def repair(self) -> None:
        assert self._connection is not None
        self._connection.close()


class ReadOnlyFile(StoreProblem):
    """The connection refuses writes, as on a disk that was remounted read-only."""

    name = "read_only"
    message_word = "read-only"

    async def cause(self, file: Path) -> None:
        await execute("PRAGMA query_only = ON")

    async def repair(self) -> None:
        await execute("PRAGMA query_only = OFF")


@pytest.fixture(
    params=[FullDisk, LockOfOtherProgram, ReadOnlyFile], ids=lambda problem: problem.name
)
def problem(request: pytest.FixtureRequest) -> StoreProblem:
    return request.param()


async def fetch_readiness(site: Site) -> dict[str, Any]:
    return await (await site.client.get("/readyz")).get_json()


async def wait_for_recovery(site: Site) -> None:
    """Wait until the server has noticed by itself that the database works again."""
    async with asyncio.timeout(PATIENCE):
        # The server tries twice a second, and only this page shows the result.
        while (await site.client.get("/readyz")).status_code != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_events_are_refused_during_a_problem_and_accepted_afterwards(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, problem: StoreProblem
) -> None:
    file = tmp_path / "hogsend.db"
    async with open_site(tmp_path, clock, with_worker=False) as site:
        await problem.cause(file)
        started_at = clock.now()

        answer = await site.post("/v1/events", EVENT_BODY)
        assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
        body = await answer.get_json()
        assert body["code"] == "unavailable" and problem.message_word in body["error"]
        assert str(tmp_path) not in body["error"]

        # A batch is refused as a whole.
        answer = await site.post("/v1/events/batch", {"events": [EVENT_BODY, EVENT_BODY]})
        assert answer.status_code == 503 and "Retry-After" in answer.headers

        clock.set(clock.now() + timedelta(minutes=3))
        answer = await site.client.get("/readyz")
        assert answer.status_code == 503
        part = (await answer.get_json())["parts"]["database"]
        assert (part["status"], part["trouble"]) == ("down", problem.name)
        assert part["since"] == started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert problem.message_word in part["message"] and "on its own" in part["message"]
        assert (await site.client.get("/healthz")).status_code == 200

        await problem.repair()
        await wait_for_recovery(site)
        assert (await fetch_readiness(site))["parts"]["database"]["status"] == "up"
        assert (await site.post("/v1/events", EVENT_BODY)).status_code == 202
        assert await site.rows("SELECT name FROM events") == [("seen",)]
        assert await site.fetch_value("SELECT COUNT(*) FROM meta WHERE key = 'trial'") == 0


async def test_turns_and_mails_wait_for_the_end_of_a_problem_and_run_once(
    sqlite_url: str,
    tmp_path: Path,
    clock: ManualClock,
    problem: StoreProblem,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people_count = 20
    monkeypatch.setattr(embedded, "_ERROR_RETRY_DELAY", 0.02)
    file = tmp_path / "hogsend.db"
    async with open_site(tmp_path, clock, files={**FILES, "chain.py": TWO_MAIL_JOURNEY}) as site:
        for number in range(people_count):
            await site.event("chain.begun", f"u{number}")
        await site.wait_for_sends(people_count)
        await problem.cause(file)
        worker = site.runtime.worker
        assert worker is not None

        clock.set(clock.now() + timedelta(days=1, minutes=5))
        worker.poll()
        async with asyncio.timeout(PATIENCE):
            while site.runtime.database.health.problem is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        body = await fetch_readiness(site)
        assert body["parts"]["database"]["trouble"] == problem.name
        assert body["parts"]["worker"] == {"status": "late", "overdueSeconds": 300}
        assert await site.rows("SELECT state, attempt FROM enrollments GROUP BY 1, 2") == [
            ("waiting", 0)
        ]

        await problem.repair()
        sends = await site.wait_for_sends(2 * people_count)
        assert [send.status for send in sends] == ["sent"] * 2 * people_count
        assert (
            await site.fetch_value("SELECT COUNT(*), COUNT(DISTINCT send_id) FROM inbox")
            == 2 * people_count
        )
        assert await site.rows("SELECT state, attempt FROM enrollments GROUP BY 1, 2") == [
            ("completed", 0)
        ]
        # The problem counts neither as a failed turn nor as an attempt to send.
        assert await site.rows("SELECT DISTINCT outcome FROM turns WHERE error IS NOT NULL") == []
        assert all(len(send.attempts) == 1 for send in sends)
        # The answer of a step that ran during the problem is kept until it can be stored.
        effects = Counter((tmp_path / "journeys" / "effects.txt").read_text().split())
        assert len(effects) == people_count and set(effects.values()) == {1}


async def test_a_damaged_file_is_reported_with_the_command_that_restores_a_backup(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    file = tmp_path / "hogsend.db"
    async with open_site(tmp_path, clock, with_worker=False) as site:
        await execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with closing(sqlite3.connect(file)) as connection:
            (root,) = connection.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = 'contacts'"
            ).fetchone()
            (size,) = connection.execute("PRAGMA page_size").fetchone()
        with file.open("r+b") as raw:
            raw.seek((root - 1) * size)
            raw.write(b"\xff" * size)

        answer = await site.post("/v1/events", EVENT_BODY)
        assert answer.status_code == 503
        assert "damaged" in (await answer.get_json())["error"]
        body = await fetch_readiness(site)
        assert body["status"] == "down" and body["parts"]["database"]["trouble"] == "damaged"
        assert "hogsend restore" in body["parts"]["database"]["message"]
        # The file does not recover, so nothing more is written to it.
        with pytest.raises(Exception, match="damaged"):
            await site.runtime.database.probe_write()
        with pytest.raises(Exception, match="damaged"):
            await site.runtime.ingest.submit(IncomingEvent("seen", user_id="bo"))


async def test_a_click_is_redirected_during_a_problem_and_recorded_afterwards(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, problem: StoreProblem
) -> None:
    async with open_site(tmp_path, clock) as site:
        path = await read_mailed_path(site, "c")
        await cause_noticed_problem(site, problem, tmp_path)
        answer = await site.client.get(path)
        assert answer.status_code == 302 and "example.com" in answer.headers["Location"]

        await problem.repair()

        async def is_recorded() -> bool:
            return await site.fetch_value("SELECT COUNT(*) FROM hits WHERE kind = 'click'") == 1

        await until(site.runtime.change_feed, is_recorded)


async def test_the_unsubscribe_page_asks_for_another_try_during_a_problem(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, problem: StoreProblem
) -> None:
    async with open_site(tmp_path, clock) as site:
        path = await read_mailed_path(site, "u")
        await cause_noticed_problem(site, problem, tmp_path)
        page = await site.client.post(path)
        text = await page.get_data(as_text=True)
        assert page.status_code == 503 and page.headers["Retry-After"]
        assert "Try again later" in text and problem.message_word not in text
        await problem.repair()


async def read_mailed_path(site: Site, prefix: str) -> str:
    """Send a mail; return the path of its first link below a path of one letter."""
    await site.event("user.created")
    html = (await site.mail()).get_body(("html",))
    assert html is not None
    match = re.search(rf'href="https?://[^/"]*(/{prefix}/[^"]+)"', html.get_content())
    assert match is not None
    return match[1]


async def cause_noticed_problem(site: Site, problem: StoreProblem, folder: Path) -> None:
    """Cause a problem and let the server notice it with a write."""
    await problem.cause(folder / "hogsend.db")
    with pytest.raises(StoreUnavailable):
        await site.runtime.database.probe_write()
