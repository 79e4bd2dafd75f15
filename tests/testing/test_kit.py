"""The testing kit, as authors of journeys use it."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hogsend import (
    Contact,
    Context,
    JourneyCodeError,
    MailList,
    StepFailed,
    days,
    hours,
    journey,
    minutes,
    on,
    prop,
    seconds,
)
from hogsend.testing import World, play, time_driver
from hogsend.testing.playing import START

MAILS = {
    "hello": (
        "---\nsubject: Hello, {{ contact.properties.name | default('you') }}\n---\n"
        '<p>Hi. <a href="https://example.com/start?a=1">Start</a>, '
        '<a href="https://example.com/help">help</a>.</p>'
    ),
    "later": "<p>Later.</p>",
    "news": "---\nsubject: News\nlist: kit-news\n---\n<p>{{ props.number }}</p>",
}
NEWS = MailList(id="kit-news", name="News", description="News.")


@journey("greeting", trigger="user.created", exit_on=["user.deleted"])
async def greeting(user: Contact, ctx: Context) -> None:
    await ctx.send("hello")
    if await ctx.wait_for("email.clicked", timeout=days(3)):
        await ctx.send("later")


@journey("monthly", trigger=on("paper.ordered", where=prop("paper") == "news"), entry="unlimited")
async def monthly(user: Contact, ctx: Context) -> None:
    for number in range(12):
        await ctx.send("news", props={"number": number})
        await ctx.sleep(days(30), label="a-month")


@journey("raising", trigger="go")
async def raising(user: Contact, ctx: Context) -> None:
    await ctx.sleep(days(1))
    raise ValueError("nobody thought of this")


@journey("wall-clock", trigger="go")
async def wall_clock(user: Contact, ctx: Context) -> None:
    if datetime.now(UTC).year > 2000:
        await ctx.sleep(days(1))


@journey("seeded", trigger="go")
async def seeded(user: Contact, ctx: Context) -> None:
    chance = random.Random(await ctx.random())  # noqa: S311
    await ctx.sleep(days(chance.randint(1, 9)))
    await ctx.step("receipt", lambda: f"{uuid.uuid4()} {datetime.now(UTC)}")


RUNS: list[int] = []


@journey("counting", trigger="go")
async def counting(user: Contact, ctx: Context) -> None:
    RUNS.append(1)
    await ctx.checkpoint(f"{len(RUNS)} times")


@journey("charging", trigger="go")
async def charging(user: Contact, ctx: Context) -> None:
    try:
        amount = await ctx.step("charge", lambda: 49, retries=2)
    except StepFailed as error:
        await ctx.checkpoint(f"gave up: {error.message}")
    else:
        await ctx.checkpoint(f"charged {amount}")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with play(greeting, monthly, mails=MAILS) as opened:
        yield opened


# -- time ---------------------------------------------------------------------------------------


async def test_every_email_of_a_year_leaves_on_its_day(world: World):
    ada = await world.contact("ada@example.com")
    await world.emit(ada, "paper.ordered", paper="news")

    await world.advance(days(365))

    mails = world.mailbox.mails(ada)
    assert [mail.sent_at for mail in mails] == [START + days(30 * number) for number in range(12)]
    assert [mail.text.strip() for mail in mails] == [str(number) for number in range(12)]
    assert world.now == START + days(365)


async def test_the_clock_starts_at_the_given_time_and_never_goes_back():
    start = datetime(2028, 2, 29, 12, tzinfo=UTC)
    async with play(greeting, mails=MAILS, start=start) as world:
        assert world.now == start
        await world.advance_to(start + hours(1))
        with pytest.raises(ValueError, match="cannot be moved"):
            await world.advance_to(start)


@journey("local-morning", trigger="user.created")
async def local_morning(user: Contact, ctx: Context) -> None:
    await ctx.sleep_until(ctx.when.tz("Asia/Tokyo").tomorrow().at("09:00"), label="morning")


async def test_the_timeline_shows_instants_of_other_time_zones_in_utc():
    async with play(local_morning) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "user.created")
        timeline = world.timeline(ada)
    assert "in UTC:" in timeline
    assert "(waits until Wed 2026-03-04 00:00:00)" in timeline


# -- people and events --------------------------------------------------------------------------


async def test_emit_returns_what_the_event_started_refused_and_ended(world: World):
    ada = await world.contact("ada@example.com")

    assert (await world.emit(ada, "user.created")).entered == ("greeting",)
    assert (await world.emit(ada, "user.created")).refused == {"greeting": "already_live"}
    refused = await world.emit(ada, "paper.ordered", name="ink", paper="sport")
    assert refused.refused == {"monthly": "where_not_met"}
    assert (await world.emit(ada, "user.deleted")).exited == ("greeting",)
    assert [event.name for event in world.events(ada)][-2:] == ["paper.ordered", "user.deleted"]
    assert world.events(ada, "paper.ordered")[0].properties == {"name": "ink", "paper": "sport"}


async def test_contact_creates_or_updates_a_contact_without_an_event(world: World):
    ada = await world.contact("Ada@Example.com", name="Ada")
    same = await world.contact("ada@example.com", user_id="u-1", plan="pro")

    assert (same.id, same.user_id) == (ada.id, "u-1")
    assert world.events(ada) == []
    await world.emit(ada, "user.created")
    assert world.mailbox.mails(ada)[0].subject == "Hello, Ada"
    with pytest.raises(ValueError, match="email address or a user id"):
        await world.contact()


@journey("trial", trigger="trial.started")
async def trial(user: Contact, ctx: Context) -> None:
    if await ctx.sleep_until(prop("ends") - days(2), label="end", timeout=days(30)):
        await ctx.send("hello")
    else:
        await ctx.send("later")


async def test_a_changed_property_moves_the_wait_that_follows_it():
    async with play(trial, mails=MAILS) as world:
        ada = await world.contact("ada@example.com", ends="2026-03-13")
        await world.emit(ada, "trial.started")
        assert world.enrollment(ada).wakes_at == datetime(2026, 3, 11, tzinfo=UTC)
        await world.contact("ada@example.com", ends="2026-03-20")
        assert world.enrollment(ada).wakes_at == datetime(2026, 3, 18, tzinfo=UTC)
        assert (
            "trial: sleep:end moved from Wed 2026-03-11 00:00:00 to Wed 2026-03-18 00:00:00 "
            "by world.contact"
        ) in world.timeline(ada)
        await world.advance(days(14))
        assert world.mailbox.templates(ada) == []
        await world.contact("ada@example.com", ends="2026-03-01")
        assert world.mailbox.templates(ada) == ["hello"]
        assert "to Wed 2026-03-18" in world.timeline(ada)


async def test_a_property_that_is_deleted_lets_the_wait_time_out():
    async with play(trial, mails=MAILS) as world:
        ada = await world.contact("ada@example.com", ends="2026-03-13")
        await world.emit(ada, "trial.started")
        await world.contact("ada@example.com", ends=None)
        assert "ends is missing" in world.timeline(ada)
        await world.advance(days(30))
        assert world.mailbox.templates(ada) == ["later"]


async def test_merged_contacts_can_be_checked_through_either_person(world: World):
    by_mail = await world.contact("ada@example.com")
    by_id = await world.contact(user_id="u-1")
    await world.emit(by_mail, "user.created")

    await world.contact("ada@example.com", "u-1")

    assert world.mailbox.templates(by_id) == ["hello"]
    assert world.enrollment(by_id) == world.enrollment(by_mail)
    again = await world.emit(by_id, "user.created")
    assert again.refused == {"greeting": "already_live"}


async def test_enrollment_returns_the_place_of_a_person(world: World):
    ada = await world.contact("ada@example.com")
    with pytest.raises(AssertionError, match="has not entered greeting"):
        world.enrollment(ada, "greeting")

    await world.emit(ada, "user.created")

    place = world.enrollment(ada)
    assert (place.journey, place.state, place.waiting_for) == (
        "greeting",
        "waiting",
        "email.clicked",
    )
    assert place.wakes_at == START + days(3)
    await world.advance(days(3))
    assert (world.enrollment(ada).state, world.enrollment(ada).waiting_for) == ("completed", None)
    assert world.enrollment(ada).ended_at == START + days(3)


# -- mails --------------------------------------------------------------------------------------


async def test_emails_are_rendered_as_in_production(world: World):
    ada = await world.contact("ada@example.com", name="Ada")
    await world.emit(ada, "user.created")

    (mail,) = world.mailbox.mails(ada)
    assert (mail.template, mail.to, mail.subject) == ("hello", "ada@example.com", "Hello, Ada")
    assert list(mail.links) == ["https://example.com/start?a=1", "https://example.com/help"]
    assert "List-Unsubscribe" in mail.message
    assert "<p" in mail.html and "Hi." in mail.text
    assert repr(mail) == "<Mail hello “Hello, Ada” to ada@example.com 2026-03-03 09:00>"


async def test_a_click_counts_as_human_within_seconds(world: World):
    ada = await world.contact("ada@example.com")
    await world.emit(ada, "user.created")

    await world.open(ada, "hello")
    await world.click(ada, "hello", "https://example.com/help")

    (clicked,) = world.events(ada, "email.clicked")
    assert clicked.properties["url"] == "https://example.com/help"
    assert world.mailbox.templates(ada) == ["hello", "later"]
    assert world.now - START == seconds(12)
    with pytest.raises(AssertionError, match=r"no link to https://example\.com/no"):
        await world.click(ada, "hello", "https://example.com/no")
    with pytest.raises(AssertionError, match="has received no email 'news'"):
        await world.open(ada, "news")


async def test_a_person_who_resubscribes_gets_the_emails_of_the_list_again(world: World):
    ada = await world.contact("ada@example.com")
    await world.unsubscribe(ada, list="kit-news")
    await world.emit(ada, "paper.ordered", paper="news")
    await world.advance(days(31))
    assert world.mailbox.templates(ada) == []

    await world.resubscribe(ada, list="kit-news")
    await world.advance(days(30))
    assert world.mailbox.templates(ada) == ["news"]
    assert world.enrollment(ada).waiting_for == "a-month"
    with pytest.raises(ValueError, match="no list 'other'"):
        await world.unsubscribe(ada, list="other")


async def test_a_person_who_unsubscribed_from_all_email_is_not_enrolled(world: World):
    ada = await world.contact("ada@example.com")
    await world.unsubscribe(ada)
    assert (await world.emit(ada, "user.created")).refused == {"greeting": "unsubscribed"}
    await world.resubscribe(ada)
    assert (await world.emit(ada, "user.created")).entered == ("greeting",)


async def test_a_suppressed_address_gets_nothing(world: World):
    ada = await world.contact("ada@example.com")
    await world.suppress(ada)
    assert (await world.emit(ada, "user.created")).refused == {"greeting": "suppressed"}
    nobody = await world.contact(user_id="nobody")
    with pytest.raises(ValueError, match="no address"):
        await world.suppress(nobody)


async def test_a_refused_email_is_retried_unless_the_address_does_not_exist(
    world: World,
):
    ada, bob = await world.contact("ada@example.com"), await world.contact("bob@example.com")
    world.fail_next_send("soft")
    await world.emit(ada, "user.created")
    world.fail_next_send()
    await world.emit(bob, "user.created")
    assert world.mailbox.templates(ada) == world.mailbox.templates(bob) == []
    assert [event.name for event in world.events(bob)] == ["user.created", "email.bounced"]

    await world.advance(hours(6))
    assert world.mailbox.templates(ada) == ["hello"]
    assert world.mailbox.templates(bob) == []


# -- steps --------------------------------------------------------------------------------------


async def test_a_step_that_the_test_lets_fail_is_retried():
    async with play(charging) as world:
        ada = await world.contact("ada@example.com")
        world.fail_next_step(TimeoutError("the bank sleeps"))
        await world.emit(ada, "go")
        assert world.enrollment(ada).waiting_for == "charge"
        assert "the bank sleeps" in world.timeline(ada)

        await world.advance(minutes(1))
        assert "checkpoint:charged 49" in world.timeline(ada)


async def test_a_step_that_fails_for_the_last_time_raises_in_the_journey():
    async with play(charging) as world:
        ada = await world.contact("ada@example.com")
        world.fail_next_step(times=3)
        await world.emit(ada, "go")
        await world.advance(days(1))
        assert "checkpoint:gave up" in world.timeline(ada)
        assert world.enrollment(ada).state == "completed"


# -- chance ------------------------------------------------------------------------------------


@journey("drawing", trigger="go", holdout=50)
async def drawing(user: Contact, ctx: Context) -> None:
    arm = await ctx.variant("colour", {"red": 1, "blue": 1})
    await ctx.checkpoint(f"{arm} {await ctx.random():.3f}")


async def test_random_choices_are_the_same_in_every_run():
    async def draw() -> list[str]:
        async with play(drawing) as world:
            people = [await world.contact(f"person-{number}@example.com") for number in range(16)]
            for person in people:
                await world.emit(person, "go")
            assert {world.enrollment(person).state for person in people} == {
                "completed",
                "held_out",
            }
            return [world.timeline(person) for person in people]

    first = await draw()
    assert first == await draw()
    assert all(
        any(f"checkpoint:{arm}" in timeline for timeline in first) for arm in ("red", "blue")
    )
    assert any("drawing: not entered, held_out" in timeline for timeline in first)


async def test_an_arm_can_be_chosen():
    async with play(drawing) as world:
        for number in range(8):
            world.choose("colour", "blue" if number % 2 else "red")
            person = await world.contact(f"person-{number}@example.com")
            await world.emit(person, "go")
            other = "checkpoint:red" if number % 2 else "checkpoint:blue"
            assert other not in world.timeline(person)


# -- what fails a test --------------------------------------------------------------------------


async def test_a_failing_assertion_shows_the_timeline():
    with pytest.raises(AssertionError) as caught:
        async with play(greeting, mails=MAILS) as world:
            ada = await world.contact("ada@example.com")
            await world.emit(ada, "user.created", plan="pro")
            await world.advance(days(1))
            assert world.mailbox.templates(ada) == []

    (note,) = caught.value.__notes__
    assert "What happened to ada@example.com" in note
    assert 'Tue 2026-03-03 09:00:00  user.created {"plan": "pro"}' in note
    assert "greeting: send:hello  → queued" in note
    assert "mail hello sent to ada@example.com" in note
    assert "still in wait:email.clicked, until Fri 2026-03-06 09:00:00" in note
    assert "It is Wed 2026-03-04 09:00:00 now." in note


async def test_a_journey_that_raises_fails_the_test_at_that_instant():
    with pytest.raises(AssertionError, match="nobody thought of this") as caught:
        async with play(raising) as world:
            ada = await world.contact("ada@example.com")
            await world.emit(ada, "go")
            await world.advance(days(100))

    message = str(caught.value)
    assert "/hogsend/" not in message
    assert 'raise ValueError("nobody thought of this")' in message
    assert message.count("ValueError: ") == 1
    assert "It is Wed 2026-03-04 09:00:00 now." in caught.value.__notes__[0]


async def test_an_expected_failure_does_not_fail_the_test():
    async with play(raising) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "go")
        world.expects_failure()
        await world.advance(days(2))
        place = world.enrollment(ada)
        assert place.state == "failed"
        assert (place.error or "").endswith("ValueError: nobody thought of this")


async def test_an_email_that_cannot_be_rendered_fails_the_test():
    @journey("half", trigger="go")
    async def half(user: Contact, ctx: Context) -> None:
        await ctx.send("news")

    with pytest.raises(AssertionError, match=r"The email news could not be rendered: .*number"):
        async with play(half, mails=MAILS) as world:
            await world.emit(await world.contact("ada@example.com"), "go")


async def test_a_journey_that_blocks_fails_the_test(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(time_driver, "MAX_WORK_SECONDS", 0.1)
    going_on = threading.Event()

    @journey("blocking", trigger="go")
    async def blocking(user: Contact, ctx: Context) -> None:
        going_on.wait()

    async with play(blocking) as world:
        ada = await world.contact("ada@example.com")
        with pytest.raises(AssertionError, match="still at work"):
            await world.emit(ada, "go")
        assert "blocking: entered" in world.timeline(ada)
        going_on.set()


async def test_a_broken_template_is_reported_with_the_failure_it_causes():
    broken = {**MAILS, "hello": "---\nsubject: Hello\n---\n{% if %}"}
    with pytest.raises(
        AssertionError,
        match=r"(?s)hello could not be rendered: template hello is broken.*emails/hello\.html",
    ):
        async with play(greeting, mails=broken) as world:
            await world.emit(await world.contact("ada@example.com"), "user.created")


async def test_reading_the_clock_fails_the_test_with_the_line_and_the_remedy():
    message = (
        r"test_kit\.py:\d+: datetime\.now\(\) returns another value .* Use await ctx\.now\(\)\."
    )
    with pytest.raises(AssertionError, match=message):
        async with play(wall_clock) as world:
            await world.emit(await world.contact("ada@example.com"), "go")

    async with play(wall_clock, twice=False) as world:
        await world.emit(await world.contact("ada@example.com"), "go")


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (time.time, "time.time()"),
        (random.random, "random.random()"),
        (lambda: random.choice("ab"), "random.choice()"),  # noqa: S311
        (uuid.uuid4, "uuid.uuid4()"),
        (lambda: datetime.today(), "datetime.today()"),  # noqa: DTZ002
    ],
)
async def test_every_read_of_a_clock_or_a_random_number_is_reported(call: object, named: str):
    @journey("reading", trigger="go")
    async def reading(user: Contact, ctx: Context) -> None:
        call()  # type: ignore[operator]

    async with play(reading) as world:
        ada = await world.contact("ada@example.com")
        with pytest.raises(AssertionError) as caught:
            await world.emit(ada, "go")
    assert named in str(caught.value)


async def test_recorded_randomness_and_reads_in_steps_are_not_reported():
    async with play(seeded) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "go")
        await world.advance(days(10))
        assert world.enrollment(ada).state == "completed"


async def test_a_turn_that_differs_in_its_second_run_is_reported_with_both_calls():
    with pytest.raises(AssertionError, match=r"checkpoint:1 times.*checkpoint:2 times"):
        async with play(counting) as world:
            await world.emit(await world.contact("ada@example.com"), "go")


# -- opening a world ----------------------------------------------------------------------------


async def test_a_function_that_is_not_a_journey_is_rejected():
    async def nothing(user: Contact, ctx: Context) -> None: ...

    with pytest.raises(JourneyCodeError, match="nothing is not a journey"):
        async with play(nothing):
            pass


async def test_a_problem_of_a_journey_is_reported_with_its_line():
    @journey("Bad Id", trigger="go", list="nowhere")
    async def bad(user: Contact, ctx: Context) -> None: ...

    with pytest.raises(JourneyCodeError, match=r"test_kit\.py:\d+: Bad Id: .*\n.*nowhere"):
        async with play(bad):
            pass


async def test_only_one_world_can_be_open(world: World):
    with pytest.raises(RuntimeError, match="open already"):
        async with play(greeting, mails=MAILS):
            pass


def test_worlds_can_be_opened_one_after_the_other_in_plain_asyncio():
    async def greet() -> list[str]:
        async with play(greeting, mails=MAILS) as world:
            ada = await world.contact("ada@example.com")
            await world.emit(ada, "user.created")
            return world.mailbox.templates(ada)

    assert [asyncio.run(greet()) for _ in range(3)] == [["hello"]] * 3


def test_plain_tests_and_the_strict_mode_of_the_plugin_are_supported(tmp_path: Path):
    (tmp_path / "test_both.py").write_text(
        "import asyncio\nimport pytest\n"
        "from hogsend import Contact, Context, journey\nfrom hogsend.testing import play\n\n\n"
        "@journey('short', trigger='go')\n"
        "async def short(user: Contact, ctx: Context) -> None:\n    await ctx.checkpoint('here')\n"
        "\n\nasync def walk():\n    async with play(short) as world:\n"
        "        ada = await world.contact('ada@example.com')\n"
        "        await world.emit(ada, 'go')\n"
        "        assert world.enrollment(ada).state == 'completed'\n\n\n"
        "@pytest.mark.asyncio\nasync def test_strictly():\n    await walk()\n\n\n"
        "def test_plainly():\n    asyncio.run(walk())\n"
    )
    scope = "asyncio_default_fixture_loop_scope=function"
    options = ["-p", "no:cacheprovider", "-W", "error", "-o", scope, "--rootdir", str(tmp_path)]
    completed = subprocess.run(
        [sys.executable, "-m", "pytest", *options], cwd=tmp_path, capture_output=True, text=True
    )
    assert "2 passed" in completed.stdout, completed.stdout + completed.stderr


async def test_the_modules_that_a_test_imported_stay_loaded(monkeypatch: pytest.MonkeyPatch):
    # Another test may have loaded another folder of journeys.
    for name in [module for module in sys.modules if module.partition(".")[0] == "journeys"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    from journeys import feedback

    before = sys.modules["journeys.feedback"]
    async with play(feedback.feedback) as world:
        await world.emit(await world.contact("ada@example.com"), "order.completed")
    assert sys.modules["journeys.feedback"] is before is feedback


@journey("invitation", trigger="teammate.invited", entry="unlimited")
async def invitation(user: Contact, ctx: Context) -> None:
    await ctx.send("hello", to=ctx.event.properties["to"])


async def test_a_mail_to_someone_else_is_in_that_persons_mailbox():
    async with play(invitation, mails=MAILS) as world:
        ada = await world.contact("ada@example.com")
        carl = await world.contact("carl@example.com", name="Carl")
        await world.emit(ada, "teammate.invited", to="carl@example.com")
        assert world.mailbox.mails(carl)[0].subject == "Hello, Carl"
        assert world.mailbox.mails(ada) == []
        sent = "mail hello sent to carl@example.com on behalf of ada@example.com"
        assert sent in world.timeline(ada) and sent in world.timeline(carl)
        await world.unsubscribe(carl)
        await world.emit(ada, "teammate.invited", to="carl@example.com")
        assert len(world.mailbox.mails(carl)) == 1
        await world.emit(ada, "teammate.invited", to="dora@example.com")
        dora = await world.contact("dora@example.com")
        assert [mail.to for mail in world.mailbox.mails(dora)] == ["dora@example.com"]
        await world.click(dora, "hello")
        assert [event.name for event in world.events(dora)] == ["email.clicked"]
