"""`was=`: a call that was renamed is still the call that people have made, or wait in."""

from __future__ import annotations

from pathlib import Path

import pytest

from hogsend import days
from hogsend.turns.static_analysis.graphs import build_graph_from_source
from tests.turns.test_folder_check import build_source, diagnose_text
from tests.turns.test_plan import bring_to_wait, make_plan
from tests.world import World

BEFORE = """
    @journey("j", trigger="go", exit_on=["stop"])
    async def j(user, ctx):
        await ctx.send("welcome")
        await ctx.sleep(days(2), label="post-welcome")
        await ctx.send("nudge")
"""
RENAMED = BEFORE.replace('label="post-welcome"', 'label="after-welcome", was="post-welcome"')


async def list_templates(world: World) -> list[str]:
    """Return the templates of the mails that journeys decided on, in order."""
    return [send.template for send in await world.sends()]


async def test_people_who_wait_under_the_former_label_go_on_at_their_instant(world: World):
    await bring_to_wait(world, source=BEFORE)
    await world.define(RENAMED.replace("days(2)", "days(9)"))
    await world.advance(days(2))
    assert await list_templates(world) == ["welcome", "nudge"]
    assert await world.states() == ["completed"]
    assert await world.counter_drift() == {}


async def test_a_plan_finds_renamed_labels_identical(world: World):
    await bring_to_wait(world, source=BEFORE)
    plan = await make_plan(world, RENAMED)
    assert (plan.identical, plan.people, plan.endangered) == (1, 1, 0)


async def test_new_people_have_only_the_present_label(sqlite_world: World):
    await bring_to_wait(sqlite_world, source=RENAMED)
    waiting = await sqlite_world.enrollment()
    assert waiting.wait is not None
    assert waiting.wait.key == "sleep:after-welcome"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('ctx.send("welcome")', 'ctx.send("offer", was="welcome")'),
        ('ctx.send("welcome", label="a")', 'ctx.send("offer", label="b", was="a")'),
        ("ctx.sleep(days(0))", 'ctx.sleep(days(5), was="0 seconds")'),
        (
            'ctx.sleep_until(user.first_seen_at, label="a")',
            'ctx.sleep(days(5), label="b", was="a")',
        ),
        ('ctx.wait_for("go2", timeout=days(0))', 'ctx.wait_for("go3", was="go2")'),
        (
            'ctx.wait_for_any(["x", "y"], timeout=days(0))',
            'ctx.wait_for_any(["y", "x"], was="x or y")',
        ),
        ('ctx.digest(days(1), "go2", max_events=1)', 'ctx.digest(days(1), "go3", was="go2")'),
        ("ctx.throttle(3, days(1))", 'ctx.throttle(9, days(1), was="3 in 1 day")'),
        ('ctx.step("a", lambda: 1)', 'ctx.step("b", lambda: 2, was="a")'),
        ('ctx.trigger("noted")', 'ctx.trigger("written", was="noted")'),
        ("ctx.contact()", 'ctx.contact(label="b", was="now")'),
        ("ctx.is_subscribed()", 'ctx.is_subscribed("journey", was="journey\'s list")'),
        ("ctx.now()", 'ctx.now(label="b", was="now")'),
        ("ctx.random()", 'ctx.random(label="b", was="random")'),
        ("ctx.uuid()", 'ctx.uuid(label="b", was="uuid")'),
        ('ctx.variant("a", {"x": 1})', 'ctx.variant("b", {"y": 1}, was="a")'),
        ('ctx.checkpoint("a")', 'ctx.checkpoint("b", was="a")'),
        ('ctx.history.has_event("go")', 'ctx.history.has_event("x", was="go")'),
        ('ctx.history.count("go")', 'ctx.history.count("x", was="go")'),
        ('ctx.history.events("go")', 'ctx.history.events("x", was="go")'),
        ('ctx.history.last_event("go")', 'ctx.history.last_event("x", was="go")'),
        ('ctx.history.journey("j")', 'ctx.history.journey("k", was="j")'),
        ('ctx.history.email("welcome")', 'ctx.history.email("offer", was="welcome")'),
    ],
)
async def test_every_call_with_a_label_answers_from_the_former_entry(
    sqlite_world: World, before: str, after: str
):
    code = """
        @journey("j", trigger="go")
        async def j(user, ctx):
            found = await CALL
            await ctx.sleep(days(1), label="pause")
            await ctx.trigger("reported", {"found": repr(found)})
    """
    await sqlite_world.submit("go2", user_id="ada", email="ada@example.com")
    await sqlite_world.define(code.replace("CALL", before))
    await sqlite_world.emit("go")
    await sqlite_world.emit("go2")
    recorded = {step.key for step in await sqlite_world.journal()}
    sent = len(await sqlite_world.sends())

    await sqlite_world.define(code.replace("CALL", after))
    await sqlite_world.advance(days(2))

    assert await sqlite_world.states() == ["completed"]
    assert {step.key for step in await sqlite_world.journal()} - recorded == {"trigger:reported"}
    assert len(await sqlite_world.sends()) == sent


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('ctx.wait_for("used", timeout=days(3))', 'ctx.wait_for("other", label="b", was="used")'),
        (
            'ctx.digest(days(3), "used", max_events=1)',
            'ctx.digest(days(9), "used", label="b", was="used")',
        ),
        ('ctx.sleep_until(prop("ends"), label="a")', 'ctx.sleep(days(1), label="b", was="a")'),
    ],
)
async def test_people_in_any_kind_of_wait_go_on_in_the_renamed_one(
    world: World, before: str, after: str
):
    code = """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await CALL
            await ctx.send("nudge")
    """
    await world.define(code.replace("CALL", before))
    ends = (world.clock.now() + days(3)).isoformat()
    await world.submit("go", user_id="ada", contact_properties={"ends": ends})
    await world.settle()
    await world.define(code.replace("CALL", after))
    await world.advance(days(2))
    assert await list_templates(world) == []
    await world.emit("used")
    await world.advance(days(1))
    assert await list_templates(world) == ["nudge"]
    assert await world.counter_drift() == {}


