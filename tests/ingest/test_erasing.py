"""Nothing of an erased person is left, counts stay, and nothing that was running writes it back."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from hogsend.delivery.outcomes import DeliveryOutcome
from hogsend.domain.engagement import Engagement
from hogsend.domain.feedback import Report
from hogsend.domain.ids import new_id
from hogsend.domain.incoming import Suppress
from hogsend.domain.journal import PendingStep
from hogsend.errors import Conflict, NotFound
from hogsend.ingest.erasing import ContentEraser
from hogsend.process.retention import Retention, RetentionPolicy
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.contact_changes import edit_contact
from hogsend.services.contacts import get_contact, unsuppress_address
from hogsend.services.enrollment_actions import run_action
from hogsend.services.privacy import erase_contact
from hogsend.store import audit, engagement, feedback, inbox, steps
from hogsend.store.data_migration.tables import list_tables
from hogsend.store.db import Write, parse_sqlite_path
from hogsend.store.fields import to_id
from tests.turns.test_changes_during_a_turn import run_turn_during
from tests.world import World

# A text that only this person's data has; her ids, her address and all that she sends contain it.
MARK = "zq7mark"
EMAIL = f"{MARK}@example.com"
USER: dict[str, Any] = {"user_id": f"{MARK}-user", "email": EMAIL}
NAME = {"name": f"{MARK} Lovelace"}
JOURNEYS = f"""
    news = MailList("news", "News")

    @journey("tour", trigger="go", exit_on=["left"], list="news")
    async def tour(user, ctx):
        name = user.properties.get("name", "none")
        await ctx.step("big", lambda: [f"{{name}} {{n}}" for n in range(400)])
        await ctx.send("welcome", props=dict(user.properties), subject=name)
        await ctx.wait_for("paid", timeout=days(3))
        await ctx.send("offer")
        await ctx.wait_for("never", where=prop("x") == name, timeout=days(9))

    @journey("broken", trigger="go")
    async def broken(user, ctx):
        raise ValueError(user.properties.get("name"))

    @journey("team", trigger="hired")
    async def team(user, ctx):
        await ctx.send("welcome", to="{EMAIL}")
        await ctx.sleep(days(300))
