"""Full disk, lock, read-only file: the process reports it, loses nothing, and recovers."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tortoise.connection import get_connections

from hogsend.clock import ManualClock
from hogsend.domain.incoming import IncomingEvent
from hogsend.engines import embedded
from hogsend.errors import StoreUnavailable
from tests.patience import PATIENCE
from tests.site import FILES, Site, open_site, until

# An event with these properties does not fit into the free pages of the file.
LARGE = {"note": "x" * 40_000}
CHAIN = """\
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


@dataclass(frozen=True)
class StoreFault:
    """A way in which a database cannot be written.

    Args:
        kind: its name in `/readyz`.
        word: a word of the message about it.
        begin: causes it.
        end: repairs it.
    """

    kind: str
    word: str
    begin: Callable[[Path], Awaitable[Any]]
    end: Callable[[Path], Awaitable[Any]]


async def fill(file: Path) -> None:
    """Fill the pages of the file, and let it grow no more."""
    ((pages,),) = await execute("CREATE TABLE ballast (weight)", "PRAGMA page_count")
    await execute(f"PRAGMA max_page_count = {pages}")
    with suppress(sqlite3.OperationalError):
        while True:
            await execute("INSERT INTO ballast VALUES (zeroblob(4000))")


async def make_room(file: Path) -> None:
    await execute("PRAGMA max_page_count = 1000000")


async def forbid_writes(file: Path) -> None:
    """Refuse writes, as on a disk that was remounted read-only."""
    await execute("PRAGMA query_only = ON")


async def allow_writes(file: Path) -> None:
    await execute("PRAGMA query_only = OFF")


class OtherProgram:
    """Another program that has begun a transaction and does not end it."""

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None

    async def begin(self, file: Path) -> None:
        await execute("PRAGMA busy_timeout = 20")
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.execute("BEGIN EXCLUSIVE")

    async def end(self, file: Path) -> None:
        assert self._connection is not None
        self._connection.close()


def create_faults() -> Iterator[StoreFault]:
    other = OtherProgram()
    yield StoreFault("full", "full", fill, make_room)
    yield StoreFault("locked", "lock", other.begin, other.end)
    yield StoreFault("read_only", "read-only", forbid_writes, allow_writes)


@pytest.fixture(params=create_faults(), ids=lambda fault: fault.kind)
def fault(request: pytest.FixtureRequest) -> StoreFault:
    return request.param


async def fetch_readiness(site: Site) -> dict[str, Any]:
    return await (await site.client.get("/readyz")).get_json()


async def wait_for_recovery(site: Site) -> None:
    """Wait until the server has noticed by itself that the database works again."""
    async with asyncio.timeout(PATIENCE):
        # The server tries twice a second, and only this page shows the result.
        while (await site.client.get("/readyz")).status_code != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


BODY = {"name": "seen", "userId": "bo", "email": "bo@example.com", "eventProperties": LARGE}


async def test_events_are_refused_during_a_fault_and_accepted_afterwards(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, fault: StoreFault
) -> None:
    file = tmp_path / "hogsend.db"
    async with open_site(tmp_path, clock, with_worker=False) as site:
        await fault.begin(file)
        started_at = clock.now()

        answer = await site.post("/v1/events", BODY)
        assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
        body = await answer.get_json()
        assert body["code"] == "unavailable" and fault.word in body["error"]
        assert str(tmp_path) not in body["error"]

        # A batch is refused as a whole.
        answer = await site.post("/v1/events/batch", {"events": [BODY, BODY]})
        assert answer.status_code == 503 and "Retry-After" in answer.headers

        clock.set(clock.now() + timedelta(minutes=3))
        answer = await site.client.get("/readyz")
        assert answer.status_code == 503
        part = (await answer.get_json())["parts"]["database"]
        assert (part["status"], part["trouble"]) == ("down", fault.kind)
        assert part["since"] == started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert fault.word in part["message"] and "on its own" in part["message"]
        assert (await site.client.get("/healthz")).status_code == 200

        await fault.end(file)
        await wait_for_recovery(site)
        assert (await fetch_readiness(site))["parts"]["database"]["status"] == "up"
        assert (await site.post("/v1/events", BODY)).status_code == 202
        assert await site.rows("SELECT name FROM events") == [("seen",)]
        assert await site.one("SELECT COUNT(*) FROM meta WHERE key = 'trial'") == 0


