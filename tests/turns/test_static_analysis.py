"""The graph of a journey is read from its code: loops, branches, failures, functions it calls."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from hogsend import days
from hogsend.domain.graph import Fork, GraphStep, Item, JourneyGraph
from hogsend.turns.folder_loader import load
from hogsend.turns.static_analysis.graphs import build_graph_from_source
from tests.world import World


def build_graph(body: str, trigger: str = "go") -> JourneyGraph:
    """Return the graph of a journey with this body."""
    text = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return build_graph_from_source(f"async def j(user, ctx):\n{text}\n", trigger)


def format_items(items: Sequence[Item]) -> list[object]:
    """Return a graph as nested lists: a step as text, a fork as its head and its branches."""
    lines: list[object] = []
    for item in items:
        if isinstance(item, Fork):
            branches = {branch.word: format_items(branch.items) for branch in item.branches}
            lines.append((f"{item.head.kind} {item.head.what}", branches))
        else:
            lines.append(f"{item.kind} {item.what}{item.span}".strip())
    return lines


def read_items(body: str) -> list[object]:
    return format_items(build_graph(body).items)


def list_keys(flow: JourneyGraph) -> list[str]:
    """Return the keys of all steps, with the number of the first occurrence after the first."""
    return [step.first_key for step in flow.walk_steps() if step.key]


@pytest.mark.parametrize(
    ("call", "key"),
    [
        ('ctx.send("welcome")', "send:welcome"),
        ('ctx.send("welcome", label="first")', "send:first"),
        ("ctx.sleep(days(2))", "sleep:2 days"),
        ("ctx.sleep(timedelta(hours=36))", "sleep:1 day 12 hours"),
        ("ctx.sleep(2 * days(1) + hours(1))", "sleep:2 days 1 hour"),
        ('ctx.sleep(days(2), label="later")', "sleep:later"),
        ("ctx.sleep_until(instant)", "sleep:until"),
        ('ctx.sleep_until(prop("trial.ends") - days(2))', "sleep:trial.ends - 2 days"),
        ('ctx.sleep_until(prop("ends"), timeout=days(2))', "sleep:ends"),
        ('ctx.sleep_until(prop("ends"), label="end")', "sleep:end"),
        ('ctx.sleep_until(ctx.when.tomorrow().at("09:00"))', "sleep:tomorrow at 09:00"),
        ('ctx.sleep_until(await ctx.when.tomorrow().at("09:00"))', "sleep:tomorrow at 09:00"),
        ('ctx.wait_for("paid", timeout=days(3))', "wait:paid"),
        ('ctx.wait_for(on("paid", where=prop("sum") > 5))', "wait:paid"),
        ('ctx.wait_for_any(["paid", on("left")])', "wait:paid or left"),
        ("ctx.digest(days(1))", "digest:go"),
        ('ctx.digest(days(1), "viewed")', "digest:viewed"),
        ("ctx.throttle(3, days(7))", "throttle:3 in 7 days"),
        ('ctx.step("charge", charge)', "step:charge"),
        ('ctx.trigger("unpaid")', "trigger:unpaid"),
        ('ctx.variant("subject", {"a": 1})', "variant:subject"),
        ('ctx.checkpoint("here")', "checkpoint:here"),
        ('ctx.history.count("used", since=days(7))', "count:used"),
        ('ctx.history.email("welcome")', "email:welcome"),
        ('ctx.history.journey("trial")', "journey:trial"),
        ("ctx.is_subscribed()", "is_subscribed:journey's list"),
        ('ctx.is_subscribed(list="news")', "is_subscribed:news"),
        ('ctx.send(f"week-{number}")', "send:week-*"),
        ("ctx.send(template)", ""),
        ("ctx.sleep(pause)", ""),
        ('ctx.sleep(pause, label="pause")', "sleep:pause"),
    ],
)
async def test_a_step_of_the_graph_has_the_key_of_the_journal(call: str, key: str):
    steps = list(build_graph(f"await {call}").walk_steps())
    assert steps[-1].key == key


def test_an_if_is_a_fork_with_two_branches():
    assert read_items("""
        if not await ctx.history.has_event("used"):
            await ctx.send("nudge")
        elif await ctx.wait_for("paid", timeout=days(3)):
            return
        if user.properties["plan"] == "pro":
            pass
    """) == [
        (
            "decision used",
            {
                "yes": [
                    "wait paidup to 3 days",
                    ("decision paid received", {"yes": ["end completed"], "no": []}),
                ],
                "no": ["send nudge"],
            },
        )
    ]


def test_a_loop_is_a_fork_with_one_branch():
    assert read_items("""
        for template in templates:
            await ctx.send(template)
            if await ctx.history.has_event("used"):
                break
        while not await ctx.wait_for("paid", timeout=days(1)):
            await ctx.send("reminder")
        while True:
            await ctx.sleep(days(7), label="week")
            if not user.properties:
                continue
            await ctx.send("weekly")
        await ctx.send("never")
    """) == [
        (
            "loop for template in templates",
            {
                "each time": [
                    "send template",
                    ("decision used", {"yes": ["jump leaves the loop"], "no": []}),
                ]
            },
        ),
        (
            "loop while not wait_for('paid', timeout=days(1))",
            {"each time": ["wait paidup to 1 day", "send reminder"]},
        ),
        (
            "loop again and again",
            {
                "each time": [
                    "sleep 7 days",
                    ("decision user.properties", {"yes": [], "no": ["jump continues the loop"]}),
                    "send weekly",
                ]
            },
        ),
    ]


def test_a_call_in_a_comprehension_is_in_a_loop():
    assert read_items('sent = [await ctx.send(t) for t in ("a", "b")]') == [
        ("loop for t in ('a', 'b')", {"each time": ["send t"]})
    ]


def test_a_conditional_expression_is_a_fork():
    assert read_items('x = await ctx.send("a") if vip else await ctx.send("b")') == [
        ("decision vip", {"yes": ["send a"], "no": ["send b"]})
    ]


def test_a_match_is_a_fork_with_all_its_cases():
    assert read_items("""
        match user.properties.get("plan"):
            case "pro" | "team":
                await ctx.send("pro")
            case str() if trial:
                raise ValueError("no")
    """) == [
        (
            "choice user.properties.get('plan')",
            {
                "'pro' | 'team'": ["send pro"],
                "str() if trial": ["fail ValueError('no')"],
                "otherwise": [],
            },
        )
    ]


def test_a_handler_with_steps_is_a_branch_of_its_own():
    assert read_items("""
        try:
            await ctx.step("charge", charge)
        except StepFailed:
            await ctx.exit("not charged")
        try:
            await ctx.step("tag", tag)
        except StepFailed:
            pass
        finally:
            await ctx.checkpoint("done")
    """) == [
        (
            "attempt try",
            {"succeeds": ["step charge"], "if StepFailed": ["exit not charged"]},
        ),
        "step tag",
        "checkpoint done",
    ]


def test_the_function_of_a_step_is_not_part_of_the_graph():
    assert read_items("""
        async def charge():
            await ctx.send("inside")
        await ctx.step("charge", lambda: ctx.send("inside"))
        await ctx.step("charge again", charge)
    """) == ["step charge", "step charge again"]


def test_a_block_without_ctx_calls_is_left_out():
    assert (
        read_items("""
        for amount in amounts:
            total += amount
        if total:
            print(total)
        try:
            total /= 2
        except ZeroDivisionError:
            pass
        match total:
            case 1:
                total = 2
    """)
        == []
    )


def test_functions_that_get_the_context_are_read_at_their_call():
    flow = build_graph("""
        async def remind(template, pause=days(1)):
            await ctx.sleep(pause)
            if await ctx.history.has_event("paid"):
                return False
            return await ctx.send(template)
        await remind("first")
        await remind(template="second", pause=days(2))
    """)
    assert format_items(flow.items) == [
        "sleep 1 day",
        ("decision paid", {"yes": [], "no": ["send first"]}),
        "sleep 2 days",
        ("decision paid", {"yes": [], "no": ["send second"]}),
    ]
    assert list_keys(flow) == [
        "sleep:1 day",
        "has_event:paid",
        "send:first",
        "sleep:2 days",
        "has_event:paid#2",
        "send:second",
    ]


def test_a_function_that_gets_spread_arguments_is_read_at_its_call():
    body = """
        async def rest(ctx, *lengths, label="rest"):
            await ctx.sleep(days(1), label=label)
        await rest(ctx, *spans)
        await rest(ctx, **options)
        await rest(*spans, ctx=ctx, label="long")
    """
    assert [step.key for step in build_graph(body).walk_steps()] == [
        "sleep:rest",
        "sleep:rest",
        "sleep:long",
    ]


def test_a_label_from_an_attribute_that_changes_is_not_known(tmp_path: Path):
    (tmp_path / "j.py").write_text(
        textwrap.dedent("""
            from dataclasses import dataclass
            from hogsend import Context, days, journey

            @dataclass
            class Flow:
                ctx: Context
                count: int = 0
                async def rest(self):
                    self.count += 1
                    await self.ctx.sleep(days(1), label=f"rest-{self.count}")

            @journey("j", trigger="go")
            async def j(user, ctx):
                await Flow(ctx).rest()
        """)
    )
    assert list_keys(load(tmp_path).graphs["j"]) == ["sleep:rest-*"]


def test_the_fields_of_data_classes_are_inherited_and_class_variables_are_none(tmp_path: Path):
    (tmp_path / "j.py").write_text(
        textwrap.dedent("""
            from dataclasses import dataclass, field
            from typing import ClassVar
            from hogsend import Contact, Context, days, journey

            @dataclass
            class Flow:
                LIMIT: ClassVar[int] = 3
                ctx: Context
                count: int = field(init=False, default=0)
                label: str = "zero"

            @dataclass
            class LongFlow(Flow):
                length: object = days(1)
                async def rest(self):
                    await self.ctx.sleep(self.length, label=self.label)

            @journey("j", trigger="go")
            async def j(user, ctx):
                await LongFlow(ctx, "first").rest()
                await LongFlow(ctx, "second", days(2)).rest()
                await LongFlow(ctx, *["third"]).rest()
        """)
    )
    steps = list(load(tmp_path).graphs["j"].walk_steps())
    assert [step.key for step in steps[:2]] == ["sleep:first", "sleep:second"]
    assert [step.kind for step in steps] == ["sleep"] * 3


def test_a_helper_may_hand_the_context_to_its_base_class(tmp_path: Path):
    (tmp_path / "j.py").write_text(
        textwrap.dedent("""
            from hogsend import Contact, Context, days, journey

            class Flow:
                def __init__(self, context, *, label="rest"):
                    self.ctx = context
                    self.label = label

            class LongFlow(Flow):
                def __init__(self, ctx, length, name):
                    super().__init__(ctx, label=name)
                    self.length = length

                async def rest(self):
                    await self.ctx.sleep(self.length, label=self.label)

            @journey("j", trigger="go")
            async def j(user, ctx):
                await LongFlow(ctx, days(1), "first").rest()
        """)
    )
    assert list_keys(load(tmp_path).graphs["j"]) == ["sleep:first"]


def test_a_function_that_calls_itself_is_read_once():
    assert read_items("""
        async def again(n):
            await ctx.send("once more")
            await again(n - 1)
        await again(3)
    """) == [("loop again calls itself", {"each time": ["send once more", "jump again again"]})]


def test_parts_of_the_context_can_be_bound_to_other_names():
    flow = build_graph("""
        past, send = ctx.history, ctx.send
        history = ctx.history
        mail = ctx.send
        await history.count("used")
        await mail("welcome")
        ctx = None
    """)
    assert list_keys(flow) == []
    flow = build_graph("""
        history = ctx.history
        mail = ctx.send
        await history.count("used")
        await mail("welcome")
    """)
    assert list_keys(flow) == ["count:used", "send:welcome"]


def test_a_name_that_is_bound_twice_is_no_constant():
    flow = build_graph("""
        pause = days(1)
        for _ in range(3):
            await ctx.sleep(pause, label=f"after {pause}")
            pause = pause * 2
    """)
    assert list_keys(flow) == ["sleep:after *"]


def test_code_that_cannot_be_parsed_has_no_steps():
    for text in ("", "async def j(user, ctx:", "x = 1", "async def j(): ...", "\0"):
        assert build_graph_from_source(text) == JourneyGraph()


def test_a_deeply_nested_journey_is_read_in_reasonable_time():
    doubling = ['async def f0():\n        await ctx.send("a")'] + [
        f"async def f{n}():\n        await f{n - 1}()\n        await f{n - 1}()"
        for n in range(1, 30)
    ]
    body = "\n    ".join([*doubling, "await f29()"])
    flow = build_graph_from_source(f"async def j(user, ctx):\n    {body}\n")
    assert 1000 < len(list(flow.walk_steps())) < 5000


EVERYTHING = """
@journey("j", trigger="go")
async def j(user, ctx):
    await ctx.send("welcome")
    for template in ("nudge", "offer"):
        await ctx.send(template)
        await ctx.sleep(days(1))
    await ctx.wait_for(on("paid", where=prop("sum") > 5), timeout=2 * days(1) + hours(3))
    await ctx.wait_for_any(["paid", "left"], timeout=days(1))
    if not await ctx.history.has_event("paid"):
        await ctx.sleep(days(1), label="later")
    async def pause(span, label=None):
        await ctx.sleep(span)
        await ctx.sleep_until(await ctx.now() + span, label=label or "until then")
    await pause(days(3))
    await pause(timedelta(hours=36))
    await ctx.sleep_until(ctx.when.next("monday").at("09:00"))
    await ctx.digest(hours(6))
    await ctx.digest(hours(6), "viewed", label=f"of {user.user_id}")
    await ctx.throttle(3, days(7))
    await ctx.is_subscribed()
    await ctx.is_subscribed("journey")
    await ctx.history.count("paid", label="payments")
    await ctx.history.journey("j")
    await ctx.history.email("welcome")
    await ctx.step("add", lambda: 1 + 1)
    await ctx.trigger("done")
    await ctx.variant("arm", {"a": 1})
    await ctx.checkpoint("end")
