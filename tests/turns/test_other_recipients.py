"""`to=` is a person: an email or an event of a journey for someone other than its contact."""

from __future__ import annotations

import asyncio
import zlib
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from hogsend import days, hours
from hogsend.domain.contact import Contact
from hogsend.domain.ids import new_id
from hogsend.services import consent
from hogsend.store import contacts
from hogsend.store.db import Write
from hogsend.store.fields import to_micros
from tests.patience import PATIENCE
from tests.world import World

INVITE = """
    @journey("invite", trigger="invited", entry="unlimited", exit_on=["left"])
    async def invite(user, ctx):
        await ctx.send("welcome", to=ctx.event.properties["to"])
"""


async def find_contact(world: World, identity: str) -> Contact:
    """Return the contact with an identity, such as `e:carl@example.com`."""
    by_identity = await world.database.read_one(contacts.find_by_identities([identity]))
    return by_identity[identity]


async def sign_unsubscribe(world: World) -> str:
    """Return the unsubscribe token of the newest mail as the recipient has it."""
    ((mail,),) = await world.query("SELECT mail FROM inbox ORDER BY send_id DESC LIMIT 1")
    text = zlib.decompress(bytes(mail)).replace(b"\r\n ", b" ").decode()
    line = next(line for line in text.splitlines() if line.startswith("List-Unsubscribe:"))
    return urlsplit(line.partition("<")[2].partition(">")[0]).path.removeprefix("/u/")


async def test_a_mail_for_someone_else_makes_that_person_a_contact(world: World):
    await world.define(INVITE)
    await world.emit("invited", to=" Carl@Example.com ")
    carl, ada = await find_contact(world, "e:carl@example.com"), await world.contact()
    (send,) = await world.sends()
    assert carl.id != ada.id and carl.email == "carl@example.com"
    assert (send.contact_id, send.on_behalf_of) == (carl.id, ada.id)
    assert send.enrollment_id == (await world.enrollment()).id
    assert (send.status, send.to_email, send.address) == ("sent", "carl@example.com", None)
    assert await world.counter_drift() == {}


async def test_the_links_of_a_mail_for_someone_else_are_the_recipients(world: World):
    await world.define(INVITE)
    await world.emit("invited", to="carl@example.com")
    token = await sign_unsubscribe(world)
    carl = await find_contact(world, "e:carl@example.com")
    recipient = await consent.open_unsubscribe(world.runtime, token)
    assert recipient.contact.id == carl.id and recipient.contact.email == "carl@example.com"
    await consent.unsubscribe(world.runtime, token)
    rows = await world.query("SELECT contact_id FROM consents")
    assert [str(UUID(bytes=row[0]) if isinstance(row[0], bytes) else row[0]) for row in rows] == [
        str(carl.id)
    ]
    await world.emit("invited", to="carl@example.com")
    await world.emit("invited", to="ada@example.com")
    assert [(s.to_email, s.status, s.reason) for s in (await world.sends())[1:]] == [
        ("carl@example.com", "skipped", "unsubscribed_from_list"),
        ("ada@example.com", "sent", None),
    ]


async def test_the_consent_of_the_contact_does_not_matter_for_mails_to_others(world: World):
    await world.define(INVITE)
    await world.emit("seen")
    ada = await world.contact()
    await world.submit("left-all", contact_id=ada.id, lists={"*": False})
    await world.suppress("ada@example.com")
    await world.emit("invited", to="carl@example.com")
    # Ada herself cannot enter while she is unsubscribed from the journey's list.
    assert await world.sends() == []


async def test_a_known_user_id_is_mailed_at_the_address_that_it_has(world: World):
    await world.define(INVITE)
    await world.submit("seen", user_id="c1", email="old@example.com")
    await world.submit("seen", user_id="c1", email="new@example.com")
    await world.emit("invited", to="c1")
    await world.emit("invited", to="old@example.com")
    assert [send.to_email for send in await world.sends()] == ["new@example.com"] * 2
    assert len(await world.contacts()) == 2


async def test_a_user_id_without_an_address_is_skipped_until_it_has_one(world: World):
    await world.define(INVITE)
    await world.emit("invited", to="c1")
    carl = await find_contact(world, "u:c1")
    (send,) = await world.sends()
    assert (send.status, send.reason, send.contact_id) == ("skipped", "no_address", carl.id)
    await world.submit("seen", user_id="c1", email="carl@example.com")
    await world.emit("invited", to="c1")
    assert (await world.sends())[1].status == "sent"


