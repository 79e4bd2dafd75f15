"""A `ctx` call is one class: nothing else has to change when another is added.

The made-up call `ctx.weather` is defined here, in one module, and used like those of the program.
"""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import pytest

from hogsend import days
from hogsend.domain.graph import GraphStep
from hogsend.store.db import Query
from hogsend.store.read_models import enrollment as enrollment_page
from hogsend.turns.calls import Call, find_call_by_kind, find_call_by_path, perform
from hogsend.turns.calls.description import Description, RecordedCall, Wording
from hogsend.turns.calls.read import Read, ReadCall
from hogsend.turns.calls.registry import register
from hogsend.turns.context import Context
from hogsend.turns.history import History
from hogsend.turns.static_analysis.call_site import CallSite
from hogsend.turns.static_analysis.graphs import build_graph_from_source
from hogsend.turns.turn_state import TurnState
from hogsend.web.admin import graph, timeline
from tests.world import World

# The number of turns in each query.
BATCHES: list[int] = []


@dataclass(frozen=True, slots=True)
class Temperature(Read):
    """The temperature of a city: the length of its name."""

    city: str

    @property
    def group(self) -> Hashable:
        return None

    @classmethod
    def build_query(cls, reads: Sequence[Temperature]) -> Query[Any]:
        BATCHES.append(len(reads))
        cities = " UNION ALL ".join("SELECT CAST(? AS TEXT)" for _ in reads)
        names = [read.city for read in reads]
        return Query(cities, names, lambda rows: {row[0]: len(row[0]) for row in rows})

    @classmethod
    def extract_answers(
        cls, reads: Sequence[Temperature], result: Mapping[str, int]
    ) -> Iterable[int]:
        return [result[read.city] for read in reads]


@register
@dataclass(frozen=True, slots=True)
class ReadWeather(ReadCall):
    """The weather in a city; the label is the city."""

    kind: ClassVar[str] = "weather"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("weather",),)

    def build_read(self, turn: TurnState, key: str, contact_ids: Sequence[UUID]) -> Read:
        return Temperature(self.label)

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        yield Description(
            f"Checked the weather in {record.step.label}", tag=f"{record.step.answer} °C"
        )

    @classmethod
    def summarize(cls, step: Any) -> str:
        return f"{step.answer} degrees"

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        return site.build_question(
            cls.kind, f"weather in {site.format_argument(0, 'city')}", site.evaluate_text(0, "city")
        )


@pytest.fixture
def weather(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the method to the context, as a new call of the program would."""

    async def method(self: Context, city: str) -> int:
        degrees: int = await perform(ReadWeather(city))
        return degrees

    monkeypatch.setattr(Context, "weather", method, raising=False)
    BATCHES.clear()


JOURNEY = """
@journey("j", trigger="go")
async def j(user, ctx):
    degrees = await ctx.weather("Oslo")
    await ctx.sleep(days(1), label="night")
    await ctx.checkpoint(f"it was {degrees}")
"""


@pytest.mark.usefixtures("weather")
async def test_a_new_call_is_journalled_and_answered_at_replay(world: World):
    await world.define(JOURNEY)
    await world.emit("go")
    await world.advance(days(1))
    journal = await world.journal()
    assert [(step.key, step.answer) for step in journal if step.kind == "weather"] == [
        ("weather:Oslo", 4)
    ]
    assert journal[-1].key == "checkpoint:it was 4"
    assert BATCHES == [1]


@pytest.mark.usefixtures("weather")
async def test_a_new_call_is_read_for_all_turns_with_one_query(idle_world: World):
    await idle_world.define(JOURNEY)
    for user in ("ada", "bo", "cy"):
        await idle_world.submit("go", user_id=user)
    entered = [enrollment.id for enrollment in await idle_world.all_enrollments()]
    await idle_world.turn_runner(days(1)).run(entered)
    assert BATCHES == [3]


@pytest.mark.usefixtures("weather")
async def test_a_new_call_that_lies_behind_a_contact_is_recorded(sqlite_world: World):
    await sqlite_world.define(JOURNEY.replace('await ctx.weather("Oslo")', "0"))
    await sqlite_world.emit("go")
    await sqlite_world.define(JOURNEY)
    await sqlite_world.advance(days(1))
    assert await sqlite_world.states() == ["completed"]
    assert "weather:Oslo" in [step.key for step in await sqlite_world.journal()]


@pytest.mark.usefixtures("weather")
async def test_a_new_call_is_described_on_the_timeline(sqlite_world: World):
    await sqlite_world.define(JOURNEY)
    await sqlite_world.emit("go")
    enrollment_id = (await sqlite_world.enrollment()).id
    page = await enrollment_page.load(sqlite_world.database, enrollment_id)
    assert page is not None
    entry = timeline.build_timeline(page, None)[1]
    assert (entry.title, entry.tag) == ("Checked the weather in Oslo", "4 °C")


def test_a_new_call_is_drawn_in_the_graph():
    source = (
        "async def j(user, ctx):\n"
        '    if await ctx.weather("Oslo") > 5:\n        await ctx.send("ice")\n'
        '    if await ctx.weather("Rome"):\n        await ctx.send("sun")\n'
    )
    drawing = graph.draw(build_graph_from_source(source, "go"), "go", {})
    titles = [f"{node.caption}: {node.title}" for node in drawing.nodes]
    assert titles[1:3] == ["check: weather in Oslo?", "decision: weather('Oslo') > 5?"]
    assert "decision: weather in Rome?" in titles
    keys = [step.key for step in build_graph_from_source(source).walk_steps()]
    assert "weather:Oslo" in keys


def list_methods() -> list[tuple[str, ...]]:
    return [
        (*path, name)
        for path, owner in (((), Context), (("history",), History))
        for name, _ in inspect.getmembers(owner, inspect.iscoroutinefunction)
    ]


@pytest.mark.parametrize("path", list_methods(), ids=".".join)
def test_every_method_of_the_context_has_its_class(path: tuple[str, ...]):
    call_type = find_call_by_path(path)
    assert call_type is not None
    assert find_call_by_kind(call_type.kind) is call_type


def test_a_journal_entry_of_a_removed_kind_is_still_described():
    assert find_call_by_kind("of_the_past") is Call
