"""A whole instance in one process with a clock that is set by hand: what tests of journeys play in.

It is the real thing: the composition root's database, ingest, engine, mailer and inbox. Only time
stands still until a test says otherwise.
"""

from __future__ import annotations

import asyncio
import textwrap
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.config.settings import load_settings
from hogsend.domain.contact import Contact
from hogsend.domain.enrollment import Enrollment
from hogsend.domain.event import Event
from hogsend.domain.incoming import IncomingEvent, IngestResult
from hogsend.domain.journal import Step
from hogsend.domain.send_policy import Send
from hogsend.process.runtime import Runtime, open_runtime
from hogsend.services.content import load_content
from hogsend.store import consents, contacts, enrollments, events, journeys, sends, turns
from hogsend.store.db import Database, Query
from hogsend.store.fields import to_id, to_micros
from hogsend.store.turns import Turn
from hogsend.turns.runner import TurnRunner
from hogsend.turns.turn_inputs import JourneyCode, TurnLimits
from tests.patience import PATIENCE

AUTHORS_IMPORTS = "from hogsend import *  # noqa\nfrom datetime import *\n"
MAILS = ("welcome", "nudge", "offer", "bye")


@dataclass
class World:
    """An instance, and what tests do and look at.

    Args:
        runtime: what the instance is made of.
        clock: what it takes for the time.
    """

    runtime: Runtime
    clock: ManualClock

    # -- what happens ------------------------------------------------------------------------

    def write(self, name: str, source: str) -> None:
        """Write a file of the author's folder; the imports of every journey are put before it."""
        text = AUTHORS_IMPORTS + textwrap.dedent(source)
        (self.runtime.settings.journeys / f"{name}.py").write_text(text)

    def remove(self, name: str) -> None:
        """Take a file of the author's folder away."""
        (self.runtime.settings.journeys / f"{name}.py").unlink()

    async def load(self) -> None:
        """Use the author's folder as it is now, as `serve --reload` does."""
        await self.runtime.use(load_content(self.runtime.settings, self.runtime.tokens))

    async def define(self, source: str, name: str = "journeys") -> None:
        """Write a file of journeys and use it."""
        self.write(name, source)
        await self.load()
        assert not self.runtime.content.broken, self.runtime.content.broken

    async def submit(self, name: str, **incoming: Any) -> IngestResult:
        """Submit an event without waiting for its effects."""
        return await self.runtime.ingest.submit(IncomingEvent(name, **incoming))

    async def emit(self, name: str, user: str = "ada", /, **properties: Any) -> IngestResult:
        """Submit an event of a user who has an address, and wait until nothing is due."""
        email = f"{user}@example.com"
        taken = await self.submit(name, user_id=user, email=email, properties=properties)
        await self.settle()
        return taken

    async def advance(self, duration: timedelta) -> None:
        """Advance the clock, and wait until nothing is due."""
        self.clock.set(self.clock.now() + duration)
        if self.runtime.worker is not None:
            self.runtime.worker.poll()
        await self.settle()

    async def settle(self) -> None:
        """Wait until no turn and no mail is due."""
        if self.runtime.worker is None:
            return
        async with asyncio.timeout(PATIENCE):
            pause = 0.0
            while await self._busy():
                # A busy loop would take the processor from the turns that it waits for.
                await asyncio.sleep(pause)
                pause = min(pause + 0.0005, 0.02)

    async def _busy(self) -> bool:
        worker, now = self.runtime.worker, to_micros(self.clock.now())
        assert worker is not None
        due = await self.query(
            "SELECT (SELECT COUNT(*) FROM enrollments WHERE state IN ('active', 'waiting') "
            "AND wake_at <= ?) + (SELECT COUNT(*) FROM sends WHERE status = 'sending' OR "
            "(status = 'queued' AND due_at <= ?))",
            now,
            now,
        )
        return due[0][0] > 0 or not worker.engine.is_idle or not worker.mailer.is_idle

    # -- what is there -----------------------------------------------------------------------

    @property
    def database(self) -> Database:
        return self.runtime.database

    async def query(self, sql: str, *values: Any) -> list[Any]:
        """Look into the tables."""
        return await self.database.read_one(Query(sql, values, list))

    async def _ids(self, table: str) -> list[UUID]:
        return [to_id(row[0]) for row in await self.query(f"SELECT id FROM {table} ORDER BY id")]  # noqa: S608

    async def contacts(self) -> list[Contact]:
        """Return the contacts, without those merged into others, the oldest first."""
        rows = await self.query(
            "SELECT id FROM contacts WHERE merged_into IS NULL AND erased_at IS NULL ORDER BY id"
        )
        known = await self.database.read_one(contacts.find_by_ids([to_id(row[0]) for row in rows]))
        return list(known.values())

    async def contact(self, user: str = "ada") -> Contact:
        """Return the contact with a user id."""
        return next(contact for contact in await self.contacts() if contact.user_id == user)

    async def all_enrollments(self) -> list[Enrollment]:
        """Return every enrollment, the oldest first."""
        ids = await self._ids("enrollments")
        by_id = await self.database.read_one(enrollments.find_by_ids(ids))
        return [by_id[enrollment_id] for enrollment_id in ids]

    async def enrollment(self) -> Enrollment:
        """Return the only enrollment."""
        (only,) = await self.all_enrollments()
        return only

    async def states(self) -> list[str]:
        """Return the state of every enrollment, the oldest first."""
        return [enrollment.state for enrollment in await self.all_enrollments()]

    async def turns(self, enrollment_id: UUID | None = None) -> list[Turn]:
        """Return the turns of an enrollment, by default of the only one."""
        selected_id = enrollment_id or (await self.enrollment()).id
        return (await self.database.read_one(turns.find_by_enrollments([selected_id]))).get(
            selected_id, []
        )

    async def journal(self, enrollment_id: UUID | None = None) -> list[Step]:
        """Return the steps of an enrollment, without the contact that each begins with."""
        played = await self.turns(enrollment_id)
        return [step for turn in played for step in turn.steps if step.kind != "user"]

    async def answers(self) -> dict[str, Any]:
        """Return what the journal of the only enrollment answers, by key."""
        return {step.key: step.answer for step in await self.journal()}

    async def sends(self) -> list[Send]:
        """Return every send, the oldest first."""
        ids = await self._ids("sends")
        by_id = await self.database.read_one(sends.find_by_ids(ids))
        return [by_id[send_id] for send_id in ids]

    async def send_outcomes(self) -> list[tuple[str, str, str | None]]:
        """Return template, status and reason of every send, the oldest first."""
        return [(send.template, send.status, send.reason) for send in await self.sends()]

    async def mailbox(self, user: str | None = None) -> list[str]:
        """Return the templates of the mails that were captured, in the order of their sends."""
        rows = await self.query(
            "SELECT s.template, i.to_email FROM inbox i JOIN sends s ON s.id = i.send_id "
            "ORDER BY s.id"
        )
        return [row[0] for row in rows if user is None or row[1] == f"{user}@example.com"]

    async def events(self, name: str | None = None) -> list[Event]:
        """Return the events, of a name or all, in the order of their arrival."""
        ids = await self._ids("events")
        stored_events = [await self.database.read_one(events.find(event_id)) for event_id in ids]
        return [
            event for event in stored_events if event is not None and name in (None, event.name)
        ]

    async def switch(self, journey_id: str, on: bool) -> None:
        """Switch a journey as an operator."""
        async with self.database.transaction() as tx:
            await tx.apply([journeys.switch(journey_id, on)])
        await self.runtime.refresh_rules()

    async def suppress(self, address: str) -> None:
        """Stop all mail to an address."""
        async with self.database.transaction() as tx:
            suppressed = consents.suppress([(address, "manual", None)], self.clock.now())
            await tx.apply([contacts.raise_revision(address), suppressed])

    def set_turn_limits(self, limits: TurnLimits) -> None:
        """Limit the resources of later turns."""
        assert self.runtime.worker is not None
        self.runtime.worker.turn_runner.limits = limits

    def turn_runner(self, limit: timedelta) -> TurnRunner:
        """Make a runner with another limit for the time of a turn."""
        runtime = self.runtime
        code = JourneyCode(runtime.registry, runtime.content.template_lists)
        return TurnRunner(self.database, self.clock, runtime.ingest, code, TurnLimits(time=limit))

    # -- counts ------------------------------------------------------------------------------

    async def counters(self) -> dict[tuple[str, bool], int]:
        """Return the kept counts that are not zero: by name, and whether it is a gauge.

        Those who unsubscribe are left out: they leave no row each that could be counted.
        """
        rows = await self.query(
            "SELECT name, day, value FROM counters WHERE name <> 'unsubscribes'"
        )
        kept: Counter[tuple[str, bool]] = Counter()
        for name, day, value in rows:
            kept[name, day == 0] += value
        return {key: value for key, value in kept.items() if value}

    async def counter_drift(self) -> dict[tuple[str, bool], tuple[int, int]]:
        """Return the kept counts that differ from the rows, each as (kept, recounted).

        Both are of one instant: turns may be played meanwhile.
        """
        rows = await self.query(_KEPT_AND_COUNTED)
        sums: dict[tuple[str, bool], list[int]] = {}
        for name, is_gauge, kept, counted in rows:
            both = sums.setdefault((name, bool(is_gauge)), [0, 0])
            both[0] += kept
            both[1] += counted
        return {key: (kept, counted) for key, (kept, counted) in sums.items() if kept != counted}


