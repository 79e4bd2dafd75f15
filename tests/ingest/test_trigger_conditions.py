"""A condition on an event may name the trigger: `prop("invoice_id") == trigger("invoice_id")`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hogsend import days, hours
from hogsend.services.bulk_actions import replay_missed_triggers
from hogsend.services.enrollment_actions import run_action
from hogsend.store.db import Write
from tests.actors import OLGA
from tests.world import World

DUNNING = """
    PAID = on("invoice.paid", where=prop("invoice_id") == trigger("invoice_id"))

    @journey("dunning", trigger="invoice.failed", entry="unlimited", exit_on=["left", PAID])
    async def dunning(user, ctx):
        await ctx.sleep(days(1))
        await ctx.send("nudge")
"""


async def fail_invoice(world: World, invoice: Any, user: str = "ada") -> None:
    await world.submit("invoice.failed", user_id=user, properties={"invoice_id": invoice})
    await world.settle()


# -- exits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("invoice", "paid"), [("A", "A"), (7, 7.0), (True, True), (["A", 1], ["A", 1]), ("", "")]
)
async def test_an_exit_may_name_the_trigger(idle_world: World, invoice: Any, paid: Any):
    await idle_world.define(DUNNING)
    await fail_invoice(idle_world, invoice)
    for other in ("B", 8, None):
        await idle_world.submit("invoice.paid", user_id="ada", properties={"invoice_id": other})
    await idle_world.submit("invoice.paid", user_id="ada")
    assert await idle_world.states() == ["active"]
    result = await idle_world.submit("invoice.paid", user_id="ada", properties={"invoice_id": paid})
    exited = await idle_world.enrollment()
    assert (exited.state, [row["exited"] for row in result.exits]) == ("exited", [True])
    reason = "exit_on invoice.paid where invoice_id is the trigger's invoice_id"
    assert exited.end_reason == reason


@pytest.mark.parametrize("properties", [{}, {"invoice_id": None}])
async def test_nothing_equals_a_property_that_the_trigger_lacks(
    idle_world: World, properties: dict[str, Any]
):
    await idle_world.define(DUNNING)
    await idle_world.submit("invoice.failed", user_id="ada", properties=properties)
    for paid in ({"invoice_id": "A"}, {"invoice_id": None}, {}):
        await idle_world.submit("invoice.paid", user_id="ada", properties=paid)
    assert await idle_world.states() == ["active"]


@pytest.mark.parametrize(("paid", "state"), [("A", "exited"), ("B", "active")])
async def test_a_trigger_and_its_exit_may_arrive_in_one_batch(
    idle_world: World, paid: str, state: str
):
    await idle_world.define(DUNNING)
    # The first is written alone, and the others meanwhile gather for one batch.
    arrivals = [("hello", ""), ("invoice.failed", "A"), ("invoice.paid", paid)]
    await asyncio.gather(
        *(
            idle_world.submit(name, user_id="ada", properties={"invoice_id": invoice})
            for name, invoice in arrivals
        )
    )
    assert await idle_world.states() == [state]


async def test_an_exit_that_names_the_trigger_cancels_only_the_mail_about_it(idle_world: World):
    """Both journeys have completed; their mails wait for the morning."""
    await idle_world.define(
        DUNNING.replace("await ctx.sleep(days(1))", "pass").replace(
            'entry="unlimited"', 'entry="unlimited", send_window=("03:00", "04:00")'
        )
    )
    for invoice in ("A", "B"):
        await idle_world.submit(
            "invoice.failed",
            user_id="ada",
            email="ada@example.com",
            properties={"invoice_id": invoice},
        )
        live = [e.id for e in await idle_world.all_enrollments() if e.is_live]
        await idle_world.turn_runner(hours(1)).run(live)
    await idle_world.submit("invoice.paid", user_id="ada", properties={"invoice_id": "A"})
    assert [status for _, status, _ in await idle_world.send_outcomes()] == ["cancelled", "queued"]
    assert await idle_world.counter_drift() == {}


async def test_a_condition_added_later_knows_the_triggers_from_before(idle_world: World):
    before = DUNNING.replace(", PAID]", "]")
    await idle_world.define(before)
    await fail_invoice(idle_world, "A")
    await idle_world.define(DUNNING)
    await idle_world.submit("invoice.paid", user_id="ada", properties={"invoice_id": "B"})
    assert await idle_world.states() == ["active"]
    await idle_world.submit("invoice.paid", user_id="ada", properties={"invoice_id": "A"})
    assert await idle_world.states() == ["exited"]


async def test_a_parked_journey_keeps_a_condition_that_names_the_trigger(world: World):
    await world.define(DUNNING)
    await fail_invoice(world, "A")
    world.remove("journeys")
    await world.load()
    await world.advance(days(1))
    assert await world.states() == ["parked"]
    await world.emit("invoice.paid", invoice_id="B")
    assert await world.states() == ["parked"]
    await world.emit("invoice.paid", invoice_id="A")
    assert await world.states() == ["exited"]


@pytest.mark.parametrize(("paid", "state"), [("A", "exited"), ("B", "waiting")])
async def test_a_replayed_trigger_is_ended_by_the_event_about_it(
    world: World, paid: str, state: str
):
    await world.define(DUNNING)
    world.write("journeys", "def broken(:")
    await world.load()
    await fail_invoice(world, "A")
    await world.emit("invoice.paid", invoice_id=paid)
    await world.define(DUNNING)
    await replay_missed_triggers(world.runtime, OLGA, "dunning")
    await world.settle()
    assert await world.states() == [state]


@pytest.mark.parametrize(("paid", "state"), [("A", "exited"), ("B", "waiting")])
async def test_a_retry_is_ended_by_the_event_about_its_trigger(world: World, paid: str, state: str):
    await world.define(DUNNING.replace("await ctx.sleep(days(1))", "raise ValueError"))
    await fail_invoice(world, "A")
    for _ in range(6):
        await world.advance(hours(3))
    assert await world.states() == ["failed"]
    await world.emit("invoice.paid", invoice_id=paid)
    await world.define(DUNNING)
    await run_action(world.runtime, OLGA, "retry", (await world.enrollment()).id)
    await world.settle()
    assert await world.states() == [state]


async def test_a_merge_keeps_the_trigger_of_an_enrollment(idle_world: World):
    await idle_world.define(DUNNING)
    await idle_world.submit(
        "invoice.failed", anonymous_id="browser", properties={"invoice_id": "A"}
    )
    await idle_world.submit("hello", user_id="ada")
    await idle_world.submit("signed.in", user_id="ada", anonymous_id="browser")
    await idle_world.submit("invoice.paid", user_id="ada", properties={"invoice_id": "B"})
    assert await idle_world.states() == ["active"]
    await idle_world.submit("invoice.paid", user_id="ada", properties={"invoice_id": "A"})
    assert await idle_world.states() == ["exited"]


async def test_a_corrupt_trigger_does_not_keep_later_events_out(sqlite_world: World):
    await sqlite_world.define(DUNNING)
    await fail_invoice(sqlite_world, "A")
    async with sqlite_world.database.transaction() as tx:
        await tx.apply([Write("UPDATE events SET properties = ?", [("{",)])])
    await sqlite_world.submit("invoice.paid", user_id="ada", properties={"invoice_id": "A"})
    await sqlite_world.submit("left", user_id="ada")
    assert await sqlite_world.states() == ["exited"]


# -- calls -----------------------------------------------------------------------------------------

CALLS = """
    SAME = prop("invoice_id") == trigger("invoice_id")

    @journey("j", trigger="invoice.failed", entry="unlimited")
    async def j(user, ctx):
        got = await {call}
        await ctx.checkpoint(str({answer}))