async def test_a_call_that_was_renamed_twice_answers_from_either_entry(sqlite_world: World):
    await bring_to_wait(sqlite_world, source=BEFORE)
    await sqlite_world.define(
        BEFORE.replace('label="post-welcome"', 'label="newest", was=("newer", "post-welcome")')
    )
    await sqlite_world.advance(days(2))
    assert await list_templates(sqlite_world) == ["welcome", "nudge"]


LOOP = """
    @journey("j", trigger="go")
    async def j(user, ctx):
        for _ in range(3):
            await ctx.send("welcome", LETTER)
            await ctx.sleep(days(1), PAUSE)
"""


async def test_a_loop_whose_calls_are_renamed_goes_on_where_it_is(sqlite_world: World):
    await bring_to_wait(
        sqlite_world, source=LOOP.replace("LETTER", 'label="a"').replace("PAUSE", 'label="p"')
    )
    await sqlite_world.advance(days(1))
    await sqlite_world.define(
        LOOP.replace("LETTER", 'label="b", was="a"').replace("PAUSE", 'label="q", was="p"')
    )
    await sqlite_world.advance(days(1))
    await sqlite_world.advance(days(1))
    assert await sqlite_world.states() == ["completed"]
    assert await list_templates(sqlite_world) == ["welcome"] * 3


