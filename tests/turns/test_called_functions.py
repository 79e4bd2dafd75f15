"""The graph shows what comes after a helper, however the helper returns, and where people wait."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from hogsend.domain.graph import Fork, Item, JourneyGraph, is_terminal
from hogsend.turns.folder_loader import load
from hogsend.turns.static_analysis.graphs import build_graph_from_source
from tests.turns.test_static_analysis import build_graph, format_items

AFTER = """
await helper()
await ctx.sleep(days(1), label="after")
"""
# Helpers that return, each in another way.
HELPERS = {
    "a return in an endless loop": """
        async def helper():
            while True:
                await ctx.sleep(days(1), label="inside")
                if await ctx.history.has_event("paid"):
                    return
    """,
    "a return in two endless loops": """
        async def helper():
            while True:
                while True:
                    await ctx.sleep(days(1), label="inside")
                    if paid:
                        return 3
                await ctx.send("never")
    """,
    "a break in an endless loop": """
        async def helper():
            while True:
                await ctx.sleep(days(1), label="inside")
                try:
                    if paid:
                        break
                finally:
                    total += 1
    """,
    "a return in a loop before an endless loop": """
        async def helper():
            for day in week:
                if await ctx.wait_for("paid", timeout=days(1)):
                    return
            while True:
                await ctx.sleep(days(1), label="inside")
    """,
    "a return in the else of a loop": """
        async def helper():
            for day in week:
                await ctx.sleep(days(1), label="inside")
                if paid:
                    break
            else:
                return
            while True:
                await ctx.sleep(days(2))
    """,
    "a return in one of three cases": """
        async def helper():
            match plan:
                case "pro":
                    return
                case "team":
                    await ctx.sleep(days(1), label="inside")
                case _:
                    pass
            while True:
                await ctx.sleep(days(2))
    """,
    "a return in a branch of a branch": """
        async def helper():
            if a:
                if b:
                    return
                await ctx.sleep(days(1), label="inside")
            while True:
                await ctx.sleep(days(2))
    """,
    "a return in a try with a finally": """
        async def helper():
            try:
                while True:
                    await ctx.sleep(days(1), label="inside")
                    if paid:
                        return
            finally:
                await ctx.checkpoint("done")
    """,
    "a handler without steps": """
        async def helper():
            try:
                while True:
                    await ctx.step("charge", charge)
                    await ctx.sleep(days(1), label="inside")
            except StepFailed:
                pass
    """,
    "an error that is suppressed": """
        from contextlib import suppress
        async def helper():
            with suppress(StepFailed):
                while True:
                    await ctx.step("charge", charge)
                    await ctx.sleep(days(1), label="inside")
    """,
    "a return in a with": """
        async def helper():
            async with section():
                while True:
                    await ctx.sleep(days(1), label="inside")
                    if paid:
                        return
    """,
    "a helper of a helper": """
        async def inner():
            while True:
                await ctx.sleep(days(1), label="inside")
                if paid:
                    return
        async def helper():
            while True:
                await inner()
                if done:
                    return
    """,
    "recursion": """
        async def helper(n=3):
            if n == 0:
                return
            await ctx.sleep(days(1), label="inside")
            await helper(n - 1)
    """,
    "an endless loop in an or": """
        async def forever():
            while True:
                await ctx.sleep(days(1), label="inside")
        async def helper():
            return paid or await forever()
    """,
    "an exit in an and": """
        async def helper():
            await ctx.sleep(days(1), label="inside")
            return paid and await ctx.exit("paid")
    """,
    "a generator": """
        async def rounds():
            while True:
                await ctx.sleep(days(1), label="inside")
                yield 1
        async def helper():
            async for round in rounds():
                await ctx.send("round")
                if paid:
                    break
    """,
}


def build(helper: str, rest: str = AFTER) -> JourneyGraph:
    return build_graph(textwrap.dedent(helper).strip() + "\n" + rest)


@pytest.mark.parametrize("helper", HELPERS.values(), ids=HELPERS.keys())
def test_what_follows_a_helper_that_may_return_is_shown(helper: str):
    flow = build(helper)
    waiting = {"sleep:inside": 3, "sleep:after": 5}
    people, elsewhere = flow.count_people(waiting)
    assert elsewhere == {}
    assert sorted(sum(keys.values()) for keys in people.values()) == [3, 5]
    assert not is_terminal(flow.items)


def test_what_follows_an_endless_helper_is_not_shown():
    flow = build("""
        async def helper():
            while True:
                while True:
                    await ctx.sleep(days(1), label="inside")
                    if done:
                        break
    """)
    assert "sleep:after" not in [step.key for step in flow.walk_steps()]


def test_a_return_in_a_loop_is_shown_where_it_is():
    assert format_items(build(HELPERS["a return in an endless loop"]).items) == [
        (
            "loop again and again",
            {
                "each time": [
                    "sleep 1 day",
                    ("decision paid", {"yes": ["jump returns from helper"], "no": []}),
                ]
            },
        ),
        "sleep 1 day",
    ]


def test_what_a_helper_does_after_a_loop_with_a_return_is_a_branch():
    flow = build("""
        async def helper():
            for day in week:
                if await ctx.wait_for("paid", timeout=days(1)):
                    return
            await ctx.send("unpaid")
    """)
    assert format_items(flow.items)[1:] == [
        ("decision helper has returned", {"yes": [], "no": ["send unpaid"]}),
        "sleep 1 day",
    ]


def test_the_else_of_a_loop_is_passed_over_by_a_break():
    loop = """
        for template in templates:
            await ctx.send(template)
            {}
        else:
            await ctx.send("all")
    """
    items = build_graph(loop.format("if done: break")).items
    assert format_items(items[1:]) == [
        ("decision left by break", {"yes": [], "no": ["send all"]}),
    ]
    assert format_items(build_graph(loop.format("pass")).items[1:]) == ["send all"]


def test_a_finally_runs_before_every_way_out():
    flow = build_graph("""
        try:
            if await ctx.history.has_event("paid"):
                return
            await ctx.send("unpaid")
        finally:
            await ctx.checkpoint("done")
        await ctx.send("later")
    """)
    assert format_items(flow.items) == [
        ("decision paid", {"yes": ["checkpoint done", "end completed"], "no": []}),
        "send unpaid",
        "checkpoint done",
        "send later",
    ]


def test_a_break_runs_the_finally_inside_of_its_loop_only():
    flow = build_graph("""
        while True:
            try:
                for day in week:
                    await ctx.sleep(days(1))
                    if rain:
                        break
                if done:
                    break
            finally:
                await ctx.checkpoint("tried")
    """)
    loop = flow.items[0]
    assert isinstance(loop, Fork)
    assert format_items(loop.branches[0].items) == [
        (
            "loop for day in week",
            {
                "each time": [
                    "sleep 1 day",
                    ("decision rain", {"yes": ["jump leaves the loop"], "no": []}),
                ]
            },
        ),
        ("decision done", {"yes": ["checkpoint tried", "jump leaves the loop"], "no": []}),
        "checkpoint tried",
    ]


def test_people_in_every_round_of_a_recursion_are_at_its_wait():
    flow = build("""
        async def helper(n):
            await ctx.sleep(days(1), label="inside")
            if n:
                await helper(n - 1)
            await ctx.send("back")
    """)
    people, elsewhere = flow.count_people({"sleep:inside": 1, "sleep:inside#4": 2})
    assert (list(people.values()), elsewhere) == ([{"sleep:inside": 1, "sleep:inside#4": 2}], {})
    assert "send:back" in [step.key for step in flow.walk_steps()]


def test_two_functions_that_call_each_other_are_a_loop():
    flow = build("""
        async def ping(n):
            await ctx.sleep(days(1), label="ping")
            await pong(n)
            await ctx.send("back")
        async def pong(n):
            await ctx.sleep(days(1), label="pong")
            if n:
                await ping(n - 1)
        async def helper():
            await ping(3)
    """)
    people, elsewhere = flow.count_people({"sleep:ping#2": 1, "sleep:pong#3": 1, "sleep:after": 1})
    assert (len(people), elsewhere) == (3, {})


def test_the_answer_of_a_helper_is_not_that_of_its_last_call():
    flow = build_graph("""
        async def is_new():
            return not await ctx.history.has_event("used")
        if await is_new():
            await ctx.send("welcome")
    """)
    assert format_items(flow.items) == [
        "look used",
        ("decision is_new()", {"yes": ["send welcome"], "no": []}),
    ]


def test_people_before_the_next_attempt_of_a_step_are_at_the_step():
    flow = build_graph('await ctx.step("charge", charge)')
    assert flow.count_people({"step:charge": 2}) == ({1: {"step:charge": 2}}, {})
    assert flow.to_json({"step:charge": 2})[0]["waiting"] == 2


def test_people_at_a_wait_with_an_unknown_name_are_at_that_wait():
    flow = build_graph("""
        await ctx.sleep(days(1), label="known")
        await ctx.sleep(pause)
    """)
    people, elsewhere = flow.count_people({"sleep:known": 1, "sleep:3 days": 2, "wait:paid": 4})
    assert people == {1: {"sleep:known": 1}, 2: {"sleep:3 days": 2}}
    assert elsewhere == {"wait:paid": 4}


# -- helpers that are methods, imported, or passed ------------------------------------------------

JOURNEY = """
from hogsend import days, journey
{imports}
{before}

