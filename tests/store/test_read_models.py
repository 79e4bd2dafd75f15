"""What the screens read is the same on both databases."""

from __future__ import annotations

from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.domain.ids import new_id
from hogsend.store import counters
from hogsend.store.db import Database, Write
from hogsend.store.read_models import (
    contact_totals,
    contacts,
    counts,
    emails,
    enrollment,
    events,
    inbox,
    journeys,
    overview,
    system,
)
from hogsend.store.read_models.emails import SendFilter
from tests.web import product
from tests.web.sample_data import SampleData


@pytest.fixture
async def sample(database: Database, clock: ManualClock) -> SampleData:
    """A small product's data."""
    return await product.load(database, clock)


async def test_an_enrollment_comes_with_all_that_concerns_it(
    database: Database, sample: SampleData
) -> None:
    page = await enrollment.load(database, sample.ids["activation-welcome/Ada Lovelace"])
    assert page is not None
    assert page.contact.label == "Ada Lovelace"
    assert page.trigger is not None
    assert page.trigger.name == "user.created"
    assert [len(turn.steps) for turn in page.turns] == [2, 4]
    assert {send.status for send in page.sends.values()} == {"sent", "skipped"}
    assert page.consents.is_unsubscribed_from_all
    assert await enrollment.load(database, UUID(int=0)) is None


async def test_what_a_contact_has_paid_is_summed_by_currency(
    database: Database, sample: SampleData, clock: ManualClock
) -> None:
    ada, grace = sample.ids["ada"], sample.ids["grace"]
    async with database.transaction() as tx:
        amounts = [(2.5, "EUR", ada), (3, None, grace)]
        await tx.apply(
            [Write("UPDATE events SET value = ?, currency = ? WHERE contact_id = ?", amounts)]
        )
    second, first = await database.read_one(contact_totals.find_paid([ada, grace]))
    assert (first.currency, first.total, first.count) == ("EUR", 7.5, 3)
    assert (second.currency, second.total, second.count) == ("", 3, 1)
    assert first.last_at < clock.now()
    assert await database.read_one(contact_totals.find_paid([])) == []
    nothing = contact_totals.BounceTotal()
    assert await database.read_one(contact_totals.find_bounces([ada, grace])) == nothing


async def test_people_are_listed_by_state_and_by_wait(
    database: Database, sample: SampleData
) -> None:
    async def count(states: list[str], *waits: str) -> int:
        query = journeys.find_enrollment_ids("activation-welcome", states, waits, None, 100)
        return len(await journeys.load_members(database, await database.read_one(query)))

    assert await count(["waiting"]) == 46
    assert await count(["active", "waiting", "drifted", "parked"]) == 46
    assert await count(["completed"]) == 15
    assert await count(["waiting"], "wait:plan.upgraded") == 1
    assert await count(["waiting"], "nowhere") == 0
    assert await count(["waiting"], "wait:plan.upgraded", "sleep:post-welcome") == 46


async def test_pages_of_people_go_on_where_the_last_ended(
    database: Database, sample: SampleData
) -> None:
    states = ["waiting", "completed"]
    first = await database.read_one(
        journeys.find_enrollment_ids("activation-welcome", states, [], None, 30)
    )
    rest = await database.read_one(
        journeys.find_enrollment_ids("activation-welcome", states, [], first[-1], 100)
    )
    assert len({*first, *rest}) == len(first) + len(rest) == 61
    assert [*first, *rest] == sorted([*first, *rest], reverse=True)


async def test_those_refused_are_listed_with_the_event(
    database: Database, sample: SampleData
) -> None:
    refusals = await journeys.load_refusals(database, "activation-welcome", "where_not_met", 10)
    assert [refusal.contact.label for refusal in refusals] == ["anon_77"]
    assert await journeys.load_refusals(database, "activation-welcome", "too_soon", 10) == []


async def test_contacts_are_found_by_the_beginning_of_an_identity(
    database: Database, sample: SampleData
) -> None:
    async def search(text: str) -> list[str]:
        query = contacts.find_ids_by_identity_prefix(text, 100, is_sqlite=database.is_sqlite)
        people = await contacts.load_in_order(database, await database.read_one(query))
        return sorted(contact.label for contact in people)

    assert await search("user_1815") == ["Ada Lovelace"]
    assert await search("ADA@EXAMPLE.COM") == ["Ada Lovelace"]
    assert await search("anon") == ["anon_77"]
    assert len(await search("user_3")) == 60
    for nonsense in ("%", "user%", "user\\", "a'; --", "_ser"):
        assert await search(nonsense) == [], nonsense


