"""What is past its time goes, a little at once; what is still needed stays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.config.settings import load_settings
from hogsend.domain.contact import Contact
from hogsend.domain.enrollment import Enrollment, Wait
from hogsend.domain.event import Event
from hogsend.domain.ids import compute_first_id, new_id
from hogsend.domain.journal import Step
from hogsend.domain.journal_summary import Summary
from hogsend.domain.send_policy import Send
from hogsend.process import retention as task
from hogsend.process.retention import Retention, RetentionPolicy
from hogsend.store import (
    audit,
    contacts,
    enrollments,
    events,
    inbox,
    retention,
    sends,
    summaries,
    turns,
)
from hogsend.store.db import Database, Query, Write
from hogsend.store.events import NewEvent
from hogsend.store.inbox import CapturedMail, InboxEntry
from hogsend.store.sends import RenderedMail
from hogsend.store.turns import Turn
from tests.databases import make_enrollment

Ask = Callable[..., Awaitable[list[Any]]]
KEPT = {
    "journals": timedelta(days=90),
    "idempotency keys": timedelta(days=30),
    "refusals": timedelta(days=90),
    "rendered mails": timedelta(days=30),
    "captured mails": timedelta(days=90),
    "audit entries": timedelta(days=365),
    "events": timedelta(days=400),
    "emails": timedelta(days=400),
}
_FOREVER = {
    f"HOGSEND_KEEP_{name}": "forever"
    for name in ("JOURNALS", "IDEMPOTENCY_KEYS", "REFUSALS", "MAILS", "INBOX", "AUDIT")
}


@pytest.fixture
def keeper(database: Database, clock: ManualClock, tmp_path: Path) -> Retention:
    """Keeps things for as long as the settings say when nobody says otherwise."""
    set_by_hand = {"HOGSEND_KEEP_EVENTS": "400", "HOGSEND_KEEP_EMAILS": "400"}
    settings = load_settings(set_by_hand, tmp_path)
    return Retention(database, clock, RetentionPolicy.from_settings(settings))


@pytest.fixture
def ask(database: Database) -> Ask:
    """Look into the tables."""

    async def asked(sql: str, *values: Any) -> list[Any]:
        return await database.read_one(Query(sql, values, list))

    return asked


async def write(database: Database, *writes: Write) -> None:
    async with database.transaction() as tx:
        await tx.apply(writes)


# -- rows ---------------------------------------------------------------------------------------


def mail(at: datetime, status: str = "sent") -> Send:
    return Send(new_id(at), new_id(at), "welcome", "journey", status, at)  # type: ignore[arg-type]


async def put(database: Database, at: datetime, tag: str) -> None:
    """Write a row of each kind that was made at an instant."""
    send = mail(at)
    key, event = compute_first_id(at), new_id(at)
    captured = InboxEntry(send.id, "ada@example.com", "us@example.com", tag, at)
    refusal = events.Refusal(key, "j", "already_live", event, event)
    await write(
        database,
        events.insert_keys([(tag, event, b"digest")], at),
        events.insert_refusals([refusal], at),
        sends.insert([send]),
        sends.store_mails([RenderedMail(send.id, f"Hello {tag}", "us@example.com", b"mail")], at),
        inbox.capture([CapturedMail(captured, b"mail")]),
        audit.record("olga", "note", tag, at),
        events.insert([NewEvent(Event(new_id(at), "seen", {}, 1, at, at, "api"), {})]),
    )


_AGES = {
    "idempotency keys": "SELECT created_at FROM idempotency_keys",
    "refusals": "SELECT at FROM refusals",
    "rendered mails": "SELECT created_at FROM messages",
    "captured mails": "SELECT captured_at FROM inbox",
    "audit entries": "SELECT at FROM audit",
    "events": "SELECT received_at FROM events",
    "emails": "SELECT created_at FROM sends",
}


@pytest.mark.parametrize("name", sorted(_AGES))
async def test_a_row_stays_to_the_last_moment_of_its_time_and_then_goes(
    database: Database, clock: ManualClock, keeper: Retention, ask: Ask, name: str
):
    now = clock.now()
    await put(database, now, "old")
    await put(database, now + timedelta(seconds=1), "young")

    clock.set(now + KEPT[name])
    assert name not in await keeper.apply()
    assert len(await ask(_AGES[name])) == 2

    clock.set(now + KEPT[name] + timedelta(milliseconds=1))
    assert (await keeper.apply())[name] == 1
    assert len(await ask(_AGES[name])) == 1

    assert name not in await keeper.apply()


async def test_rows_that_are_kept_forever_stay(
    database: Database, clock: ManualClock, ask: Ask, tmp_path: Path, make: Make
):
    await put(database, clock.now(), "old")
    await ended(database, make(clock.now()))
    clock.set(clock.now() + timedelta(days=20_000))

    assert not await Retention(
        database, clock, RetentionPolicy.from_settings(load_settings(_FOREVER, tmp_path))
    ).apply()

    for rows in [*_AGES.values(), "SELECT 1 FROM turns"]:
        assert await ask(rows)


async def test_many_rows_go_in_many_small_steps(
    database: Database,
    clock: ManualClock,
    keeper: Retention,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
):
    for name, size in {
        "MIN_STEP_SIZE": 2,
        "FIRST_STEP_SIZE": 3,
        "MAX_STEP_SIZE": 4,
        "PAUSE_FACTOR": 0,
    }.items():
        monkeypatch.setattr(task, name, size)
    event = new_id(clock.now())
    keys = [(f"key {n}", event, b"digest") for n in range(50)]
    await write(database, events.insert_keys(keys, clock.now()))
    asked: list[int] = []
    delete = retention.delete

    def deleting(kind: Any, until: Any, most: int) -> Any:
        asked.append(most)
        return delete(kind, until, most)

    monkeypatch.setattr(retention, "delete", deleting)
    clock.set(clock.now() + timedelta(days=31))

    assert (await keeper.apply())["idempotency keys"] == 50

    assert await ask("SELECT 1 FROM idempotency_keys") == []
    assert len(asked) > 50 // 5
    assert max(asked) <= 4


async def test_a_mail_that_may_still_leave_is_not_deleted(
    database: Database, clock: ManualClock, keeper: Retention, ask: Ask
):
    now = clock.now()
    queued, going, gone = mail(now, "queued"), mail(now, "sending"), mail(now)
    rendered = [RenderedMail(send.id, "Hello", "us@x", b"mail") for send in (queued, going, gone)]
    await write(database, sends.insert([queued, going, gone]), sends.store_mails(rendered, now))
    clock.set(now + timedelta(days=31))

    assert (await keeper.apply())["rendered mails"] == 1

    for send, kept in ((queued, True), (going, True), (gone, False)):
        assert (await database.read_one(sends.find_mail(send.id)) is not None) is kept


async def test_a_send_is_still_called_by_the_subject_of_its_mail(
    database: Database, clock: ManualClock, keeper: Retention
):
    send = mail(clock.now())
    rendered = RenderedMail(send.id, "Welcome, Ada", "us@x", b"mail")
    await write(database, sends.insert([send]), sends.store_mails([rendered], clock.now()))
    clock.set(clock.now() + timedelta(days=31))
    await keeper.apply()

    kept = await database.read_one(sends.find_by_ids([send.id]))

    assert kept[send.id].subject == "Welcome, Ada"


async def test_what_running_enrollments_need_is_not_deleted(
    database: Database, clock: ManualClock, keeper: Retention, ask: Ask
):
    now = clock.now()
    survivor, merged = Contact(new_id(now), user_id="ada"), Contact(new_id(now))
    states = {"live": "waiting", "failed": "failed", "over": "completed"}
    triggers = {
        name: Event(new_id(now), name, {}, 1, now, now, "api", merged.id) for name in states
    }
    rows = [
        make_enrollment(
            now,
            contact_id=survivor.id,
            entry_key=name,
            trigger_event_id=triggers[name].id,
            state=state,
            ended_at=None if state == "waiting" else clock.now(),
            wake_at=None,
        )
        for name, state in states.items()
    ]
    emails = [replace(mail(now), enrollment_id=row.id, step_key=row.entry_key) for row in rows]
    keyed = Event(new_id(now), "keyed", {}, 2, now, now, "api", merged.id)
    await write(
        database,
        contacts.insert([survivor, merged], now),
        Write("UPDATE contacts SET merged_into = ? WHERE id = ?", [(survivor.id, merged.id)]),
        events.insert([NewEvent(event, {}) for event in (*triggers.values(), keyed)]),
        events.insert_keys([("key", keyed.id, b"digest")], now),
        enrollments.insert(rows),
        enrollments.update(rows, now),
        sends.insert(emails),
    )
    until = now + timedelta(days=1)
    for kind in (retention.EVENTS, retention.EMAILS):
        async with database.transaction() as tx:
            await tx.apply(retention.delete(kind, until, 100))

    names = await ask("SELECT name FROM events ORDER BY id")
    assert [row[0] for row in names] == ["live", "failed", "keyed"]
    assert [row[0] for row in await ask("SELECT step_key FROM sends")] == ["live"]


# -- journals -----------------------------------------------------------------------------------

Make = Callable[[datetime], Enrollment]


@pytest.fixture
def make() -> Make:
    """Make an enrollment that ended at an instant."""

    def enrollment_at(at: datetime) -> Enrollment:
        return Enrollment(
            id=new_id(at),
            contact_id=new_id(at),
            journey_id="j",
            entry_key="",
            state="completed",
            trigger_event_id=new_id(at),
            code_hash="abc",
            entered_at=at,
            turn=3,
            ended_at=at,
        )

    return enrollment_at


def played(enrollment: Enrollment) -> list[Turn]:
    """Return the turns of an enrollment that slept twice and failed once in between."""
    at = enrollment.entered_at

    def sleep(name: str, *, waiting: bool) -> Step:
        return Step(f"sleep:{name}", "sleep", name, waiting=waiting)

    send = Step("send:welcome", "send", "welcome", {"status": "queued"})
    first = [Step("user", "user", "", {"id": "x"}), send, sleep("a", waiting=True)]
    third = [sleep("a", waiting=False), Step("now", "now", "", 1), sleep("b", waiting=True)]
    return [
        Turn(enrollment.id, 1, at, "abc", "waiting", first),
        Turn(enrollment.id, 2, at + timedelta(days=1), "abc", "retrying", [], "Traceback"),
        Turn(enrollment.id, 3, at + timedelta(days=2), "abc", "waiting", third),
        Turn(
            enrollment.id,
            4,
            at + timedelta(days=3),
            "abc",
            "completed",
            [sleep("b", waiting=False)],
        ),
    ]


def expect_summary(enrollment: Enrollment) -> Summary:
    at = enrollment.entered_at
    steps = {"send": 1, "sleep": 2, "now": 1}
    return Summary(4, 1, steps, at, at + timedelta(days=3))


async def ended(database: Database, *many: Enrollment) -> None:
    """Write enrollments with their journals."""
    now = many[0].entered_at
    journal = [turn for enrollment in many for turn in played(enrollment)]
    await write(
        database, enrollments.insert(many), enrollments.update(many, now), *turns.insert(journal)
    )


async def test_a_journal_becomes_a_summary_when_its_time_is_over(
    database: Database, clock: ManualClock, keeper: Retention, make: Make
):
    now = clock.now()
    old, young = make(now), make(now + timedelta(days=1))
    await ended(database, old, young)

    clock.set(now + KEPT["journals"])
    assert not await keeper.apply()
    clock.set(now + KEPT["journals"] + timedelta(seconds=1))
    assert await keeper.apply() == {"journals": 1}
    assert not await keeper.apply()

    kept, first, second = await database.read(
        turns.find_by_enrollments([old.id, young.id]),
        summaries.find(old.id),
        summaries.find(young.id),
    )
    assert list(kept) == [young.id]
    assert first == expect_summary(old)
    assert second is None
    after = await database.read_one(enrollments.find_by_ids([old.id]))
    assert after[old.id] == old


@pytest.mark.parametrize("state", ["active", "waiting", "drifted", "parked"])
async def test_a_journal_that_is_still_played_is_never_touched(
    database: Database, clock: ManualClock, keeper: Retention, make: Make, state: Any
):
    live = replace(make(clock.now()), state=state, ended_at=None)
    await ended(database, live)
    before = await database.read_one(turns.find_by_enrollments([live.id]))
    clock.set(clock.now() + timedelta(days=3000))

    assert not await keeper.apply()

    assert await database.read_one(turns.find_by_enrollments([live.id])) == before


@pytest.mark.parametrize("state", ["exited", "failed", "held_out"])
async def test_every_end_is_an_end(
    database: Database, clock: ManualClock, keeper: Retention, make: Make, state: Any
):
    wait = Wait("sleep:a", clock.now())
    await ended(database, replace(make(clock.now()), state=state, wait=wait))
    clock.set(clock.now() + timedelta(days=91))

    assert await keeper.apply() == {"journals": 1}


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 7])
async def test_a_long_journal_is_summed_up_in_parts(
    *,
    database: Database,
    clock: ManualClock,
    keeper: Retention,
    make: Make,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
):
    monkeypatch.setattr(task, "MAX_TURNS", most)
    monkeypatch.setattr(task, "PAUSE_FACTOR", 0)
    many = [make(clock.now()) for _ in range(3)]
    await ended(database, *many)
    clock.set(clock.now() + timedelta(days=91))

    assert await keeper.apply() == {"journals": 3}

    assert await ask("SELECT 1 FROM turns") == []
    for enrollment in many:
        assert await database.read_one(summaries.find(enrollment.id)) == expect_summary(enrollment)


async def test_a_part_that_is_summed_up_is_not_counted_again_after_a_stop(
    database: Database, clock: ManualClock, make: Make, keeper: Retention
):
    enrollment = make(clock.now())
    await ended(database, enrollment)
    clock.set(clock.now() + timedelta(days=91))
    (ended_enrollment,) = await database.read_one(summaries.find_ended(clock.now(), 10))
    rows = await database.read_one(summaries.find_turns([enrollment.id], 2))
    summed = summaries.summarize([ended_enrollment], rows, 2)
    async with database.transaction() as tx:
        await tx.apply([summaries.update(summed, clock.now())])
        await tx.fetch(*summaries.delete_summarized(summed))
    half = await database.read_one(summaries.find(enrollment.id))
    assert half is not None
    assert half.turns == 2
    assert await database.read_one(enrollments.find_compacted([enrollment.id])) == {enrollment.id}

    await keeper.apply()

    assert await database.read_one(summaries.find(enrollment.id)) == expect_summary(enrollment)


async def test_one_that_goes_on_again_meanwhile_keeps_its_journal(
    database: Database,
    clock: ManualClock,
    keeper: Retention,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
):
    """An operator lets a failed one go on between the look and the deletion."""
    enrollment = replace(make(clock.now()), state="failed")
    await ended(database, enrollment)
    clock.set(clock.now() + timedelta(days=91))
    (ended_enrollment,) = await database.read_one(summaries.find_ended(clock.now(), 10))
    opened = replace(enrollment, state="active", ended_at=None)
    await write(database, enrollments.update([opened], clock.now()))
    answers = iter([[ended_enrollment], []])

    def stale(until: Any, most: int) -> Query[Any]:
        return Query("SELECT 1", [], lambda _: next(answers))

    monkeypatch.setattr(summaries, "find_ended", stale)

    assert not await keeper.apply()

    assert (
        len((await database.read_one(turns.find_by_enrollments([enrollment.id])))[enrollment.id])
        == 4
    )


async def test_a_damaged_turn_does_not_keep_the_others(
    database: Database, clock: ManualClock, keeper: Retention, make: Make
):
    damaged, other = make(clock.now()), make(clock.now())
    await ended(database, damaged, other)
    torn = "UPDATE turns SET steps = '[{' WHERE enrollment_id = ? AND number = 1"
    await write(database, Write(torn, [(damaged.id,)]))
    clock.set(clock.now() + timedelta(days=91))

    assert await keeper.apply() == {"journals": 2}

    summary = await database.read_one(summaries.find(damaged.id))
    assert summary is not None
    assert summary.turns == 4


async def test_it_stops_at_the_end_of_a_step(
    database: Database, clock: ManualClock, keeper: Retention, make: Make
):
    await ended(database, make(clock.now()))
    clock.set(clock.now() + timedelta(days=91))
    await keeper.close()

    await keeper.run()

    assert not await keeper.apply()


async def test_it_is_done_after_the_start_and_then_again_and_again_whatever_fails(
    keeper: Retention, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(task, "START_DELAY", timedelta())
    monkeypatch.setattr(task, "INTERVAL", timedelta())
    runs: list[int] = []

    async def apply() -> dict[str, int]:
        runs.append(len(runs))
        if len(runs) == 1:
            raise OSError("no space left")
        if len(runs) == 3:
            await keeper.close()
        return {}

    monkeypatch.setattr(keeper, "apply", apply)

    await keeper.run()

    assert runs == [0, 1, 2]
    assert "trying again later" in caplog.text


async def test_deleted_rows_are_logged_once(
    database: Database, clock: ManualClock, keeper: Retention, caplog: pytest.LogCaptureFixture
):
    await put(database, clock.now(), "old")
    clock.set(clock.now() + timedelta(days=40))
    caplog.set_level("INFO")

    await keeper.apply()
    await keeper.apply()

    (line,) = [record.message for record in caplog.records if record.name == "hogsend.retention"]
    assert line.endswith("1 idempotency keys, 1 rendered mails")


# -- how it looks for them ------------------------------------------------------------------------


def lookups(at: datetime) -> Iterator[tuple[str, list[Any]]]:
    kinds = (retention.IDEMPOTENCY_KEYS, retention.REFUSALS, retention.MAILS, retention.INBOX)
    for kind in kinds:
        counted = retention.count(kind, at, 10)
        yield counted.sql, list(counted.values)
        for deletion in retention.delete(kind, at, 10):
            yield deletion.sql, list(deletion.rows[0])
    some = [UUID(int=1), UUID(int=2)]
    done = [
        summaries.EnrollmentSummary(enrollment_id, Summary(), 3, is_complete=enrollment_id.int == 1)
        for enrollment_id in some
    ]
    for query in (
        summaries.find_ended(at, 10),
        summaries.find_still_ended(some),
        summaries.find_turns(some, 10),
        *summaries.delete_summarized(done),
    ):
        yield query.sql, list(query.values)
    yield summaries.update(done, at).sql, [None] * 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_no_table_is_read_from_end_to_end(database: Database, clock: ManualClock, ask: Ask):
    for sql, values in lookups(clock.now()):
        plan = [row[3] for row in await ask(f"EXPLAIN QUERY PLAN {sql}", *values)]
        assert plan
        for line in plan:
            assert not line.startswith("SCAN") or "found" in line, (sql, plan)
