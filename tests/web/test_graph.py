"""The picture of a journey is drawn from its code, and shows who waits where."""

from __future__ import annotations

from hogsend.web.admin import graph
from tests.web.product import SOURCE


def titles(source: str) -> list[str]:
    return [f"{node.step.kicker}: {node.step.title}" for node in graph.draw(source, "go", {}).nodes]


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
    drawn = graph.draw(SOURCE, "user.created", waiting)
    assert {node.wait: node.waiting for node in drawn.nodes if node.waiting} == {
        "sleep:post-welcome": 412,
        "wait:plan.upgraded": 7,
    }
    assert drawn.elsewhere == {"sleep:of-yesterday": 3}


def test_a_sleep_without_a_label_is_known_by_its_length() -> None:
    source = journey("await ctx.sleep(days(2))", "await ctx.sleep(days(2))")
    waiting = {"sleep:2 days, 0:00:00": 1, "sleep:2 days, 0:00:00#2": 4}
    drawn = graph.draw(source, "go", waiting)
    assert [node.waiting for node in drawn.nodes if node.step.kind == "sleep"] == [1, 4]


def test_a_branch_that_negates_keeps_yes_and_no_apart() -> None:
    plain = journey('if await ctx.history.has_event("a"):', '    await ctx.send("yes")')
    negated = journey('if not await ctx.history.has_event("a"):', '    await ctx.send("no")')
    for source, word in ((plain, "yes"), (negated, "no")):
        branch = graph.read(source)[0]
        assert isinstance(branch, graph.Branch)
        taken = branch.yes if word == "yes" else branch.no
        assert [step.title for step in taken if isinstance(step, graph.Step)] == [word]


def test_nodes_of_the_picture_do_not_overlap() -> None:
    source = journey(
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
    drawn = graph.draw(source, "go", {})
    boxes = [(node.x, node.y) for node in drawn.nodes]
    for n, (x, y) in enumerate(boxes):
        assert 0 <= x <= drawn.width - graph.NODE_WIDTH
        assert 0 <= y <= drawn.height - graph.NODE_HEIGHT
        for other_x, other_y in boxes[n + 1 :]:
            apart = abs(x - other_x) >= graph.NODE_WIDTH or abs(y - other_y) >= graph.NODE_HEIGHT
            assert apart, (x, y, other_x, other_y)


def test_code_that_cannot_be_read_gives_the_start_and_the_end() -> None:
    assert titles("async def j(user, ctx:\n") == ["starts on: go", "ends: completed"]
    assert titles("") == ["starts on: go", "ends: completed"]
