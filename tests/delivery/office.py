"""A mailer at work on a real ledger, and a provider that does as a test says."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from hogsend.clock import ManualClock
from hogsend.delivery.mailer import Mailer
from hogsend.delivery.providers.port import Accepted, HandingOver, Message, Provider
from hogsend.domain.ids import new_id
from hogsend.domain.send_policy import Send
from hogsend.ingest import BatchResult
from hogsend.store import sends
from hogsend.store.db import Write
from tests.site import Site, open_site, until

Step = Callable[[Message, HandingOver], Awaitable[Accepted]]


async def accept(message: Message, handing_over: HandingOver) -> Accepted:
    """Take the mail."""
    await handing_over()
    return Accepted("id-1", "250 2.0.0 Ok")


def refuse(error: Exception) -> Step:
    """Refuse the mail before any of it has left."""

    async def step(message: Message, handing_over: HandingOver) -> Accepted:
        raise error

    return step


def break_off(error: Exception) -> Step:
    """Fail when the mail may have left."""

    async def step(message: Message, handing_over: HandingOver) -> Accepted:
        await handing_over()
        raise error

    return step


@dataclass
class Pause:
    """A step that waits, before the hand-over or in the middle of it.

    Args:
        handed: whether the hand-over has begun when it waits.
    """

    handed: bool
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    then: Step | None = None

    async def __call__(self, message: Message, handing_over: HandingOver) -> Accepted:
        if self.handed:
            await handing_over()
        self.reached.set()
        await self.go_on.wait()
        if self.then is not None:
            return await self.then(message, handing_over)
        if not self.handed:
            await handing_over()
        return Accepted("id-1", "250 2.0.0 Ok")


@dataclass
class Scripted:
    """A provider that does what its script says, and takes every mail after that.

    Args:
        remembers_sends: whether repeating a mail does no harm.
        script: what to do with the next mails.
        taken: the mails it took.
    """

    remembers_sends: bool = False
    script: deque[Step] = field(default_factory=deque[Step])
    taken: list[Message] = field(default_factory=list[Message])
    asked: int = 0
    closed: bool = False
    name = "scripted"

    async def deliver(self, message: Message, handing_over: HandingOver) -> Accepted:
        self.asked += 1
        step = self.script.popleft() if self.script else accept
        accepted = await step(message, handing_over)
        self.taken.append(message)
        return accepted

    async def close(self) -> None:
        self.closed = True


@dataclass
class Office:
    """A mailer, and what it works with.

    Args:
        site: everything else.
        provider: the provider.
        mailer: the mailer, at work.
    """

    site: Site
    provider: Scripted
    mailer: Mailer

    def will(self, *steps: Step) -> None:
        """Say what the provider does with the next mails."""
        self.provider.script.extend(steps)

    async def queue(self, user_id: str = "ada", *, look: bool = True, **more: Any) -> UUID:
        """Queue a mail to somebody, due now; return its id."""
        await self.site.event("seen", user_id)
        now = self.site.clock.now()
        send = Send(
            id=new_id(now),
            contact_id=(await self.site.contact(user_id)).id,
            template="hello",
            list_id="news",
            status="queued",
            created_at=now,
            to_email=f"{user_id}@example.com",
            due_at=now,
        )
        await self.write(sends.insert([replace(send, **more)]))
        if look:
            self.mailer.poll()
        return send.id

    async def write(self, *writes: Write) -> None:
        async with self.site.runtime.database.transaction() as tx:
            await tx.apply(writes)

    async def row(self, send_id: UUID) -> Send:
        return (await self.site.runtime.database.read_one(sends.by_ids([send_id])))[send_id]

    async def becomes(self, send_id: UUID, *statuses: str, tries: int = 0) -> Send:
        """Return a row once it has one of these statuses and this many attempts."""

        async def asked() -> Send | None:
            row = await self.row(send_id)
            return row if row.status in statuses and len(row.attempts) >= tries else None

        return await until(self.site.runtime.change_feed, asked)

    async def pass_time(self, time: timedelta) -> None:
        """Let time pass, and the mailer look."""
        self.site.clock.set(self.site.clock.now() + time)
        self.mailer.poll()

    async def events(self) -> list[str]:
        rows = await self.site.rows("SELECT name FROM events ORDER BY received_at, seq")
        return [name for (name,) in rows if name != "seen"]

    async def suppressed(self) -> dict[str, str]:
        return dict(await self.site.rows("SELECT address, reason FROM suppressions"))  # type: ignore[arg-type]

    async def counted(self, name: str) -> int:
        return await self.site.one("SELECT SUM(value) FROM counters WHERE name = ?", name) or 0


def mailer_of(site: Site, provider: Provider) -> Mailer:
    """Return a mailer that does not work yet."""
    return Mailer(
        database=site.runtime.database,
        clock=site.clock,
        ingest=site.runtime.ingest,
        provider=provider,
        changes=site.runtime.change_feed,
        renderer=site.runtime.content.renderer,
    )


@asynccontextmanager
async def open_office(
    folder: Path, clock: ManualClock, url: str, *, provider: Scripted | None = None, **settings: str
) -> AsyncIterator[Office]:
    """Open an office on a migrated database.

    Args:
        folder: the data folder.
        clock: what it goes by.
        url: the database.
        provider: takes the mails.
        settings: further settings, without `HOGSEND_`.
    """
    settings = {"DATABASE_URL": url, **settings}
    async with open_site(folder, clock, with_worker=False, **settings) as site:
        provider = provider or Scripted()
        office = Office(site, provider, mailer_of(site, provider))
        await office.mailer.recover()
        working = asyncio.ensure_future(office.mailer.run())
        # The mailer polls after every commit, as a worker lets it.
        site.runtime.bus.subscribe(BatchResult, _poll_after_commit(office))
        try:
            yield office
        finally:
            await office.mailer.close(0.0)
            await working


def _poll_after_commit(office: Office) -> Callable[[Any], Awaitable[None]]:
    async def poll(_: Any) -> None:
        office.mailer.poll()

    return poll
