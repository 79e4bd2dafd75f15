"""A journey's page and the API show what the journey brings, with the same numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from quart import Quart

from hogsend.domain.assignment import identify_arms
from hogsend.domain.event import EventMatch
from hogsend.domain.graph import JourneyGraph
from hogsend.domain.results import ChosenArm, Figure, Group
from hogsend.process.runtime import Runtime
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.keys import create_key
from hogsend.store import counters
from hogsend.store.counters import Tally
from hogsend.turns.static_analysis.graphs import build_graph_from_source
from tests.web import product
from tests.web.conftest import Browser, extract_text

MEASURED = replace(product.WELCOME, goal=EventMatch("plan.upgraded"), holdout=10)
ARMS = {"plain": 1, "personal": 1}
SOURCE = f"""
async def activation_welcome(user, ctx):
    await ctx.variant("subject", {ARMS})
"""
PATH = "/v1/admin/journeys/activation-welcome/results"


async def count(runtime: Runtime, groups: dict[str, tuple[int, int]]) -> None:
    """Store the people of groups and arms, each with those who reached the goal."""
    tally, journey_id = Tally(runtime.clock.now()), MEASURED.id
    assert MEASURED.measured_as is not None
    for name, figures in groups.items():
        for figure, number in zip(("entered", "reached"), figures, strict=True):
            if name in ("entered", "held_out"):
                gauge = counters.name_result_gauge(
                    journey_id, MEASURED.measured_as, cast("Group", name), cast("Figure", figure)
                )
            else:
                arm = ChosenArm("subject", identify_arms(ARMS), name)
                gauge = counters.name_arm_gauge(
                    journey_id, MEASURED.measured_as, arm, cast("Figure", figure)
                )
            tally.add_to_gauge(gauge, number)
    async with runtime.database.transaction() as tx:
        await tx.apply([tally.to_write()])


@pytest.fixture
def measured(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a journey a goal, a holdout and a variant."""
    monkeypatch.setitem(product.JOURNEYS, MEASURED.id, MEASURED)
    graphs = cast("dict[str, JourneyGraph]", runtime.content.registry.graphs)
    graphs[MEASURED.id] = build_graph_from_source(SOURCE)


async def test_a_journey_shows_its_results(
    owner: Browser, runtime: Runtime, measured: None
) -> None:
    groups = {"entered": (1840, 313), "held_out": (212, 23), "plain": (900, 130)}
    await count(runtime, groups | {"personal": (60, 9), "old": (5, 1)})
    text = extract_text(await owner.read("/journeys/activation-welcome"))
    assert "Results goal: plan.upgraded" in text
    assert "Entered 1,840 Reached the goal 313, 17.0 % 15.4 % to 18.8 %" in text
    assert "held out 23 of 212 10.8 % 7.3 % to 15.8 % control" in text
    assert "entered 313 of 1,840 17.0 % 15.4 % to 18.8 % +6.2 higher +1.0 to +10.1" in text
    assert "plain 130 of 900 14.4 % 12.3 % to 16.9 % control" in text
    assert "personal 9 of 60 15.0 % 8.1 % to 26.1 % not enough data yet" in text


async def test_a_journey_without_a_goal_says_how_to_get_results(
    owner: Browser, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_out = replace(product.WELCOME, holdout=10)
    monkeypatch.setitem(product.JOURNEYS, held_out.id, held_out)
    text = extract_text(await owner.read("/journeys/activation-welcome"))
    assert "Without a goal nothing can be compared." in text
    monkeypatch.setitem(product.JOURNEYS, held_out.id, product.WELCOME)
    assert "Results" not in extract_text(await owner.read("/journeys/activation-welcome"))


async def test_the_api_returns_the_results(
    app: Quart, runtime: Runtime, owner: Browser, measured: None
) -> None:
    await count(runtime, {"entered": (1840, 313), "held_out": (212, 23), "plain": (3, 1)})
    _, key = await create_key(runtime, COMMAND_LINE, scopes=["read"], name="reports")
    headers = {"Authorization": f"Bearer {key}"}
    response = await app.test_client().get(PATH, headers=headers)
    assert response.status_code == 200
    body = await response.get_json()
    assert (body["goal"], body["holdout"]) == ("plan.upgraded", 10)
    assert (body["entered"], body["reached"], body["rate"]) == (1840, 313, 0.170109)
    holdout, variant = body["comparisons"]
    assert holdout["groups"][1]["differenceInterval"] == [0.009886, 0.100999]
    assert holdout["groups"][1]["verdict"] == "higher"
    assert (variant["key"], [arm["name"] for arm in variant["groups"]]) == ("subject", list(ARMS))
    assert variant["groups"][1]["verdict"] == "not_enough_data"


@pytest.mark.parametrize(
    ("scope", "status"), [("ingest", 403), ("journey-admin", 200), ("full-admin", 200), ("", 401)]
)
async def test_the_results_need_the_scope_read(
    app: Quart, runtime: Runtime, scope: str, status: int
) -> None:
    headers: dict[str, str] = {}
    if scope:
        _, key = await create_key(runtime, COMMAND_LINE, scopes=[scope], name="reports")
        headers["Authorization"] = f"Bearer {key}"
    response = await app.test_client().get(PATH, headers=headers)
    assert response.status_code == status


async def test_the_results_of_an_unknown_journey_are_not_found(
    app: Quart, runtime: Runtime
) -> None:
    _, key = await create_key(runtime, COMMAND_LINE, scopes=["read"], name="reports")
    headers = {"Authorization": f"Bearer {key}"}
    response = await app.test_client().get("/v1/admin/journeys/none/results", headers=headers)
    assert response.status_code == 404
    assert "none" in (await response.get_json())["error"]