@journey("j", trigger="go")
async def j(user, ctx):
    {body}
    await ctx.sleep(days(1), label="after")
"""
METHODS = """
import dataclasses
from hogsend import days

LABEL = "inside"

class Base:
    def __init__(self, ctx, label=LABEL):
        self.context = ctx
        self.label = label

    async def remind(self):
        while True:
            await self.context.sleep(days(1), label=self.label)
            if await self.is_paid():
                return

    async def is_paid(self):
        return await self.context.history.has_event("paid")

class Reminder(Base):
    async def remind(self):
        await super().remind()

@dataclasses.dataclass
class Sleeper:
    ctx: object
    label: str = "inside"

    async def remind(self):
        await self.ctx.sleep(days(1), label=self.label)

class Free:
    @staticmethod
    async def doze(ctx, label="inside"):
        await ctx.sleep(days(1), label=label)

    @classmethod
    async def nap(cls, ctx):
        await cls.doze(ctx)

async def twice(ctx, function):
    await function(ctx)
    await ctx.send("between")

async def doze(ctx):
    await ctx.sleep(days(1), label="inside")

free = Free()
"""
CALLS = {
    "a method": ("from ._parts import Base", "", "await Base(ctx).remind()"),
    "a method of a bound instance": (
        "from ._parts import Base",
        "",
        "b = Base(ctx); await b.remind()",
    ),
    "an inherited method": ("from . import _parts", "", "await _parts.Reminder(ctx).remind()"),
    "a method of a data class": (
        "from ._parts import Sleeper",
        "",
        "s = Sleeper(ctx=ctx)\n    await s.remind()",
    ),
    "a static method": ("from ._parts import Free", "", "await Free.doze(ctx)"),
    "a class method": ("from ._parts import Free", "", "await Free.nap(ctx)"),
    "a method of an instance of the file": ("from ._parts import free", "", "await free.doze(ctx)"),
    "a method with its instance as an argument": (
        "from ._parts import Base",
        "",
        "await Base.remind(Base(ctx))",
    ),
    "a function that is passed": (
        "from ._parts import doze, twice",
        "",
        "await twice(ctx, doze)",
    ),
    "a function under another name": (
        "from . import _parts",
        "nap = _parts.doze",
        "await nap(ctx)",
    ),
    "a function of a star import": ("from ._parts import *", "", "await doze(ctx)"),
    "a function that is imported on the way": ("from .more import nap", "", "await nap(ctx)"),
    "an instance that is passed": (
        "from ._parts import Base",
        "async def run(reminder):\n    await reminder.remind()",
        "await run(Base(ctx))",
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_helpers_of_every_form_are_read(tmp_path: Path, call: tuple[str, str, str]):
    imports, before, body = call
    (tmp_path / "_parts.py").write_text(METHODS)
    (tmp_path / "more.py").write_text("from ._parts import doze as nap\n")
    text = JOURNEY.format(imports=imports, before=before, body=body)
    (tmp_path / "j.py").write_text(text)
    registry = load(tmp_path)
    assert not registry.broken
    people, elsewhere = registry.graphs["j"].count_people({"sleep:inside": 1, "sleep:after": 2})
    assert elsewhere == {}
    assert len(people) == 2


def test_imports_in_a_circle_are_no_helper(tmp_path: Path):
    (tmp_path / "_a.py").write_text("from journeys._b import *\n")
    (tmp_path / "_b.py").write_text("from journeys._a import *\n")
    source = JOURNEY.format(imports="from ._a import *", before="", body="nothing(ctx)")
    (tmp_path / "j.py").write_text(source)
    assert [step.key for step in load(tmp_path).graphs["j"].walk_steps()] == ["sleep:after"]


def count_steps(items: tuple[Item, ...]) -> int:
    return len(list(JourneyGraph(items).walk_steps()))


def test_nested_ways_out_do_not_multiply_the_graph():
    lines = ["async def j(user, ctx):"]
    for depth in range(1, 12):
        pad = "    " * depth
        lines += [f"{pad}try:", f"{pad}    if a{depth}: return"]
    pad = "    " * 12
    lines.append(f'{pad}await ctx.send("a")')
    for depth in reversed(range(1, 12)):
        pad = "    " * depth
        lines += [f"{pad}finally:", f'{pad}    await ctx.send("f{depth}")']
        lines += [f"{pad}    if b{depth}: return"]
    assert count_steps(build_graph_from_source("\n".join(lines)).items) < 3000