"""
# Everywhere that the person's data is before the erasure: a column that is missing here is one
# that the test below would not notice.
MARKED = {
    "answers.body",
    "audit.after",
    "audit.before",
    "audit.subject",
    "blocked_mails.facts",
    "contacts.anonymous_id",
    "contacts.email",
    "contacts.external_id",
    "contacts.properties",
    "enrollments.error",
    "enrollments.person",
    "enrollments.wait",
    "events.properties",
    "feedback.email",
    "feedback.reply",
    "hits.url",
    "idempotency_keys.key",
    "identities.identity",
    "inbox.mail",
    "inbox.subject",
    "inbox.to_email",
    "merges.undo",
    "messages.mail",
    "messages.subject",
    "sends.attempts",
    "sends.props",
    "sends.reason",
    "sends.subject",
    "sends.to_email",
    "soft_bounces.address",
    "steps.answer",
    "suppressions.address",
    "turns.error",
    "turns.steps",
}


async def write(world: World, *writes: Write) -> None:
    async with world.database.transaction() as tx:
        await tx.apply(writes)


async def find_marks(world: World) -> set[str]:
    """Return the columns in which the person is mentioned, compressed values included."""
    marked: set[str] = set()
    for table in list_tables():
        for row in await world.query(f"SELECT {table.column_list} FROM {table.name}"):  # noqa: S608
            for name, value in zip(table.names, row, strict=True):
                text = value if isinstance(value, bytes) else str(value).encode()
                if isinstance(value, bytes) and value[:1] == b"\x78":
                    text += zlib.decompress(value)
                if MARK.encode() in text:
                    marked.add(f"{table.name}.{name}")
    return marked


async def find_id(world: World, identity: str = f"e:{EMAIL}") -> UUID:
    rows = await world.query("SELECT contact_id FROM identities WHERE identity = ?", identity)
    return to_id(rows[0][0])


async def live_through(world: World) -> UUID:
    """Let the person do everything that leaves a row; return the contact's id."""
    await world.define(JOURNEYS)
    browser = {"anonymous_id": f"{MARK}-browser"}
    await world.submit("seen", **browser, properties=NAME, contact_properties=NAME)
    await world.submit("seen", **USER, properties=NAME, idempotency_key=f"{MARK}-1")
    await world.submit("go", **USER, **browser, properties=NAME, contact_properties=NAME)
    await world.settle()
    await world.submit("paid", **USER, properties=NAME, lists={"news": True})
    await world.submit("hired", user_id="grace")
    await world.submit("go", **USER)
    await world.settle()
    now, (welcome, *_) = world.clock.now(), await world.sends()
    running = next(e for e in await world.all_enrollments() if e.is_live)
    url = f"https://example.com/?{EMAIL}"
    click = Engagement(
        new_id(now), welcome.id, "click", now, 0, url, "human", "Browser", "10.0.0.0"
    )
    await write(
        world,
        audit.record("olga", "note", f"/emails/{welcome.id}", now, after={"text": MARK}),
        audit.record("olga", "test mail", f"/emails/to/{EMAIL}", now, before={"to": EMAIL}),
        engagement.insert([click]),
        Write("UPDATE sends SET reason = ? WHERE id = ?", [(f"550 {EMAIL}", welcome.id)]),
        Write(
            "UPDATE sends SET attempts = ? WHERE id = ?",
            [(f'[{{"at": "now", "outcome": "failed", "reply": "550 {EMAIL}"}}]', welcome.id)],
        ),
        Write(
            "INSERT INTO blocked_mails (send_id, template, versions, blocked_at, facts) "
            "VALUES (?, 'welcome', '', 0, ?)",
            [(welcome.id, f'{{"contact": "{MARK}"}}')],
        ),
        feedback.insert(
            [
                Report(
                    new_id(now), "p", "e", "delayed", now, now, welcome.id, None, EMAIL, None, EMAIL
                )
            ]
        ),
        feedback.add_soft_bounces([(EMAIL, 20_000)]),
        steps.upsert([steps.NewStep(running.id, PendingStep("k", 1, {"text": MARK}, None, False))]),
    )
    await world.suppress(EMAIL)
    return await find_id(world)


async def erase(world: World, contact_id: UUID) -> bool:
    return (await erase_contact(world.runtime, COMMAND_LINE, contact_id)).is_finished


async def find_suppressions(world: World) -> dict[str, str]:
    return dict(await world.query("SELECT address, reason FROM suppressions"))


async def test_nothing_of_an_erased_person_is_left_and_counts_stay(world: World):
    contact_id = await live_through(world)
    assert await find_marks(world) == MARKED
    # Mails of templates that were tried out have no row in the ledger.
    tried = [
        inbox.InboxEntry(
            new_id(world.clock.now()), address, "us@example.com", "Try", world.clock.now()
        )
        for address in (EMAIL, "other@example.com")
    ]
    await write(world, inbox.capture([inbox.CapturedMail(entry, b"Try") for entry in tried]))
    tables = ("contacts", "events", "enrollments", "sends", "hits", "audit")
    before = {table: (await world.query(f"SELECT COUNT(*) FROM {table}"))[0][0] for table in tables}  # noqa: S608

    result = await erase_contact(world.runtime, COMMAND_LINE, contact_id)

    assert result.is_finished
    assert (result.counts.events, result.counts.live, result.counts.sends) == (5, 2, 3)
    assert await find_marks(world) == set()
    assert await world.query("SELECT to_email FROM inbox WHERE subject = 'Try'") == [
        ("other@example.com",)
    ]
    after = {table: (await world.query(f"SELECT COUNT(*) FROM {table}"))[0][0] for table in tables}  # noqa: S608
    assert after == before | {"audit": before["audit"] + 1}
    assert set(await world.states()) == {"exited", "waiting"}
    # Refusals are deleted, as retention does.
    assert {name.split("/")[0] for name, _ in await world.counter_drift()} <= {"refused"}
    assert [contact.user_id for contact in await world.contacts()] == ["grace"]
    with pytest.raises(NotFound):
        await get_contact(world.runtime, COMMAND_LINE, contact_id)
    if world.database.is_sqlite:
        folder = parse_sqlite_path(world.database.url).parent
        files = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".py"]
        assert [file.name for file in files if MARK.encode() in file.read_bytes()] == []