async def test_a_mail_to_oneself_is_an_ordinary_mail(world: World):
    await world.define(INVITE)
    await world.emit("invited", to="ada@example.com")
    await world.emit("invited", to="ada")
    ada = await world.contact()
    assert [(s.contact_id, s.on_behalf_of) for s in await world.sends()] == [(ada.id, None)] * 2


async def test_the_gap_of_a_journey_is_between_the_mails_to_one_recipient(world: World):
    await world.define(
        """
        @journey("invite", trigger="invited", entry="unlimited", suppress=hours(12))
        async def invite(user, ctx):
            await ctx.send("welcome", to="carl@example.com")
            await ctx.send("nudge", to="carl@example.com")
            await ctx.send("offer")
        """
    )
    await world.emit("invited")
    await world.emit("invited", "bob")
    await world.advance(hours(13))
    await world.emit("invited")
    assert [(s.template, s.status, s.reason) for s in await world.sends()] == [
        ("welcome", "sent", None),
        ("nudge", "skipped", "too_soon"),
        ("offer", "sent", None),
        ("welcome", "skipped", "too_soon"),
        ("nudge", "skipped", "too_soon"),
        ("offer", "sent", None),
        ("welcome", "sent", None),
        ("nudge", "skipped", "too_soon"),
        ("offer", "sent", None),
    ]


GAP = """
    @journey("invite", trigger="invited", entry="unlimited", suppress=hours(12))
    async def invite(user, ctx):
        await ctx.send("welcome", to={to})
"""


async def run_at_once(world: World, moment: str) -> None:
    """Run the due turns so that all decide before any is written.

    Args:
        world: the world.
        moment: whether they are written in one transaction, or each in its own.
    """
    runner = world.turn_runner(hours(1))
    ids = [row.id for row in await world.all_enrollments() if row.state == "active"]
    if moment == "one transaction":
        await runner.run(ids)
        return
    commit, decided = type(runner)._commit_all, asyncio.Event()
    waiting = 0

    async def commit_when_all_have_decided(self: Any, *args: Any) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == len(ids):
            decided.set()
        await decided.wait()
        await commit(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(runner), "_commit_all", commit_when_all_have_decided)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(world.turn_runner(hours(1)).run([id]) for id in ids))


@pytest.mark.parametrize("moment", ["one transaction", "several transactions"])
@pytest.mark.parametrize("recipient", ["known", "new", "own turn"])
async def test_the_gap_holds_for_turns_that_mail_one_recipient_at_the_same_moment(
    idle_world: World, moment: str, recipient: str
):
    await idle_world.define(GAP.format(to='"carl@example.com"'))
    if recipient == "known":
        await idle_world.submit("seen", user_id="carl", email="carl@example.com")
    for user_id in ("ada", "carl" if recipient == "own turn" else "bob"):
        await idle_world.submit("invited", user_id=user_id, email=f"{user_id}@example.com")
    await run_at_once(idle_world, moment)
    assert [send.status for send in await idle_world.sends()] == ["queued"]
    # The turn that was not written is still due, and sees the mail of the other one.
    await run_at_once(idle_world, "one transaction")
    assert [(send.status, send.reason) for send in await idle_world.sends()] == [
        ("queued", None),
        ("skipped", "too_soon"),
    ]
    assert await idle_world.states() == ["completed", "completed"]
    assert await idle_world.counter_drift() == {}


async def test_turns_that_mail_several_recipients_at_the_same_moment_are_all_written(
    idle_world: World,
):
    await idle_world.define(GAP.format(to='ctx.event.properties["to"]'))
    for user_id in ("ada", "bob", "cy"):
        to = {"to": f"{user_id}-friend@example.com"}
        await idle_world.submit("invited", user_id=user_id, properties=to)
    await run_at_once(idle_world, "one transaction")
    assert [send.status for send in await idle_world.sends()] == ["queued"] * 3


async def test_mails_to_others_are_not_in_the_contacts_own_history(world: World):
    await world.define(
        """
        @journey("invite", trigger="invited")
        async def invite(user, ctx):
            await ctx.send("welcome", to="carl@example.com")
            mine = await ctx.throttle(5, days(1))
            await ctx.sleep(hours(1))
            later = await ctx.throttle(5, days(1), label="later")
            past = await ctx.history.email("welcome")
            await ctx.checkpoint(f"{mine.sent} {later.sent} {past.sent}")
        """
    )
    await world.emit("invited")
    await world.advance(hours(1))
    assert "checkpoint:0 0 0" in await world.answers()


