"""A mailer at work on a real ledger, with a scripted provider."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from hogsend.clock import ManualClock
from hogsend.delivery.mailer import Mailer
from hogsend.delivery.providers.port import Accepted, BeforeHandoff, Message, Provider
from hogsend.delivery.providers.provider_set import ProviderSet
from hogsend.domain.ids import new_id
from hogsend.domain.send_policy import Send
from hogsend.domain.sending_policy import SendingPolicy
from hogsend.ingest import BatchResult
from hogsend.store import sends
from hogsend.store.db import Write
from tests.site import Site, open_site, until

Step = Callable[[Message, BeforeHandoff], Awaitable[Accepted]]


async def accept(message: Message, before_handoff: BeforeHandoff) -> Accepted:
    """Accept the mail."""
    await before_handoff()
    return Accepted("id-1", "250 2.0.0 Ok")


def refuse(error: Exception) -> Step:
    """Refuse the mail before the hand-over."""

    async def step(message: Message, before_handoff: BeforeHandoff) -> Accepted:
        raise error

    return step


def break_off(error: Exception) -> Step:
    """Fail after the hand-over began."""

    async def step(message: Message, before_handoff: BeforeHandoff) -> Accepted:
        await before_handoff()
        raise error

    return step


@dataclass
class Pause:
    """A step that waits before or during the hand-over.

    Args:
        handed: whether it waits during the hand-over.
        reached: set when it waits.
        go_on: ends the wait.
        then: the step after the wait.
    """

    handed: bool
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    then: Step | None = None

    async def __call__(self, message: Message, before_handoff: BeforeHandoff) -> Accepted:
        if self.handed:
            await before_handoff()
        self.reached.set()
        await self.go_on.wait()
        if self.then is not None:
            return await self.then(message, before_handoff)
        if not self.handed:
            await before_handoff()
        return Accepted("id-1", "250 2.0.0 Ok")


@dataclass
class ScriptedProvider(Provider):
    """A provider that follows a script, and accepts every mail after that.

    Args:
        idempotency_window: how long it recognizes a repeated mail.
        script: what to do with the next mails.
        accepted: the mails it accepted.
        calls: how many mails were offered.
        is_closed: whether it was closed.
    """

    idempotency_window: timedelta | None = None
    script: deque[Step] = field(default_factory=deque[Step])
    accepted: list[Message] = field(default_factory=list[Message])
    calls: int = 0
    is_closed: bool = False
    name = "scripted"

    async def deliver(self, message: Message, before_handoff: BeforeHandoff) -> Accepted:
        self.calls += 1
        step = self.script.popleft() if self.script else accept
        accepted = await step(message, before_handoff)
        self.accepted.append(message)
        return accepted

    async def close(self) -> None:
        self.is_closed = True


@dataclass
class MailerHarness:
    """A running mailer with its provider and its site.

    Args:
        site: the server without a worker.
        provider: takes the mails, the first one if there are several.
        mailer: the mailer, at work.
        providers: all providers by name.
    """

    site: Site
    provider: ScriptedProvider
    mailer: Mailer
    providers: Mapping[str, ScriptedProvider] = field(default_factory=dict[str, ScriptedProvider])

    def script(self, *steps: Step) -> None:
        """Set what the provider does with the next mails."""
        self.provider.script.extend(steps)

    async def queue(self, user_id: str = "ada", *, poll: bool = True, **fields: Any) -> UUID:
        """Queue a mail that is due now; return its id."""
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
        await self.write(sends.insert([replace(send, **fields)]))
        if poll:
            self.mailer.poll()
        return send.id

    async def write(self, *writes: Write) -> None:
        async with self.site.runtime.database.transaction() as tx:
            await tx.apply(writes)

    async def row(self, send_id: UUID) -> Send:
        return (await self.site.runtime.database.read_one(sends.find_by_ids([send_id])))[send_id]

    async def wait_for_status(self, send_id: UUID, *statuses: str, tries: int = 0) -> Send:
        """Return a row once it has one of these statuses and this many attempts."""

        async def condition() -> Send | None:
            row = await self.row(send_id)
            return row if row.status in statuses and len(row.attempts) >= tries else None

        return await until(self.site.runtime.change_feed, condition)

    async def pass_time(self, time: timedelta) -> None:
        """Move the clock and let the mailer poll."""
        self.site.clock.set(self.site.clock.now() + time)
        self.mailer.poll()

    async def events(self) -> list[str]:
        rows = await self.site.rows("SELECT name FROM events ORDER BY received_at, seq")
        return [name for (name,) in rows if name != "seen"]

    async def fetch_suppressions(self) -> dict[str, str]:
        return dict(await self.site.rows("SELECT address, reason FROM suppressions"))  # type: ignore[arg-type]

    async def fetch_counter(self, name: str) -> int:
        return (
            await self.site.fetch_value("SELECT SUM(value) FROM counters WHERE name = ?", name) or 0
        )


def create_mailer(site: Site, provider: Provider | ProviderSet) -> Mailer:
    """Return a mailer that is not running."""
    is_set = isinstance(provider, ProviderSet)
    return Mailer(
        database=site.runtime.database,
        clock=site.clock,
        ingest=site.runtime.ingest,
        providers=provider if is_set else ProviderSet.from_provider(provider),
        changes=site.runtime.change_feed,
        renderer=site.runtime.content.renderer,
    )


@asynccontextmanager
async def open_harness(
    folder: Path,
    clock: ManualClock,
    url: str,
    *,
    provider: ScriptedProvider | None = None,
    providers: Mapping[str, ScriptedProvider] | None = None,
    policy: SendingPolicy | None = None,
    **settings: str,
) -> AsyncIterator[MailerHarness]:
    """Open a harness on a migrated database.

    Args:
        folder: the data folder.
        clock: gives the present instant.
        url: the URL of the database.
        provider: takes the mails.
        providers: several providers by name, instead of one.
        policy: routes and paces the mails.
        settings: further settings, without `HOGSEND_`.
    """
    all_settings: dict[str, Any] = {"DATABASE_URL": url, **settings}
    async with open_site(folder, clock, with_worker=False, **all_settings) as site:
        if providers is None:
            provider = provider or ScriptedProvider()
            providers = {provider.name: provider}
        provider = next(iter(providers.values()))
        mailer = create_mailer(site, ProviderSet(providers))
        harness = MailerHarness(site, provider, mailer, providers)
        if policy is not None:
            mailer.use_policy(policy)
        await harness.mailer.recover()
        working = asyncio.ensure_future(harness.mailer.run())
        # The mailer polls after every commit, as in the worker.
        site.runtime.bus.subscribe(BatchResult, _poll_after_commit(harness))
        try:
            yield harness
        finally:
            await harness.mailer.close(0.0)
            await working


def _poll_after_commit(harness: MailerHarness) -> Callable[[Any], Awaitable[None]]:
    async def poll(_: Any) -> None:
        harness.mailer.poll()

    return poll