async def test_a_contact_comes_with_all_that_concerns_them(
    database: Database, sample: SampleData
) -> None:
    page = await contacts.load(database, sample.ids["ada"], 50)
    assert page is not None
    assert set(page.identities) == {"e:ada@example.com", "u:user_1815"}
    assert page.consents["*"].subscribed is False
    assert len(page.enrollments) == 1
    assert [send.status for send in page.sends] == ["skipped", "sent"]
    hits = await database.read_one(contacts.find_engagement([sample.ids["welcome mail"]], 10))
    assert [hit.verdict for hit in hits].count("human") == 2


async def test_events_say_what_they_caused(database: Database, sample: SampleData) -> None:
    event = await database.read_one(events.find(sample.ids["event"]))
    assert event is not None
    assert (event.enrolled, event.ended) == (1, 0)
    matching = events.EventFilter("user.created")
    named = await database.read_one(events.find_newest(100, matching=matching))
    assert len(named) == 61
    assert len(await events.load_contacts(database, named)) == 61


async def test_mails_are_listed_with_the_subject_that_was_seen(
    database: Database, sample: SampleData
) -> None:
    in_doubt = await database.read_one(emails.find_newest(5, SendFilter(status="in_doubt")))
    assert [send.subject for send in in_doubt] == ["Your card was declined"]
    assert (
        len(
            await database.read_one(
                emails.find_newest(100, SendFilter(journey_id="payment-recovery"))
            )
        )
        == 1
    )


async def test_counts_are_read_by_day_and_by_wait(
    database: Database, sample: SampleData, clock: ManualClock
) -> None:
    sent = counters.name_send_total("sent")
    days = await database.read_one(counts.find_totals([sent], counters.to_day(clock.now())))
    assert days.list_by_day(sent)[-1] == 74
    assert days.sum_up(sent) == 61 + 60 + 71 + 66 + 28 + 22 + 74
    assert len(days.list_by_day(sent)) == 14
    waiting = await database.read_one(
        counters.find_wait_gauges("activation-welcome", is_sqlite=database.is_sqlite)
    )
    assert waiting == {"sleep:post-welcome": 45, "wait:plan.upgraded": 1}


async def test_queues_are_counted_to_a_bound(
    database: Database, sample: SampleData, clock: ManualClock
) -> None:
    doubt, late, first = await database.read(
        overview.count_sends("in_doubt", UUID(int=0)),
        overview.count_overdue(clock.now()),
        overview.find_oldest_due(),
    )
    assert (doubt.count, late.count) == (1, 0)
    assert first is not None
    assert first > clock.now()
    week = overview.count_wakes_by_day(clock.now())
    counted = await database.read(*(query for _, query in week))
    assert sum(count.count for count in counted) == 45
    assert str(counts.BoundedCount(counts.MAX_COUNTED + 1)) == "5,000+"


async def test_the_inbox_is_listed_and_its_unread_counted(
    database: Database, sample: SampleData
) -> None:
    assert await database.read_one(inbox.count_unread()) == 62
    # Mails that were read do not hide unread ones behind them.
    newest = await inbox.list_mails(database, 1)
    async with database.transaction() as tx:
        await tx.apply(
            [
                Write(
                    "INSERT INTO inbox (send_id, to_email, from_email, subject, mail, captured_at, "
                    "read_at) SELECT ?, to_email, from_email, subject, mail, captured_at, "
                    "captured_at FROM inbox WHERE send_id = ?",
                    [(new_id(newest[0].captured_at), newest[0].send_id) for _ in range(120)],
                )
            ]
        )
    assert await database.read_one(inbox.count_unread()) == 62
    mails = await inbox.list_mails(database, 100, to="ada@example.com")
    assert [captured.subject for captured in mails] == ["Welcome, Ada"]


async def test_the_database_says_what_it_is(database: Database) -> None:
    name, size = await system.describe(database)
    assert name.startswith("SQLite 3" if database.is_sqlite else "Postgres 1")
    assert size > 0