async def test_two_calls_of_one_former_label_keep_their_order(sqlite_world: World):
    await bring_to_wait(
        sqlite_world,
        source="""
            @journey("j", trigger="go")
            async def j(user, ctx):
                await ctx.sleep(days(1), label="pause")
                await ctx.send("welcome")
                await ctx.sleep(days(1), label="pause")
                await ctx.send("nudge")
        """,
    )
    await sqlite_world.advance(days(1))
    assert await list_templates(sqlite_world) == ["welcome"]
    await sqlite_world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.sleep(days(1), label="first", was="pause")
            await ctx.send("welcome")
            await ctx.sleep(days(1), label="second", was="pause")
            await ctx.send("nudge")
        """
    )
    await sqlite_world.advance(days(1))
    assert await list_templates(sqlite_world) == ["welcome", "nudge"]


async def test_a_step_that_is_being_repeated_keeps_its_attempts_when_it_is_renamed(
    sqlite_world: World,
):
    code = """
        def call():
            raise ValueError("no")

        @journey("j", trigger="go")
        async def j(user, ctx):
            try:
                await ctx.step(KEY, call, retries=1)
            except StepFailed:
                await ctx.send("offer")
    """
    await sqlite_world.define(code.replace("KEY", '"charge"'))
    await sqlite_world.emit("go")
    assert await sqlite_world.states() == ["waiting"]
    await sqlite_world.define(
        code.replace("KEY", '"pay"').replace("retries=1", 'retries=1, was="charge"')
    )
    await sqlite_world.advance(days(1))
    assert await list_templates(sqlite_world) == ["offer"]


# -- the graph --------------------------------------------------------------------------------


def count_people(body: str, *keys: str) -> tuple[dict[int, dict[str, int]], dict[str, int]]:
    graph = build_graph_from_source(f"async def j(user, ctx):\n{body}", "go")
    return graph.count_people(dict.fromkeys(keys, 1))


def test_the_graph_shows_people_under_the_former_label_in_the_renamed_wait():
    by_step, elsewhere = count_people(
        '    await ctx.sleep(days(2), label="new", was=("newer", "old"))\n',
        "sleep:old",
        "sleep:new",
        "sleep:newer",
        "sleep:other",
    )
    assert (list(by_step.values()), elsewhere) == (
        [{"sleep:old": 1, "sleep:new": 1, "sleep:newer": 1}],
        {"sleep:other": 1},
    )


def test_the_graph_tells_two_waits_of_one_former_label_apart():
    by_step, elsewhere = count_people(
        '    await ctx.sleep(days(2), label="first", was="pause")\n'
        '    await ctx.sleep(days(2), label="second", was="pause")\n',
        "sleep:pause",
        "sleep:pause#2",
    )
    assert (list(by_step.values()), elsewhere) == ([{"sleep:pause": 1}, {"sleep:pause#2": 1}], {})


def test_the_graph_shows_later_rounds_of_a_renamed_wait_in_its_loop():
    by_step, elsewhere = count_people(
        '    for _ in range(9):\n        await ctx.sleep(days(2), label="new", was="old")\n',
        "sleep:old#7",
    )
    assert (list(by_step.values()), elsewhere) == ([{"sleep:old#7": 1}], {})


# -- the checks -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('await ctx.sleep(days(1), label="a", was="a")', "is the label of this sleep itself."),
        ('await ctx.send("welcome", was="welcome")', "is the label of this send itself."),
        ('await ctx.now(was="now")', "is the label of this now itself."),
        (
            'await ctx.sleep(days(1), label="b", was="a")\nawait ctx.sleep(days(1), label="a")',
            "is the label of the sleep in line 8.",
        ),
        (
            'await ctx.send("nudge", was=("x", "welcome"))\nawait ctx.send("welcome")',
            "is the label of the send in line 8.",
        ),
        (
            'await ctx.now(label="start", was="now")\nprint(await ctx.now())',
            "is the label of the now in line 8.",
        ),
        (
            'await ctx.history.count("b", was="a")\nawait ctx.history.count("a")',
            "is the label of the count in line 8.",
        ),
    ],
)
def test_a_former_label_that_a_call_has_today_is_an_error(tmp_path: Path, body: str, problem: str):
    (diagnostic,) = diagnose_text(tmp_path, build_source(body))
    assert diagnostic.problem.endswith(problem)
    assert (diagnostic.severity, diagnostic.line) == ("error", 7)


@pytest.mark.parametrize(
    "body",
    [
        'await ctx.sleep(days(1), label="b", was="a")\nawait ctx.send("welcome", label="a")',
        'await ctx.now(label="b", was="a")\nawait ctx.now(label="c", was="a")',
        'await ctx.sleep(days(1), label=f"{user.key}", was="a")',
        'for n in range(3):\n    await ctx.sleep(days(1), label=f"b{n}", was=f"a{n}")',
    ],
)
def test_a_former_label_that_no_call_has_today_is_no_problem(tmp_path: Path, body: str):
    assert diagnose_text(tmp_path, build_source(body)) == []


@pytest.mark.parametrize(
    ("was", "message"),
    [('"pause"', "was='pause' is the label itself."), ("5", "was= takes the former label")],
)
async def test_a_former_label_that_cannot_be_one_fails_the_turn(
    sqlite_world: World, was: str, message: str
):
    await sqlite_world.define(
        f"""
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.sleep(days(1), label="pause", was={was})
        """
    )
    await sqlite_world.emit("go")
    assert message in ((await sqlite_world.enrollment()).error or "")
