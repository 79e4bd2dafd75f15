"""What contacts went through before, merged ones included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.domain.contact import Contact
from hogsend.domain.enrollment import Enrollment
from hogsend.domain.history import EmailPast, JourneyPast
from hogsend.domain.ids import new_id
from hogsend.domain.send_policy import Send
from hogsend.store import contacts, enrollments, history, sends
from hogsend.store.db import Database, Query, Row, Write
from tests.databases import make_enrollment

DAY = timedelta(days=1)


async def write(database: Database, *writes: Write) -> None:
    async with database.transaction() as tx:
        await tx.apply(writes)


@pytest.fixture
def ada(clock: ManualClock) -> UUID:
    return new_id(clock.now())


@pytest.fixture
def entry(clock: ManualClock, ada: UUID) -> Callable[..., Enrollment]:
    """Make an enrollment of Ada's in the journey `welcome`."""

    def make(**fields: Any) -> Enrollment:
        now = clock.now()
        defaults = {"contact_id": ada, "journey_id": "welcome", "entry_key": str(new_id(now))}
        return make_enrollment(now, **{**defaults, "wake_at": None, **fields})

    return make


@pytest.fixture
def mail(clock: ManualClock, ada: UUID) -> Callable[..., Send]:
    """Make a mail `hello` to Ada, of the list `news`."""

    def make(**fields: Any) -> Send:
        now = clock.now()
        defaults: dict[str, Any] = {
            "id": new_id(now),
            "contact_id": ada,
            "template": "hello",
            "list_id": "news",
            "status": "queued",
            "created_at": now,
        }
        return Send(**{**defaults, **fields})

    return make


async def keep(database: Database, clock: ManualClock, *rows: Enrollment | Send) -> None:
    for row in rows:
        if isinstance(row, Enrollment):
            await write(database, enrollments.insert([row]), enrollments.update([row], clock.now()))
        else:
            await write(database, sends.insert([row]), sends.update([row], clock.now()))


async def merge(database: Database, clock: ManualClock, lost: UUID, survivor: UUID) -> None:
    now = clock.now()
    people = [Contact(lost, user_id="lost"), Contact(survivor, user_id="survivor")]
    await write(database, contacts.insert(people, now))
    await write(
        database,
        Write("UPDATE contacts SET merged_into = ? WHERE id = ?", [(survivor, lost)]),
    )


async def test_a_contact_who_never_entered_a_journey_has_no_history_in_it(
    database: Database, ada: UUID
):
    assert await database.read_one(history.find_journey_histories([ada], ["welcome"])) == {}
    assert await database.read_one(history.find_email_histories([ada], ["hello"])) == {}
    assert not JourneyPast()
    assert not EmailPast()


async def test_the_history_of_a_journey_has_the_entries_and_the_newest_state(
    database: Database, clock: ManualClock, ada: UUID, entry: Callable[..., Enrollment]
):
    now = clock.now()
    await keep(
        database,
        clock,
        entry(state="completed", entered_at=now - 9 * DAY, ended_at=now - 8 * DAY),
        entry(state="completed", entered_at=now - 7 * DAY, ended_at=now - 6 * DAY),
        entry(state="exited", entered_at=now - 5 * DAY, ended_at=now - 4 * DAY),
        entry(journey_id="another"),
    )
    assert await database.read_one(history.find_journey_histories([ada], ["welcome"])) == {
        (ada, "welcome"): JourneyPast(3, now - 5 * DAY, live=False, state="exited")
    }


async def test_held_out_and_failed_without_a_mail_are_listed_but_are_no_entries(
    database: Database, clock: ManualClock, ada: UUID, entry: Callable[..., Enrollment]
):
    now = clock.now()
    await keep(
        database,
        clock,
        entry(state="held_out", entered_at=now - 3 * DAY, ended_at=now - 3 * DAY),
        entry(state="failed", entered_at=now - 2 * DAY, ended_at=now),
    )
    past = (await database.read_one(history.find_journey_histories([ada], ["welcome"])))[
        ada, "welcome"
    ]
    assert past == JourneyPast(0, None, live=False, state="failed")
    await keep(database, clock, entry(state="failed", entered_at=now - 4 * DAY, sends=1))
    past = (await database.read_one(history.find_journey_histories([ada], ["welcome"])))[
        ada, "welcome"
    ]
    assert past == JourneyPast(1, now - 4 * DAY, live=False, state="failed")


@pytest.mark.parametrize("state", ["active", "waiting", "drifted", "parked"])
async def test_a_contact_who_left_and_entered_at_the_same_instant_is_in_the_journey(
    database: Database, clock: ManualClock, ada: UUID, entry: Callable[..., Enrollment], state: str
):
    now = clock.now()
    await keep(database, clock, entry(state="exited", ended_at=now), entry(state=state))
    past = (await database.read_one(history.find_journey_histories([ada], ["welcome"])))[
        ada, "welcome"
    ]
    assert past == JourneyPast(2, now, live=True, state=state)