async def test_an_erased_address_gets_no_mail_until_an_operator_allows_it(world: World):
    await world.define(JOURNEYS)
    await world.emit("go", MARK, **NAME)
    first = await find_id(world)
    assert await erase(world, first)
    assert await find_suppressions(world) == {}

    await world.emit("go", MARK)
    again = await find_id(world)
    assert again != first
    assert (await world.contact(MARK)).properties == {}
    assert await find_suppressions(world) == {EMAIL: "erased"}
    assert await world.send_outcomes() == [("welcome", "sent", None)]
    assert [row[0] for row in await world.query("SELECT reason FROM refusals")] == [
        "suppressed"
    ] * 2

    await unsuppress_address(world.runtime, COMMAND_LINE, again)
    await world.emit("go", MARK)
    assert (await world.send_outcomes())[1:] == [("welcome", "sent", None)]
    # Erased again, also as somebody whom a journey names.
    assert await erase(world, again)
    await world.emit("hired", "grace")
    assert (await world.send_outcomes())[2:] == [("welcome", "suppressed", "suppressed")]
    assert await find_suppressions(world) == {EMAIL: "erased"}


async def test_an_erased_address_that_an_operator_enters_stays_suppressed(idle_world: World):
    await idle_world.submit("a", email=EMAIL)
    assert await erase(idle_world, await find_id(idle_world))
    await idle_world.submit("a", user_id="grace")
    grace = await find_id(idle_world, "u:grace")
    await edit_contact(idle_world.runtime, COMMAND_LINE, grace, email=EMAIL)
    assert await find_suppressions(idle_world) == {EMAIL: "erased"}


async def test_a_turn_that_runs_during_the_erasure_writes_nothing(idle_world: World):
    world = idle_world
    await world.define(JOURNEYS)
    await world.submit("go", **USER, contact_properties=NAME)
    contact_id = await find_id(world)
    for enrollment in await world.all_enrollments():
        await run_turn_during(world, enrollment.id, lambda world: erase(world, contact_id))
    assert await find_marks(world) == set()
    assert (await world.sends(), await world.query("SELECT * FROM turns")) == ([], [])
    assert await world.counter_drift() == {}


Late = Callable[[World, UUID, UUID, UUID], Awaitable[Any]]


async def bounce(world: World, contact_id: UUID, *_: UUID) -> None:
    await world.submit(
        "email.bounced", contact_id=contact_id, properties=NAME, suppress=Suppress(EMAIL, "bounced")
    )


async def submit(world: World, contact_id: UUID, *_: UUID) -> None:
    await world.submit("late", contact_id=contact_id, properties=NAME, contact_properties=NAME)


async def retry(world: World, contact_id: UUID, send_id: UUID, enrollment_id: UUID) -> None:
    await run_action(world.runtime, COMMAND_LINE, "retry", enrollment_id)


async def store_step(world: World, contact_id: UUID, send_id: UUID, enrollment_id: UUID) -> None:
    step = PendingStep("k", 1, {"text": MARK}, None, False)
    await write(world, steps.upsert([steps.NewStep(enrollment_id, step)]))


async def capture(world: World, contact_id: UUID, send_id: UUID, enrollment_id: UUID) -> None:
    entry = inbox.InboxEntry(send_id, EMAIL, "us@example.com", MARK, world.clock.now())
    await write(world, inbox.capture([inbox.CapturedMail(entry, MARK.encode())]))


async def click(world: World, contact_id: UUID, send_id: UUID, enrollment_id: UUID) -> None:
    now = world.clock.now()
    hit = Engagement(
        new_id(now), send_id, "click", now, 0, f"https://e.com/{MARK}", "human", "", ""
    )
    await write(world, engagement.insert([hit]))


