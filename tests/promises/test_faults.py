"""Full disk, lock, read-only file: the process says what is wrong, loses nothing, and goes on."""

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
from tests.site import FILES, Site, open_site, until

# What is stored with it needs more room than there is in the pages that are there.
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


async def say(*statements: str) -> list[Any]:
    """Tell the connection that writes something."""
    client: Any = get_connections().get("default")
    rows: list[Any] = []
    for statement in statements:
        rows = list(await client._connection.execute_fetchall(statement))
    return rows


@dataclass(frozen=True)
class Fault:
    """A way in which a database takes nothing.

    Args:
        kind: as `/readyz` calls it.
        word: what the sentence about it says.
        begin: what makes it so.
        end: what mends it.
    """

    kind: str
    word: str
    begin: Callable[[Path], Awaitable[Any]]
    end: Callable[[Path], Awaitable[Any]]


async def fill(file: Path) -> None:
    """Let the file grow no more, and leave no page of it free."""
    ((pages,),) = await say("CREATE TABLE ballast (weight)", "PRAGMA page_count")
    await say(f"PRAGMA max_page_count = {pages}")
    with suppress(sqlite3.OperationalError):
        while True:
            await say("INSERT INTO ballast VALUES (zeroblob(4000))")


async def make_room(file: Path) -> None:
    await say("PRAGMA max_page_count = 1000000")


async def forbid(file: Path) -> None:
    """Let nothing be written, as when a disk is mounted anew for reading only."""
    await say("PRAGMA query_only = ON")


async def allow(file: Path) -> None:
    await say("PRAGMA query_only = OFF")


class Shell:
    """A database shell in which somebody has begun a transaction and went for lunch."""

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None

    async def begin(self, file: Path) -> None:
        await say("PRAGMA busy_timeout = 20")
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.execute("BEGIN EXCLUSIVE")

    async def end(self, file: Path) -> None:
        assert self._connection is not None
        self._connection.close()


def faults() -> Iterator[Fault]:
    shell = Shell()
    yield Fault("full", "full", fill, make_room)
    yield Fault("locked", "lock", shell.begin, shell.end)
    yield Fault("read_only", "only read", forbid, allow)


@pytest.fixture(params=faults(), ids=lambda fault: fault.kind)
def fault(request: pytest.FixtureRequest) -> Fault:
    return request.param


async def ready(site: Site) -> dict[str, Any]:
    return await (await site.client.get("/readyz")).get_json()


async def mended(site: Site) -> None:
    """Wait until the server has found out by itself."""
    async with asyncio.timeout(15):
        # It tries twice a second; nothing tells others of it but this page.
        while (await site.client.get("/readyz")).status_code != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


BODY = {"name": "seen", "userId": "bo", "email": "bo@example.com", "eventProperties": LARGE}


async def test_events_are_refused_for_a_while_and_then_taken(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, fault: Fault
) -> None:
    file = tmp_path / "hogsend.db"
    async with open_site(tmp_path, clock, with_worker=False) as site:
        await fault.begin(file)
        begun = clock.now()

        answer = await site.post("/v1/events", BODY)
        assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
        body = await answer.get_json()
        assert body["code"] == "unavailable" and fault.word in body["error"]
        assert str(tmp_path) not in body["error"]

        # A batch of which nothing was stored is not half accepted, and it does not wait in vain.
        answer = await site.post("/v1/events/batch", {"events": [BODY, BODY]})
        assert answer.status_code == 503 and "Retry-After" in answer.headers

        clock.set(clock.now() + timedelta(minutes=3))
        answer = await site.client.get("/readyz")
        assert answer.status_code == 503
        told = (await answer.get_json())["parts"]["database"]
        assert (told["status"], told["trouble"]) == ("down", fault.kind)
        assert told["since"] == begun.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert fault.word in told["message"] and "by itself" in told["message"]
        assert (await site.client.get("/healthz")).status_code == 200

        await fault.end(file)
        await mended(site)
        assert (await ready(site))["parts"]["database"]["status"] == "up"
        assert (await site.post("/v1/events", BODY)).status_code == 202
        assert await site.rows("SELECT name FROM events") == [("seen",)]
        assert await site.one("SELECT COUNT(*) FROM meta WHERE key = 'trial'") == 0


async def test_turns_and_mails_wait_and_then_go_on_each_once(
    sqlite_url: str,
    tmp_path: Path,
    clock: ManualClock,
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = 20
    monkeypatch.setattr(embedded, "_AFTER_ERROR", 0.02)
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
        async with asyncio.timeout(15):
            while site.runtime.database.standing.trouble is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        body = await ready(site)
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
        # Nobody's turn was counted as failed, and no try to hand over as one.
        assert await site.rows("SELECT DISTINCT outcome FROM turns WHERE error IS NOT NULL") == []
        assert all(len(send.attempts) == 1 for send in sent)
        # What a step did when the fault was met is kept until there is a place for it.
        effects = Counter((tmp_path / "journeys" / "effects.txt").read_text().split())
        assert len(effects) == people and set(effects.values()) == {1}


async def test_a_damaged_file_is_named_with_the_command_that_brings_a_backup_back(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    file = tmp_path / "hogsend.db"
    async with open_site(tmp_path, clock, with_worker=False) as site:
        await say("PRAGMA wal_checkpoint(TRUNCATE)")
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
        body = await ready(site)
        assert body["status"] == "down" and body["parts"]["database"]["trouble"] == "damaged"
        assert "hogsend restore" in body["parts"]["database"]["message"]
        # It does not heal: nothing more is written to it, however small.
        with pytest.raises(Exception, match="damaged"):
            await site.runtime.database.try_again()
        with pytest.raises(Exception, match="damaged"):
            await site.runtime.ingest.submit(IncomingEvent("seen", user_id="bo"))


async def test_a_click_leads_on_and_is_recorded_when_the_database_takes_it(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, fault: Fault
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
            await site.runtime.database.try_again()

        answer = await site.client.get(address[1])
        assert answer.status_code == 302 and "example.com" in answer.headers["Location"]
        page = await site.client.post(_unsubscribe(mail.get_content()))
        text = await page.get_data(as_text=True)
        assert page.status_code == 503 and page.headers["Retry-After"]
        assert "Try it again later" in text and fault.word not in text

        await fault.end(file)

        async def recorded() -> bool:
            return await site.one("SELECT COUNT(*) FROM hits WHERE kind = 'click'") == 1

        await until(site.runtime.change_feed, recorded)


def _unsubscribe(html: str) -> str:
    found = re.search(r'href="https?://[^/"]*(/u/[^"]+)"', html)
    assert found is not None
    return found[1]