async def test_the_history_of_a_mail_counts_sent_and_queued_mails(
    database: Database, clock: ManualClock, ada: UUID, mail: Callable[..., Send]
):
    now = clock.now()
    refused = [mail(status=s) for s in ("suppressed", "skipped", "cancelled", "failed", "bounced")]
    first = mail(status="sent", created_at=now - 3 * DAY, sent_at=now - 2 * DAY)
    await keep(database, clock, *refused, first)
    ask = history.find_email_histories([ada], ["hello"])
    assert await database.read_one(ask) == {(ada, "hello"): EmailPast(1, now - 2 * DAY)}
    await keep(database, clock, mail(), mail(template="another"))
    await write(database, sends.record_opens([(first.id, now - DAY)]))
    await write(database, sends.record_clicks([(first.id, now)]))
    past = (await database.read_one(ask))[ada, "hello"]
    assert past == EmailPast(2, now, now - DAY, now)
    assert past.opened
    assert past.clicked


async def test_recent_mails_count_from_when_they_left(
    database: Database, clock: ManualClock, ada: UUID, mail: Callable[..., Send]
):
    now = clock.now()
    await keep(
        database,
        clock,
        mail(status="sent", created_at=now - 9 * DAY, sent_at=now - 8 * DAY),
        mail(status="delivered", created_at=now - 9 * DAY, sent_at=now - DAY),
        mail(status="queued", created_at=now - 9 * DAY),
        mail(status="in_doubt", created_at=now - DAY, list_id="offers"),
        mail(status="bounced", created_at=now - DAY),
    )
    other = new_id(now)
    assert await count(database, history.count_sent([ada, other], now - 7 * DAY)) == (3, {ada: 3})
    assert await count(database, history.count_sent([ada], now - 7 * DAY, "news")) == (2, {ada: 2})
    assert await count(database, history.count_sent([ada], now - 7 * DAY, "else")) == (0, {})


async def count(database: Database, query: Query[Any]) -> tuple[int, dict[UUID, int]]:
    numbers = await database.read_one(query)
    return numbers.total(), dict(numbers)


async def test_the_past_of_the_merged_is_the_survivors(
    database: Database,
    clock: ManualClock,
    ada: UUID,
    entry: Callable[..., Enrollment],
    mail: Callable[..., Send],
):
    now = clock.now()
    lost = new_id(now)
    await merge(database, clock, lost, ada)
    before = entry(contact_id=lost, state="completed", entered_at=now - 3 * DAY, ended_at=now)
    opened = mail(contact_id=lost, status="sent", sent_at=now - 3 * DAY)
    await keep(database, clock, before, entry(), opened, replace(mail(), created_at=now))
    await write(database, sends.record_opens([(opened.id, now - DAY)]))
    assert await database.read_one(history.find_journey_histories([ada], ["welcome"])) == {
        (ada, "welcome"): JourneyPast(2, now, live=True, state="active")
    }
    assert await database.read_one(history.find_email_histories([ada], ["hello"])) == {
        (ada, "hello"): EmailPast(2, now, now - DAY)
    }
    assert await count(database, history.count_sent([ada], now - 7 * DAY)) == (2, {ada: 2})


@pytest.mark.parametrize("people", [1, 4, 64, 4096])
async def test_a_few_peoples_past_is_found_without_going_through_everybodys(
    sqlite_url: str, clock: ManualClock, people: int
):
    ids = [new_id(clock.now()) for _ in range(people)]
    queries: list[Query[Any]] = [
        history.find_journey_histories(ids, ["welcome"]),
        history.find_email_histories(ids, ["hello"]),
        history.count_sent(ids, clock.now()),
        history.count_sent(ids, clock.now(), "news"),
    ]
    plans = [Query(f"EXPLAIN QUERY PLAN {query.sql}", query.values, list[Row]) for query in queries]
    database = Database(sqlite_url)
    await database.open()
    try:
        steps = [row[3] for plan in await database.read(*plans) for row in plan]
    finally:
        await database.close()
    searches = [step for step in steps if step.startswith(("SCAN", "SEARCH"))]
    assert len(searches) == 3 * len(queries)
    assert [s for s in searches if "contact_id=?" not in s and "merged_into=?" not in s] == []


def test_a_past_comes_back_from_the_journal_as_it_was(clock: ManualClock):
    now = clock.now()
    journey = JourneyPast(2, now, live=True, state="waiting")
    email = EmailPast(2, now, None, now)
    assert JourneyPast.from_stored(journey.to_stored()) == journey
    assert EmailPast.from_stored(email.to_stored()) == email
