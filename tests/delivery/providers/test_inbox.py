"""The inbox captures mail for the dashboard."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.providers.inbox import InboxProvider
from hogsend.delivery.providers.port import TryLater
from hogsend.store import inbox
from hogsend.store.change_feed import ChangeFeed
from hogsend.store.db import Database, Write
from hogsend.store.read_models import inbox as inbox_page
from tests.delivery.providers.contract import (
    ArrivedMail,
    Destination,
    ProviderContract,
    allow_handoff,
    make_message,
    read_mime,
)


class InboxDestination(Destination):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def mails(self) -> list[ArrivedMail]:
        arrived: list[ArrivedMail] = []
        for entry in reversed(await inbox_page.list_mails(self._database, 100)):
            mail = await inbox.find(self._database, entry.send_id)
            assert mail is not None
            captured = read_mime(mail.raw, [mail.entry.to_email])
            copies = {address.email for address in captured.cc}
            arrived.append(replace(captured, recipients=captured.recipients | copies))
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


class TestInbox(ProviderContract):
    pass


async def test_a_captured_mail_notifies_open_dashboards(
    provider: InboxProvider, changes: ChangeFeed
) -> None:
    async with aclosing(changes.subscribe()) as topics:
        notified = asyncio.ensure_future(anext(topics))
        await asyncio.sleep(0)
        await provider.deliver(make_message(), allow_handoff)

        assert await notified == {"inbox"}


async def test_the_newest_captured_mail_is_listed_first(
    provider: InboxProvider, database: Database, clock: ManualClock
) -> None:
    for name in ("first", "second", "third"):
        await provider.deliver(make_message(f"{name}@example.com"), allow_handoff)
        clock.set(clock.now() + timedelta(seconds=1))

    newest = await inbox_page.list_mails(database, 2)
    older = await inbox_page.list_mails(database, 2, before=newest[-1].send_id)

    assert [entry.to_email for entry in newest] == ["third@example.com", "second@example.com"]
    assert [entry.to_email for entry in older] == ["first@example.com"]


async def test_a_captured_mail_is_unread_until_it_is_first_opened(
    provider: InboxProvider, database: Database, clock: ManualClock
) -> None:
    mail, other = make_message(), make_message()
    await provider.deliver(mail, allow_handoff)
    await provider.deliver(other, allow_handoff)
    opened_at = clock.now() + timedelta(minutes=5)

    await inbox.mark_read(database, mail.send_id, opened_at)
    await inbox.mark_read(database, mail.send_id, opened_at + timedelta(days=1))

    stored = await inbox.find(database, mail.send_id)
    assert stored is not None
    assert stored.entry.captured_at == clock.now()
    assert stored.entry.read_at == opened_at
    assert await database.read_one(inbox_page.count_unread()) == 1
    assert len(await inbox_page.list_mails(database, 10)) == 2


async def test_a_cleared_inbox_is_empty(provider: InboxProvider, database: Database) -> None:
    mail = make_message()
    await provider.deliver(mail, allow_handoff)

    await inbox.clear(database)

    assert await inbox_page.list_mails(database, 10) == []
    assert await inbox.find(database, mail.send_id) is None


async def test_a_mail_that_the_database_refuses_is_tried_later(
    provider: InboxProvider, database: Database
) -> None:
    async with database.transaction() as transaction:
        await transaction.apply([Write("ALTER TABLE inbox RENAME TO elsewhere")])

    with pytest.raises(TryLater, match="inbox could not be written"):
        await provider.deliver(make_message(), allow_handoff)