"""
UNDRAWN = {"user", "now", "when", "zone"}


async def test_the_graph_names_every_step_as_the_journal_does(sqlite_world: World):
    await sqlite_world.define(EVERYTHING)
    await sqlite_world.emit("go")
    for _ in range(40):
        await sqlite_world.advance(days(1))
    enrollment = await sqlite_world.enrollment()
    assert enrollment.state == "completed"
    journal = [s for s in await sqlite_world.journal(enrollment.id) if s.kind not in UNDRAWN]
    # The journal has two entries of a wait: for its beginning and its end.
    keys = list(dict.fromkeys(step.key for step in journal))

    drawn = [
        step for step in sqlite_world.runtime.content.registry.graphs["j"].walk_steps() if step.key
    ]

    unknown = [key for key in keys if not any(step.matches_key(key) for step in drawn)]
    assert unknown == ["send:nudge", "send:offer"]
    never_asked = [step.key for step in drawn if not any(map(step.matches_key, keys))]
    assert never_asked == []
    in_loop = next(step for step in drawn if step.key == "sleep:1 day")
    assert [key for key in keys if in_loop.matches_key(key)] == [
        "sleep:1 day",
        "sleep:1 day#2",
    ]
    assert "digest:of *" in [step.key for step in drawn]


# -- a folder of files --------------------------------------------------------------------------


def load_steps(folder: Path, files: dict[str, str], journey_id: str = "j") -> list[GraphStep]:
    """Load a folder with these files, and return the steps of a journey."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
    registry = load(folder)
    assert not registry.broken
    return list(registry.graphs[journey_id].walk_steps())