_RECOUNTS = (
    (
        True,
        "SELECT 'contacts', COUNT(*) FROM contacts WHERE merged_into IS NULL AND erased_at IS NULL",
    ),
    (
        True,
        "SELECT 'state/' || journey_id || '/' || state, COUNT(*) FROM enrollments "
        "GROUP BY journey_id, state",
    ),
    (
        True,
        "SELECT 'waiting/' || journey_id || '/' || wait_key, COUNT(*) FROM enrollments "
        "WHERE wait_key IS NOT NULL GROUP BY journey_id, wait_key",
    ),
    (False, "SELECT 'events', COUNT(*) FROM events"),
    (
        False,
        "SELECT 'goal/' || journey_id || CASE state WHEN 'held_out' THEN '/held_out' "
        "ELSE '/entered' END, COUNT(*) FROM enrollments WHERE goal_at IS NOT NULL "
        "GROUP BY 1",
    ),
    (
        True,
        "SELECT 'result/' || journey_id || '/' || measured_as || CASE state WHEN 'held_out' "
        "THEN '/held_out' ELSE '/entered' END || '/entered', COUNT(*) FROM enrollments "
        "WHERE measured_as IS NOT NULL GROUP BY 1",
    ),
    (
        True,
        "SELECT 'result/' || journey_id || '/' || measured_as || CASE state WHEN 'held_out' "
        "THEN '/held_out' ELSE '/entered' END || '/reached', COUNT(*) FROM enrollments "
        "WHERE measured_as IS NOT NULL AND goal_at IS NOT NULL GROUP BY 1",
    ),
    (
        False,
        "SELECT 'entered/' || journey_id, COUNT(*) FROM enrollments WHERE state <> 'held_out' "
        "GROUP BY journey_id",
    ),
    (
        False,
        "SELECT 'ended/' || journey_id || '/' || state, COUNT(*) FROM enrollments "
        "WHERE ended_at IS NOT NULL AND state <> 'held_out' GROUP BY journey_id, state",
    ),
    (
        False,
        "SELECT 'refused/' || journey_id || '/' || reason, COUNT(*) FROM refusals "
        "GROUP BY journey_id, reason",
    ),
    (
        False,
        "SELECT 'sends/' || status, COUNT(*) FROM sends "
        "WHERE status NOT IN ('queued', 'sending') GROUP BY status",
    ),
    (
        False,
        "SELECT 'delivery/template/' || template || '/' || status, COUNT(*) FROM sends "
        "WHERE status IN ('sent', 'bounced') AND template <> '' GROUP BY template, status",
    ),
)

