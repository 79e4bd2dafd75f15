"""On Postgres, concurrent transactions that change a contact's rows lock the contact."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hogsend import hours
from hogsend.clock import ManualClock
from hogsend.delivery.ledger import Handoff, Ledger
from hogsend.delivery.providers.port import Withdrawn
from hogsend.domain.incoming import IncomingEvent
from hogsend.services.enrollment_actions import run_action
from hogsend.store.counters import Tally
from tests.actors import OLGA
from tests.delivery.providers.contract import make_message
from tests.patience import PATIENCE
from tests.world import World, open_world

JOURNEY = """
    @journey("j", trigger="go", exit_on=["stop"])
    async def j(user, ctx):
        await ctx.send("welcome")
        await ctx.wait_for("used")
"""


@pytest.fixture
async def world(postgres_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """An installation without a worker on Postgres; the test acts as another process."""
    async with open_world(postgres_url, tmp_path, clock, with_worker=False) as opened:
        await opened.define(JOURNEY)
        yield opened


@asynccontextmanager
async def commit_event_during(
    world: World, name: str, work: Coroutine[Any, Any, Any], **incoming: Any
) -> AsyncIterator[Any]:
    """Ingest an event, start work that has to wait for the commit, and commit the event.

    Yields:
        The result of the work, or its exception.
    """
    # A task inherits the transaction around it, unlike the work of another process.
    outer_context = contextvars.copy_context()
    ingest, now = world.runtime.ingest, world.clock.now()
    tally = Tally(now)
    async with world.database.transaction() as tx:
        await ingest.submit_within(tx, [IncomingEvent(name, **incoming)], tally, now)
        await tx.apply([tally.to_write()])
        task = asyncio.create_task(work, context=outer_context)
        async with asyncio.timeout(PATIENCE):
            while not await is_waiting_for_lock(world):
                assert not task.done(), "the work did not wait"
    (result,) = await asyncio.gather(task, return_exceptions=True)
    yield result


async def is_waiting_for_lock(world: World) -> bool:
    """Return whether a transaction waits for the lock of another transaction."""
    rows = await world.query("SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    return rows[0][0] > 0


async def test_an_exit_is_not_overwritten_by_a_turn_that_commits_at_the_same_moment(world: World):
    await world.submit("go", user_id="ada", email="ada@example.com")
    entered = await world.enrollment()
    turn = world.turn_runner(hours(1)).run([entered.id])
    async with commit_event_during(world, "stop", turn, user_id="ada"):
        assert await world.states() == ["exited"]
        assert (await world.sends(), await world.turns()) == ([], [])


async def test_an_event_that_arrives_while_a_wait_is_committed_ends_the_wait(world: World):
    await world.submit("go", user_id="ada")
    entered = await world.enrollment()
    turn = world.turn_runner(hours(1)).run([entered.id])
    async with commit_event_during(world, "used", turn, user_id="ada"):
        event = (await world.enrollment()).wait_result
        assert event is not None
        assert event.name == "used"


async def test_an_operator_cannot_wake_an_enrollment_that_is_ending(world: World):
    await world.submit("go", user_id="ada")
    wake = run_action(world.runtime, OLGA, "wake", (await world.enrollment()).id)
    async with commit_event_during(world, "stop", wake, user_id="ada") as refused:
        assert "has ended already" in str(refused)
        assert await world.states() == ["exited"]


async def test_two_processes_that_get_events_of_a_new_person_create_one_contact(world: World):
    hello = world.submit("hello", user_id="ada")
    async with commit_event_during(
        world, "go", hello, user_id="ada", email="ada@example.com"
    ) as result:
        (ada,) = await world.contacts()
        assert (ada.email, ada.event_seq) == ("ada@example.com", 2)
        assert (result.contact_id, result.created) == (ada.id, False)
        assert len(await world.events()) == 2


async def test_two_processes_that_get_the_same_idempotency_key_store_one_event(world: World):
    again = world.submit("go", user_id="bo", idempotency_key="k")
    async with commit_event_during(
        world, "go", again, user_id="ada", idempotency_key="k"
    ) as result:
        assert not result.stored
        assert [contact.user_id for contact in await world.contacts()] == ["ada"]


async def test_an_email_that_an_exit_is_cancelling_is_not_handed_over(world: World):
    await world.submit("go", user_id="ada", email="ada@example.com")
    await world.turn_runner(hours(1)).run([(await world.enrollment()).id])
    (send,) = await world.sends()
    ledger = Ledger(world.database, world.clock, world.runtime.ingest)
    begin = ledger.begin(Handoff(send, make_message("ada@example.com", send_id=send.id), "inbox"))
    async with commit_event_during(world, "stop", begin, user_id="ada") as withdrawn:
        assert isinstance(withdrawn, Withdrawn)
        assert await world.send_outcomes() == [("welcome", "cancelled", "exit_on stop")]


async def test_an_event_that_arrives_while_its_contact_is_merged_reaches_the_survivor(
    world: World,
):
    await world.submit("hello", email="ada@example.com")
    await world.submit("hello", user_id="ada")
    late = world.submit("go", email="ada@example.com")
    async with commit_event_during(
        world, "login", late, user_id="ada", email="ada@example.com"
    ) as result:
        ada = await world.contact()
        assert result.contact_id == ada.id
        assert (await world.enrollment()).contact_id == ada.id


async def test_a_reference_to_a_contact_that_is_merged_down_a_chain_reaches_the_last_survivor(
    world: World,
):
    first = await world.submit("hello", anonymous_id="v1")
    await world.submit("hello", email="ada@example.com")
    await world.submit("login", email="ada@example.com", anonymous_id="v1")
    await world.submit("hello", user_id="ada")
    late = world.submit("go", contact_id=first.contact_id)
    async with commit_event_during(
        world, "login", late, user_id="ada", email="ada@example.com"
    ) as result:
        ada = await world.contact()
        assert result.contact_id == ada.id
        assert (await world.enrollment()).contact_id == ada.id