def test_functions_and_constants_of_other_files_are_followed(tmp_path: Path):
    steps = load_steps(
        tmp_path,
        {
            "_steps.py": """
                from datetime import timedelta
                from hogsend import days
                PAUSE = days(2)
                async def pause(ctx, what, *, span=PAUSE):
                    await ctx.sleep(span)
                    await ctx.send(what)
            """,
            "parts/__init__.py": "from .more import late\n",
            "parts/more.py": """
                async def late(past):
                    return await past.count("late")
            """,
            "j.py": """
                from hogsend import days, journey
                from . import _steps
                from ._steps import PAUSE as LONG, pause
                from journeys.parts.more import late

                WELCOME = "welcome"

                @journey("j", trigger="go")
                async def j(user, ctx):
                    await pause(ctx, WELCOME)
                    await _steps.pause(ctx, what="again", span=LONG * 2)
                    await late(ctx.history)
            """,
        },
    )
    assert [(step.key, step.file, step.line) for step in steps] == [
        ("sleep:2 days", "_steps.py", 6),
        ("send:welcome", "_steps.py", 7),
        ("sleep:4 days", "_steps.py", 6),
        ("send:again", "_steps.py", 7),
        ("count:late", "parts/more.py", 3),
    ]


def test_each_journey_of_a_file_has_its_own_graph(tmp_path: Path):
    files = {
        "two.py": """
            from hogsend import journey

            def make(id, template):
                @journey(id, trigger="go")
                async def made(user, ctx):
                    await ctx.send(template)
                return made

            one, two = make("one", "a"), make("two", "b")

            @journey(
                "j",
                trigger="go",
            )
            async def j(user, ctx):
                await ctx.digest(window)
        """
    }
    assert [step.kind for step in load_steps(tmp_path, files, "one")] == ["send"]
    assert [(s.kind, s.key, s.line) for s in load_steps(tmp_path, files)] == [
        ("digest", "digest:go", 17)
    ]