"""


async def read_checkpoint(world: World) -> str | None:
    labels = [step.label for step in await world.journal() if step.kind == "checkpoint"]
    return labels[0] if labels else None


@pytest.mark.parametrize(
    "call",
    [
        'ctx.wait_for("invoice.paid", where=SAME, timeout=days(9))',
        'ctx.wait_for(on("invoice.paid", where=SAME), timeout=days(9))',
        'ctx.wait_for_any(["left", on("invoice.paid", where=~(~SAME))])',
        'ctx.wait_for("invoice.paid", where=prop("invoice_id").in_(trigger("invoice_ids")))',
        'ctx.wait_for("invoice.paid", where=prop("invoice_id") >= trigger("least"))',
    ],
)
async def test_a_wait_may_name_the_trigger(world: World, call: str):
    await world.define(CALLS.format(call=call, answer='got.event.properties["n"]'))
    await world.emit("invoice.failed", invoice_id="B", invoice_ids=["B", "C"], least="B")
    await world.emit("invoice.paid", invoice_id="A", n=1)
    await world.emit("invoice.paid", n=2)
    assert await read_checkpoint(world) is None
    await world.emit("invoice.paid", invoice_id="B", n=3)
    assert await read_checkpoint(world) == "3"


async def test_a_wait_shows_what_it_waits_for(world: World):
    call = 'ctx.wait_for("invoice.paid", where=SAME, timeout=days(9))'
    await world.define(CALLS.format(call=call, answer="got"))
    await world.emit("invoice.failed", invoice_id="B")
    (step,) = await world.journal()
    assert (step.detail or {})["events"] == ["invoice.paid where invoice_id is “B”"]


async def test_a_wait_that_names_the_trigger_looks_back(idle_world: World):
    call = 'ctx.wait_for("invoice.paid", where=SAME)'
    await idle_world.define(CALLS.format(call=call, answer='got.event.properties["n"]'))
    await fail_invoice(idle_world, "B")
    for n, invoice in enumerate("ABB"):
        await idle_world.submit(
            "invoice.paid", user_id="ada", properties={"invoice_id": invoice, "n": n}
        )
    await idle_world.turn_runner(hours(1)).run([(await idle_world.enrollment()).id])
    assert await read_checkpoint(idle_world) == "1"


@pytest.mark.parametrize("event", ['"invoice.seen", where=SAME', 'on("invoice.seen", where=SAME)'])
async def test_a_digest_may_name_the_trigger(world: World, event: str):
    call = f"ctx.digest(hours(1), {event}, max_events=2)"
    await world.define(CALLS.format(call=call, answer='[e.properties["n"] for e in got]'))
    await world.emit("invoice.failed", invoice_id="B")
    for n, invoice in enumerate("BABA"):
        assert await read_checkpoint(world) is None or n == 3
        await world.emit("invoice.seen", invoice_id=invoice, n=n)
    assert await read_checkpoint(world) == "[0, 2]"


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ('ctx.history.count("invoice.seen", where=SAME)', "2"),
        ('ctx.history.has_event("invoice.seen", where=SAME)', "True"),
        ('ctx.history.has_event("invoice.seen", where=~SAME)', "True"),
    ],
)
async def test_history_may_name_the_trigger(world: World, call: str, answer: str):
    await world.define(CALLS.format(call=call, answer="got"))
    for invoice in "BAB":
        await world.emit("invoice.seen", invoice_id=invoice)
    await world.emit("invoice.failed", invoice_id="B")
    assert await read_checkpoint(world) == answer


# -- mistakes --------------------------------------------------------------------------------------


async def test_mistakes_with_trigger_are_reported_together_with_file_and_line(idle_world: World):
    idle_world.write(
        "journeys",
        """
        SAME = prop("cart") == trigger("cart")

        @journey("first", trigger=on("go", where=SAME | (prop("x") == 1)))
        async def first(user, ctx): ...

        @journey("second", trigger="go", goal=on("paid", where=~SAME), entry="often")
        async def second(user, ctx): ...

        @journey("third", trigger="go", key=trigger("cart"))
        async def third(user, ctx): ...

        @journey("right", trigger="go", exit_on=[on("paid", where=SAME)])
        async def right(user, ctx): ...
        """,
    )
    await idle_world.load()
    assert list(idle_world.runtime.registry.journeys) == ["right"]
    problems = [str(broken) for broken in idle_world.runtime.content.broken]
    assert [problem.split(" ")[:4] for problem in problems] == [
        ["journeys.py:6:", "the", "journey", "'first':"],
        ["journeys.py:9:", "the", "journey", "'second':"],
        ["journeys.py:9:", "the", "journey", "'second':"],
        ["journeys.py:12:", "the", "journey", "'third':"],
    ]
    assert "the condition of trigger compares with a property of the trigger" in problems[0]
    assert "the condition of goal compares with a property of the trigger" in problems[2]
    assert 'key=prop("cart_id")' in problems[3]