async def test_turns_and_mails_wait_for_the_end_of_a_fault_and_run_once(
    sqlite_url: str,
    tmp_path: Path,
    clock: ManualClock,
    fault: StoreFault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = 20
    monkeypatch.setattr(embedded, "_ERROR_RETRY_DELAY", 0.02)
    file = tmp_path / "hogsend.db"
    async with open_site(tmp_path, clock, files={**FILES, "chain.py": CHAIN}) as site:
        for number in range(people):
            await site.event("chain.begun", f"u{number}")
        await site.settled(people)
        await fault.begin(file)
        worker = site.runtime.worker
        assert worker is not None

        clock.set(clock.now() + timedelta(days=1, minutes=5))
        worker.poll()
        async with asyncio.timeout(PATIENCE):
            while site.runtime.database.health.problem is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        body = await fetch_readiness(site)
        assert body["parts"]["database"]["trouble"] == fault.kind
        assert body["parts"]["worker"] == {"status": "late", "overdueSeconds": 300}
        assert await site.rows("SELECT state, attempt FROM enrollments GROUP BY 1, 2") == [
            ("waiting", 0)
        ]

        await fault.end(file)
        sent = await site.settled(2 * people)
        assert [send.status for send in sent] == ["sent"] * 2 * people
        assert await site.one("SELECT COUNT(*), COUNT(DISTINCT send_id) FROM inbox") == 2 * people
        assert await site.rows("SELECT state, attempt FROM enrollments GROUP BY 1, 2") == [
            ("completed", 0)
        ]
        # The fault counts neither as a failed turn nor as an attempt to send.
        assert await site.rows("SELECT DISTINCT outcome FROM turns WHERE error IS NOT NULL") == []
        assert all(len(send.attempts) == 1 for send in sent)
        # The answer of a step that ran during the fault is kept until it can be stored.
        effects = Counter((tmp_path / "journeys" / "effects.txt").read_text().split())
        assert len(effects) == people and set(effects.values()) == {1}


async def test_a_damaged_file_is_reported_with_the_command_that_restores_a_backup(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    file = tmp_path / "hogsend.db"
    async with open_site(tmp_path, clock, with_worker=False) as site:
        await execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with closing(sqlite3.connect(file)) as beside:
            (root,) = beside.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = 'contacts'"
            ).fetchone()
            (size,) = beside.execute("PRAGMA page_size").fetchone()
        with file.open("r+b") as raw:
            raw.seek((root - 1) * size)
            raw.write(b"\xff" * size)

        answer = await site.post("/v1/events", BODY)
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


async def test_a_click_is_redirected_during_a_fault_and_recorded_afterwards(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, fault: StoreFault
) -> None:
    file = tmp_path / "hogsend.db"
    async with open_site(tmp_path, clock) as site:
        await site.event("user.created")
        mail = (await site.mail()).get_body(("html",))
        assert mail is not None
        address = re.search(r'href="https?://[^/"]*(/c/[^"]+)"', mail.get_content())
        assert address is not None
        await fault.begin(file)
        with pytest.raises(StoreUnavailable):
            await site.runtime.database.probe_write()

        answer = await site.client.get(address[1])
        assert answer.status_code == 302 and "example.com" in answer.headers["Location"]
        page = await site.client.post(_find_unsubscribe_path(mail.get_content()))
        text = await page.get_data(as_text=True)
        assert page.status_code == 503 and page.headers["Retry-After"]
        assert "Try again later" in text and fault.word not in text

        await fault.end(file)

        async def is_recorded() -> bool:
            return await site.one("SELECT COUNT(*) FROM hits WHERE kind = 'click'") == 1

        await until(site.runtime.change_feed, is_recorded)


def _find_unsubscribe_path(html: str) -> str:
    match = re.search(r'href="https?://[^/"]*(/u/[^"]+)"', html)
    assert match is not None
    return match[1]
