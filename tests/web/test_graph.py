"""The drawing of a journey comes from its code, and shows where people wait."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from hogsend.cli.graph_text import render_graph
from hogsend.turns.static_analysis.graphs import build_graph_from_source
from hogsend.web.admin import graph
from tests.web.product import SOURCE


def drawn(source: str, waiting: Mapping[str, int] | None = None) -> graph.Graph:
    return graph.draw(build_graph_from_source(source, "go"), "go", waiting or {})


def titles(source: str) -> list[str]:
    return [f"{node.caption}: {node.title}" for node in drawn(source).nodes]


def journey(*lines: str) -> str:
    return "\n".join(["async def j(user, ctx):", *(f"    {line}" for line in lines)])


def test_the_steps_stand_in_the_order_of_the_code() -> None:
    assert titles(SOURCE) == [
        "starts on: go",
        "send: activation-welcome",
        "sleep · post-welcome: 2 days",
        "decision: feature.used?",
        "send: activation-nudge",
        "send: feature-highlight",
        "wait · up to 7 days: plan.upgraded",
        "decision: upgraded?",
        "ends: completed",
        "send: activation-offer",
        "ends: completed",
    ]


def test_people_are_counted_at_the_wait_they_are_in() -> None:
    waiting = {"sleep:post-welcome": 412, "wait:plan.upgraded": 7, "sleep:of-yesterday": 3}
    drawing = drawn(SOURCE, waiting)
    assert {node.wait: node.waiting for node in drawing.nodes if node.waiting} == {
        "sleep:post-welcome": 412,
        "wait:plan.upgraded": 7,
    }
    assert drawing.removed_waits == {"sleep:of-yesterday": 3}


def test_a_wait_in_a_loop_counts_people_of_all_its_rounds() -> None:
    source = journey("while True:", '    await ctx.sleep(days(1), label="daily")')
    (node,) = (n for n in drawn(source, {"sleep:daily": 2, "sleep:daily#7": 3}).nodes if n.wait)
    assert (node.wait, node.waiting) == ("sleep:daily", 5)
    assert node.waits == ["sleep:daily#7", "sleep:daily"]


def test_yes_stands_on_the_right_and_no_on_the_left() -> None:
    source = journey("if a:", '    await ctx.send("yes")', "else:", '    await ctx.send("no")')
    at = {node.title: node.x for node in drawn(source).nodes}
    assert at["no"] < at["a?"] < at["yes"]


BRANCHES = journey(
    "if a:",
    "    if b:",
    '        await ctx.send("one")',
    "    else:",
    '        await ctx.send("two")',
    "else:",
    "    if c:",
    '        await ctx.send("three")',
    "    else:",
    '        await ctx.send("four")',
    'await ctx.send("five")',
)
OTHER_FORKS = journey(
    "for day in week:",
    "    match day:",
    '        case "monday":',
    '            await ctx.send("one")',
    '        case "friday":',
    '            await ctx.send("two")',
    "    if done:",
    "        break",
    "    try:",
    '        await ctx.step("three", three)',
    "    except StepFailed:",
    '        await ctx.send("four")',
    "        return",
    'await ctx.send("five")',
)


@pytest.mark.parametrize("source", [BRANCHES, OTHER_FORKS])
def test_nodes_do_not_overlap(source: str) -> None:
    drawing = drawn(source)
    boxes = [(node.x, node.y) for node in drawing.nodes]
    for n, (x, y) in enumerate(boxes):
        assert 0 <= x <= drawing.width - graph.NODE_WIDTH
        assert 0 <= y <= drawing.height - graph.NODE_HEIGHT
        for other_x, other_y in boxes[n + 1 :]:
            apart = abs(x - other_x) >= graph.NODE_WIDTH or abs(y - other_y) >= graph.NODE_HEIGHT
            assert apart, (x, y, other_x, other_y)


def test_lines_stay_inside_the_drawing() -> None:
    for source in (BRANCHES, OTHER_FORKS):
        drawing = drawn(source)
        for edge in drawing.edges:
            for x in re.findall(r"[MH ](\d+)", edge.path):
                assert 0 <= int(x) <= drawing.width


@pytest.mark.parametrize("call", ["has_event", "count", "events", "last_event"])
def test_a_call_of_the_history_is_labelled_as_a_check(call: str) -> None:
    source = journey(f'answer = await ctx.history.{call}("paid")')
    assert titles(source)[1] == "check: paid?"
    lines = render_graph(build_graph_from_source(source, "go"), "go", {})
    assert lines[1] == "├ check: paid"


def test_every_kind_of_step_has_a_caption_and_a_title() -> None:
    source = journey(
        'await ctx.digest(days(1), "viewed")',
        'await ctx.sleep_until(ctx.when.next("monday").at("09:00"), label="monday")',
        "while True:",
        '    await ctx.wait_for("paid", timeout=days(3))',
        "    if not await ctx.throttle(3, days(7)):",
        '        await ctx.exit("enough")',
        "    match plan:",
        '        case "pro":',
        '            raise ValueError("no")',
    )
    assert titles(source) == [
        "starts on: go",
        "digest · 1 day: viewed",
        "sleep · monday: next monday at 09:00",
        "loop: again and again",
        "wait · up to 3 days: paid",
        "decision: 3 in 7 days?",
        "exits: enough",
        "choice: plan",
        "fails: ValueError('no')",
    ]


def test_code_that_cannot_be_read_gives_the_start_and_the_end() -> None:
    assert titles("async def j(user, ctx:\n") == ["starts on: go", "ends: completed"]
    assert titles("") == ["starts on: go", "ends: completed"]


def test_the_drawing_has_a_description_in_words() -> None:
    description = drawn(
        journey('await ctx.sleep(days(2), label="a")'), {"sleep:a": 1200}
    ).description
    assert (
        description
        == "Steps in order: starts on go; sleep · a 2 days, 1,200 waiting; ends completed"
    )
