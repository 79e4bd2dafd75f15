"""Without a mail provider, mail is captured where operators see it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.providers.inbox import InboxProvider
from hogsend.delivery.providers.port import TryLater
from hogsend.store import inbox
from hogsend.store.change_feed import ChangeFeed
from hogsend.store.db import Database, Write
from tests.delivery.providers.contract import Arrived, Destination, ProviderContract, a_mail, ready


class InboxDestination(Destination):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def mails(self) -> list[Arrived]:
        arrived: list[Arrived] = []
        for entry in reversed(await self._database.read_one(inbox.newest(100))):
            mail = await self._database.read_one(inbox.one(entry.send_id))
            assert mail is not None
            arrived.append(Arrived(mail.entry.to_email, mail.raw))
        return arrived


@pytest.fixture
def changes() -> ChangeFeed:
    return ChangeFeed()


@pytest.fixture
def provider(database: Database, clock: ManualClock, changes: ChangeFeed) -> InboxProvider:
    return InboxProvider(database, clock, changes)


@pytest.fixture
def destination(database: Database) -> Destination:
    return InboxDestination(database)


async def apply(database: Database, write: Write) -> None:
    async with database.transaction() as transaction:
        await transaction.apply([write])


class TestInbox(ProviderContract):
    pass


async def test_open_dashboards_hear_of_a_captured_mail(
    provider: InboxProvider, changes: ChangeFeed
) -> None:
    async with aclosing(changes.follow()) as topics:
        heard = asyncio.ensure_future(anext(topics))
        await asyncio.sleep(0)
        await provider.deliver(a_mail(), ready)

        assert await heard == {"inbox"}


async def test_the_newest_captured_mail_is_listed_first(
    provider: InboxProvider, database: Database, clock: ManualClock
) -> None:
    for name in ("first", "second", "third"):
        await provider.deliver(a_mail(to=f"{name}@example.com"), ready)
        clock.set(clock.now() + timedelta(seconds=1))

    page = await database.read_one(inbox.newest(2))
    rest = await database.read_one(inbox.newest(2, offset=2))

    assert [entry.to_email for entry in page] == ["third@example.com", "second@example.com"]
    assert [entry.to_email for entry in rest] == ["first@example.com"]


async def test_a_captured_mail_is_unread_until_it_is_first_opened(
    provider: InboxProvider, database: Database, clock: ManualClock
) -> None:
    mail, other = a_mail(), a_mail()
    await provider.deliver(mail, ready)
    await provider.deliver(other, ready)
    opened_at = clock.now() + timedelta(minutes=5)

    await apply(database, inbox.mark_read(mail.send_id, opened_at))
    await apply(database, inbox.mark_read(mail.send_id, opened_at + timedelta(days=1)))

    found = await database.read_one(inbox.one(mail.send_id))
    assert found is not None
    assert found.entry.captured_at == clock.now()
    assert found.entry.read_at == opened_at
    assert await database.read_one(inbox.count_unread()) == 1
    assert await database.read_one(inbox.count()) == 2


async def test_a_cleared_inbox_is_empty(provider: InboxProvider, database: Database) -> None:
    mail = a_mail()
    await provider.deliver(mail, ready)

    await apply(database, inbox.clear())

    assert await database.read_one(inbox.count()) == 0
    assert await database.read_one(inbox.one(mail.send_id)) is None


async def test_a_mail_that_the_database_does_not_take_is_tried_later(
    provider: InboxProvider, database: Database
) -> None:
    await apply(database, Write("ALTER TABLE inbox RENAME TO elsewhere"))

    with pytest.raises(TryLater, match="inbox could not be written"):
        await provider.deliver(a_mail(), ready)