async def test_the_template_greets_the_recipient(world: World):
    (world.runtime.settings.journeys / "emails" / "greet.html").write_text(
        "---\nsubject: Hello {{ contact.properties.name | default('you') }}\n---\n"
        "<p>{{ props.inviter }} invites {{ contact.email }}: {{ event.properties.to }}</p>"
    )
    await world.define(
        """
        @journey("invite", trigger="invited", entry="unlimited")
        async def invite(user, ctx):
            inviter = user.properties["name"]
            await ctx.send("greet", to=ctx.event.properties["to"], props={"inviter": inviter})
        """
    )
    await world.submit("seen", user_id="c1", email="carl@example.com", contact_properties=NAMED)
    await world.submit("seen", user_id="ada", contact_properties={"name": "Ada"})
    await world.emit("invited", to="carl@example.com")
    await world.emit("invited", to="dora@example.com")
    rows = await world.query("SELECT subject, to_email FROM inbox ORDER BY to_email")
    assert [tuple(row) for row in rows] == [
        ("Hello Carl", "carl@example.com"),
        ("Hello you", "dora@example.com"),
    ]


NAMED = {"name": "Carl"}


async def test_an_exit_cancels_the_mails_on_behalf_of_the_enrollment(idle_world: World):
    await idle_world.define(
        """
        @journey("invite", trigger="invited", entry="unlimited", exit_on=["left"])
        async def invite(user, ctx):
            await ctx.send("welcome", to="carl@example.com")
            if ctx.event.properties.get("stays"):
                await ctx.wait_for("forever")
        """
    )
    runner = idle_world.turn_runner(timedelta(seconds=60))
    for user, stays in (("ada", True), ("bob", False), ("eve", True)):
        result = await idle_world.submit(
            "invited", user_id=user, email=f"{user}@example.com", properties={"stays": stays}
        )
        await runner.run([UUID(str(result.enrollments[0]["stateId"]))])
    await runner.close()
    # Of the recipient's own exit nothing follows for what others have sent to them.
    await idle_world.submit("left", email="carl@example.com")
    assert {send.status for send in await idle_world.sends()} == {"queued"}
    await idle_world.submit("left", user_id="ada")
    await idle_world.submit("left", user_id="bob")
    assert [send.status for send in await idle_world.sends()] == [
        "cancelled",
        "cancelled",
        "queued",
    ]
    assert await idle_world.counter_drift() == {}


async def test_an_event_for_someone_else_is_that_persons_event(world: World):
    await world.define(
        """
        @journey("invite", trigger="invited", entry="unlimited")
        async def invite(user, ctx):
            await ctx.trigger("asked", {"by": user.user_id}, to=ctx.event.properties["to"])
        @journey("answer", trigger="asked", entry="unlimited")
        async def answer(user, ctx):
            await ctx.send("welcome", props={"by": ctx.event.properties["by"]})
        """
    )
    await world.submit("seen", user_id="c1", email="carl@example.com")
    for to in ("carl@example.com", "c1", "dora@example.com", "ada"):
        await world.emit("invited", to=to)
    carl, dora = [await find_contact(world, f"e:{n}@example.com") for n in ("carl", "dora")]
    asked = await world.events("asked")
    ada = await world.contact()
    assert [event.contact_id for event in asked] == [carl.id, carl.id, dora.id, ada.id]
    assert [(event.seq, event.source, event.depth) for event in asked] == [
        (2, "journey", 1),
        (3, "journey", 1),
        (1, "journey", 1),
        (5, "journey", 1),
    ]
    causes = await world.query("SELECT COUNT(*) FROM events WHERE cause_id IS NOT NULL")
    assert causes[0][0] == 4
    assert sorted(send.to_email or "" for send in await world.sends()) == [
        "ada@example.com",
        "carl@example.com",
        "carl@example.com",
        "dora@example.com",
    ]
    assert await world.counter_drift() == {}


async def test_two_people_who_trigger_each_other_stop_after_eight_links(world: World):
    await world.define(
        """
        @journey("ping", trigger="ping", entry="unlimited")
        async def ping(user, ctx):
            other = "bob@example.com" if user.email == "ada@example.com" else "ada@example.com"
            await ctx.trigger("ping", to=other)
        """
    )
    await world.submit("seen", user_id="bob", email="bob@example.com")
    await world.emit("ping")
    assert len(await world.events("ping")) == 10
    reasons = await world.query("SELECT reason FROM refusals")
    assert [row[0] for row in reasons] == ["trigger_loop"]