async def test_what_was_under_way_at_the_erasure_writes_nothing_of_the_person(world: World):
    await world.define(JOURNEYS)
    await world.submit("go", **USER, contact_properties=NAME)
    await world.settle()
    contact_id, (send,) = await find_id(world), await world.sends()
    enrollment = next(e for e in await world.all_enrollments() if e.journey_id == "tour")
    await write(world, Write("UPDATE sends SET status = 'sending' WHERE id = ?", [(send.id,)]))

    # The mail is leaving, so the erasure has to look again.
    assert not await erase(world, contact_id)
    refused: list[type[Exception]] = []
    late: list[Late] = [bounce, submit, retry, store_step, capture, click]
    for act in late:
        try:
            await act(world, contact_id, send.id, enrollment.id)
        except Exception as error:
            refused.append(type(error))
    assert refused == [NotFound, NotFound, Conflict]
    assert world.runtime.worker is not None
    attempts = [{"at": "now", "outcome": "failed", "reply": f"550 {EMAIL}"}]
    row = replace(send, status="failed", reason=f"550 {EMAIL}", attempts=attempts)
    await world.runtime.worker.mailer.ledger.conclude(
        DeliveryOutcome(row, suppress=Suppress(EMAIL, "x"))
    )
    assert await find_marks(world) == set()
    assert await world.send_outcomes() == [("welcome", "failed", "erased")]
    assert await world.query("SELECT 1 FROM erasures WHERE finished_at IS NULL") != []
    await keep(world).apply()
    assert await world.query("SELECT 1 FROM erasures WHERE finished_at IS NULL") == []


def keep(world: World) -> Retention:
    policy = RetentionPolicy.from_settings(world.runtime.settings)
    return Retention(world.database, world.clock, policy)


async def test_an_erasure_that_is_killed_at_any_step_is_finished_by_the_worker(world: World):
    contact_id = await live_through(world)
    run, steps_left = ContentEraser._run, 0

    async def run_or_die(self: ContentEraser, *args: Any) -> None:
        nonlocal steps_left
        steps_left -= 1
        if steps_left < 0:
            raise RuntimeError
        await run(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ContentEraser, "_run", run_or_die)
        # The first step is before the cut: the person is still known.
        with pytest.raises(RuntimeError):
            await erase(world, contact_id)
        assert "contacts.email" in await find_marks(world)
        # Two steps are before it.
        steps_left = 2
        with pytest.raises(RuntimeError):
            await erase(world, contact_id)
        marks = await find_marks(world)
        assert "events.properties" in marks
        assert not {"identities.identity", "contacts.email", "suppressions.address"} & marks
        deaths = 0
        while await world.query("SELECT 1 FROM erasures WHERE finished_at IS NULL"):
            steps_left = deaths
            with suppress(RuntimeError):
                await keep(world).apply()
            deaths += 1
    assert deaths > 5
    assert await find_marks(world) == set()
    # A second erasure finds nothing to do.
    result = await erase_contact(world.runtime, COMMAND_LINE, contact_id)
    assert (result.was_erased, result.is_finished) == (True, True)
    assert (await world.query("SELECT COUNT(*) FROM erased_addresses"))[0][0] == 1


async def test_events_during_the_erasure_are_erased_or_make_a_new_contact(idle_world: World):
    world = idle_world
    await world.define(JOURNEYS)
    await world.submit("go", **USER)
    contact_id = await find_id(world)
    events = [world.submit("seen", **USER, properties={"n": n}) for n in range(60)]
    await asyncio.gather(*events[:30], erase(world, contact_id), *events[30:])
    for anonymous in ("a", "b"):
        await world.submit("seen", **USER, anonymous_id=anonymous)
    of_erased = await world.query("SELECT properties FROM events WHERE contact_id = ?", contact_id)
    assert {row[0] for row in of_erased} == {"{}"}
    assert await world.query("SELECT 1 FROM identities WHERE contact_id = ?", contact_id) == []
    (contact,) = await world.contacts()
    assert contact.id != contact_id
    assert await find_suppressions(world) == {EMAIL: "erased"}
    assert await world.counter_drift() == {}