_KEPT = (
    "SELECT name, CASE day WHEN 0 THEN 1 ELSE 0 END, value, 0 FROM counters "
    "WHERE name <> 'unsubscribes' AND name NOT LIKE 'arm/%' "
    # The domains are not in the rows, and neither are templates of mails without one.
    "AND (name NOT LIKE 'delivery/%' OR name LIKE 'delivery/template/_%/sent' "
    "OR name LIKE 'delivery/template/_%/bounced') AND name NOT LIKE 'delivery/template/-/%'"
)
_KEPT_AND_COUNTED = " UNION ALL ".join(
    [
        _KEPT,
        *(sql.replace(", COUNT(*)", f", {gauge:d}, 0, COUNT(*)", 1) for gauge, sql in _RECOUNTS),
    ]
)


@asynccontextmanager
async def open_world(
    url: str, folder: Path, clock: ManualClock, *, with_worker: bool
) -> AsyncGenerator[World]:
    """Open an instance on a migrated database.

    Args:
        url: the database's address.
        folder: an empty folder for its data and its journeys.
        clock: what it takes for the time.
        with_worker: whether it plays journeys and delivers mail.
    """
    emails = folder / "journeys" / "emails"
    emails.mkdir(parents=True, exist_ok=True)
    for name in MAILS:
        (emails / f"{name}.html").write_text(f"---\nsubject: {name}\n---\n<p>{name}</p>\n")
    settings = load_settings(
        {
            "HOGSEND_DATA": str(folder),
            "HOGSEND_DATABASE_URL": url,
            "HOGSEND_SECRET": "s" * 43,
            "HOGSEND_JOURNEYS": str(folder / "journeys"),
        },
        folder,
    )
    async with open_runtime(settings, with_worker=with_worker, clock=clock) as runtime:
        yield World(runtime, clock)


@pytest.fixture
async def world(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """An instance that plays and delivers, once on each kind of database."""
    async with open_world(database_url, tmp_path, clock, with_worker=True) as opened:
        yield opened


@pytest.fixture
async def sqlite_world(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """An instance on SQLite alone, for what has nothing to do with the database."""
    async with open_world(sqlite_url, tmp_path, clock, with_worker=True) as opened:
        yield opened


@pytest.fixture
async def idle_world(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """An instance that only takes facts in, once on each kind of database."""
    async with open_world(database_url, tmp_path, clock, with_worker=False) as opened:
        yield opened