@pytest.mark.parametrize(
    "to", ["''", "'  '", "'carl@'", "'Carl <carl@example.com>'", "'x' * 201", "7", r"'a\0b'"]
)
@pytest.mark.parametrize("call", ["send('welcome', to={})", "trigger('asked', to={})"])
async def test_a_to_that_is_no_person_fails_the_turn(sqlite_world: World, call: str, to: str):
    await sqlite_world.define(
        f"""
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.{call.format(to)}
        """
    )
    await sqlite_world.emit("go")
    error = (await sqlite_world.enrollment()).error or ""
    assert "is neither an email address nor a user id" in error
    assert len(await sqlite_world.contacts()) == 1


async def test_a_merge_of_the_recipient_takes_the_mail_along(idle_world: World):
    await idle_world.define(INVITE)
    result = await idle_world.submit(
        "invited", user_id="ada", email="ada@example.com", properties={"to": "carl@example.com"}
    )
    runner = idle_world.turn_runner(timedelta(seconds=60))
    await runner.run([UUID(str(result.enrollments[0]["stateId"]))])
    await runner.close()
    await idle_world.submit("seen", user_id="c1")
    await idle_world.submit("seen", user_id="c1", email="carl@example.com")
    carl = await find_contact(idle_world, "u:c1")
    (send,) = await idle_world.sends()
    assert (send.contact_id, send.on_behalf_of) == (carl.id, (await idle_world.contact()).id)


async def test_a_merge_of_the_sender_takes_the_mail_along(idle_world: World):
    await idle_world.define(INVITE)
    result = await idle_world.submit(
        "invited", email="ada@example.com", properties={"to": "carl@example.com"}
    )
    runner = idle_world.turn_runner(timedelta(seconds=60))
    await runner.run([UUID(str(result.enrollments[0]["stateId"]))])
    await runner.close()
    await idle_world.submit("seen", user_id="ada")
    await idle_world.submit("left", user_id="ada", email="ada@example.com")
    (send,) = await idle_world.sends()
    assert send.status == "cancelled"
    assert send.on_behalf_of == (await idle_world.contact()).id


async def test_a_person_who_appears_while_the_turn_runs_gets_the_mail(idle_world: World):
    await idle_world.define(INVITE)
    result = await idle_world.submit("invited", user_id="ada", properties={"to": "c1"})
    enrollment_id = UUID(str(result.enrollments[0]["stateId"]))
    runner = idle_world.turn_runner(timedelta(seconds=60))
    commit = runner._commit_all  # pyright: ignore[reportPrivateUsage]

    async def commit_after_an_event(finished: Any, on_committed: Any) -> None:
        runner._commit_all = commit  # pyright: ignore[reportPrivateUsage]
        await idle_world.submit("seen", user_id="c1", email="carl@example.com")
        await commit(finished, on_committed)

    runner._commit_all = commit_after_an_event  # pyright: ignore[reportPrivateUsage]
    await runner.run([enrollment_id])
    assert await idle_world.sends() == []
    await runner.run([enrollment_id])
    await runner.close()
    (send,) = await idle_world.sends()
    assert (send.status, send.to_email) == ("queued", "carl@example.com")


async def test_a_dry_run_makes_no_contact(world: World):
    await world.define(
        """
        @journey("invite", trigger="invited")
        async def invite(user, ctx):
            await ctx.sleep(days(1))
        """
    )
    await world.emit("invited")
    await world.define(
        """
        @journey("invite", trigger="invited")
        async def invite(user, ctx):
            await ctx.send("welcome", to="carl@example.com")
            await ctx.trigger("asked", to="dora@example.com")
            await ctx.sleep(days(1))
        """
    )
    await world.advance(days(1))
    assert len(await world.contacts()) == 1
    assert await world.sends() == []


async def test_two_people_who_mail_each_other_at_once_both_do(world: World):
    await world.define(
        """
        @journey("swap", trigger="swap", entry="unlimited")
        async def swap(user, ctx):
            other = "bob" if user.user_id == "ada" else "ada"
            await ctx.send("welcome", to=other)
            await ctx.trigger("swapped", to=other)
            await ctx.send("nudge", to=f"new-{user.user_id}@example.com")
        """
    )
    for user in ("ada", "bob"):
        await world.submit("seen", user_id=user, email=f"{user}@example.com")
    for _ in range(10):
        await asyncio.gather(
            *(world.submit("swap", user_id=u, email=f"{u}@example.com") for u in ("ada", "bob"))
        )
        await world.settle()
    assert [s.status for s in await world.sends()] == ["sent"] * 40
    assert len(await world.events("swapped")) == 20
    assert len(await world.contacts()) == 4


async def test_the_turn_runs_again_when_the_recipient_leaves_meanwhile(idle_world: World):
    await idle_world.define(INVITE)
    await idle_world.submit("seen", user_id="c1", email="carl@example.com")
    result = await idle_world.submit("invited", user_id="ada", properties={"to": "c1"})
    enrollment_id = UUID(str(result.enrollments[0]["stateId"]))
    runner = idle_world.turn_runner(timedelta(seconds=60))
    commit = runner._commit_all

    async def commit_after_an_event(finished: Any, on_committed: Any) -> None:
        runner._commit_all = commit
        await idle_world.submit("left", user_id="c1", lists={"*": False})
        await commit(finished, on_committed)

    runner._commit_all = commit_after_an_event
    await runner.run([enrollment_id])
    await runner.run([enrollment_id])
    await runner.close()
    (send,) = await idle_world.sends()
    assert (send.status, send.reason) == ("skipped", "unsubscribed_from_everything")


# -- mails of version 0.1.0 -----------------------------------------------------------------------


async def age_sends(world: World, address: str) -> None:
    """Turn the sends into those of version 0.1.0: another address on the contact's own row."""
    enrollment = await world.enrollment()
    async with world.database.transaction() as tx:
        await tx.apply(
            [
                Write(
                    "UPDATE sends SET contact_id = ?, address = ?, on_behalf_of = NULL",
                    [(enrollment.contact_id, address)],
                )
            ]
        )


@pytest.mark.parametrize("is_known", [True, False])
async def test_old_links_never_open_the_page_of_the_other_person(world: World, is_known: bool):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.send("welcome")
        """
    )
    await world.emit("go")
    token = await sign_unsubscribe(world)
    await age_sends(world, "carl@example.com")
    if is_known:
        await world.submit("seen", user_id="c1", email="carl@example.com")
    people = len(await world.contacts())
    opened = await consent.open_unsubscribe(world.runtime, token)
    preferences = consent.create_preferences_token(world.runtime, opened)
    shown = await consent.open_preferences(world.runtime, preferences)
    assert opened.contact.email == shown.contact.email == "carl@example.com"
    assert len(await world.contacts()) == people
    after = await consent.unsubscribe(world.runtime, token)
    carl = await find_contact(world, "e:carl@example.com")
    assert after.contact.id == carl.id and not after.is_subscribed
    saved = await consent.save_preferences(world.runtime, preferences, {"*": False})
    assert saved.contact.id == carl.id
    ada = await world.contact()
    rows = await world.query("SELECT contact_id FROM consents")
    owners = {UUID(bytes=r[0]) if isinstance(r[0], bytes) else UUID(str(r[0])) for r in rows}
    assert owners == {carl.id} and ada.id not in owners


async def test_queued_mails_of_the_first_version_get_their_recipient(idle_world: World):
    await idle_world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.send("welcome")
        """
    )
    result = await idle_world.submit("go", user_id="ada", email="ada@example.com")
    runner = idle_world.turn_runner(timedelta(seconds=60))
    await runner.run([UUID(str(result.enrollments[0]["stateId"]))])
    await runner.close()
    await age_sends(idle_world, "carl@example.com")
    from hogsend.delivery.recovery import settle_interrupted_sends

    await settle_interrupted_sends(idle_world.database, idle_world.clock.now(), lambda _: None)
    carl = await find_contact(idle_world, "e:carl@example.com")
    (send,) = await idle_world.sends()
    assert (send.contact_id, send.address) == (carl.id, None)
    assert send.on_behalf_of == (await idle_world.contact()).id
    assert await idle_world.counter_drift() == {}


async def test_a_click_in_an_old_mail_for_someone_else_is_that_persons_event(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.send("welcome")
        """
    )
    await world.emit("go")
    await age_sends(world, "carl@example.com")
    (send,) = await world.sends()
    at = to_micros(world.clock.now())
    async with world.database.transaction() as tx:
        await tx.apply(
            [
                Write(
                    "INSERT INTO hits (id, send_id, kind, position, url, verdict, agent, network, "
                    "at, held_until) VALUES (?,?,'click',0,'https://x.example','unsure','','',?,?)",
                    [(new_id(world.clock.now()), send.id, at + 60_000_000, at)],
                )
            ]
        )
    world.clock.set(world.clock.now() + days(1))
    await world.runtime.tracker.judge_due()
    (clicked,) = await world.events("email.clicked")
    carl = await find_contact(world, "e:carl@example.com")
    assert clicked.contact_id == carl.id
