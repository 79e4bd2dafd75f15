"""What an editor tells authors: a new project is clean, and a wrong call is marked."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from click.testing import CliRunner

import hogsend
from hogsend.cli.main import commands
from hogsend.testing import Mailbox, World, play
from hogsend.turns.context import Context, History
from hogsend.turns.waits import Waits

# Each line that ends in a comment is wrong, for the reason that the comment names.
WRONG = """\
from hogsend import Contact, Context, MailList, days, journey, on, once_per, prop
from hogsend.testing import play


@journey("wrong", trigger="user.created")
async def wrong(user: Contact, ctx: Context) -> None:
    await ctx.sleep(3)  # reportArgumentType
    await ctx.sleep_until("tomorrow")  # reportArgumentType
    await ctx.sleep_until(prop("ends") - 2)  # reportOperatorIssue
    await ctx.sleep_until(user.first_seen_at, timeout=days(1))  # reportArgumentType
    came: str = await ctx.sleep_until(prop("ends"), timeout=days(7))  # reportAssignmentType
    print(came, await ctx.now(label="b", was=("a", "c")))
    print(await ctx.uuid(was=5))  # reportArgumentType
    await ctx.sleep_until(ctx.when.tomorrow())  # reportArgumentType
    await ctx.sleep_until(ctx.when.at("09:00", days=5))  # reportArgumentType
    await ctx.send(5)  # reportArgumentType
    await ctx.send("hello", props=["a"])  # reportArgumentType
    await ctx.send("hello", subjekt="Hello")  # reportCallIssue
    await ctx.wait_for(["a", "b"])  # reportArgumentType
    await ctx.wait_for("a", timeout=3)  # reportArgumentType
    await ctx.wait_for("a", where="plan == pro")  # reportArgumentType
    print((await ctx.wait_for("a")).properties)  # reportAttributeAccessIssue
    print((await ctx.wait_for("a")).event.properties)  # reportOptionalMemberAccess
    ctx.send("hello")  # reportUnusedCoroutine
    if ctx.is_subscribed():  # reportUnnecessaryComparison
        await ctx.snooze(days(1))  # reportAttributeAccessIssue
    await ctx.trigger("a", properties="b")  # reportArgumentType
    arm: int = await ctx.variant("key", {"a": 1, "b": 3})  # reportAssignmentType
    print(arm, await ctx.variant("key", {"a": "often"}))  # reportArgumentType
    count: str = await ctx.history.count("a")  # reportAssignmentType
    print(count, await ctx.history.has_event("a", since=7))  # reportArgumentType
    await ctx.step("charge", 5)  # reportArgumentType
    amount: str = await ctx.step("charge", lambda: 49)  # reportAssignmentType
    print(amount, await ctx.throttle("3", days(1)))  # reportArgumentType
    print(await ctx.digest("a day"))  # reportArgumentType
    user.email = "other@example.com"  # reportAttributeAccessIssue


@journey("not-async", trigger="user.created")  # reportArgumentType
def not_async(user: Contact, ctx: Context) -> None: ...


@journey("alone", trigger="user.created")  # reportArgumentType
async def alone(user: Contact) -> None: ...


@journey("twice", trigger="user.created", entry="twice")  # reportArgumentType
async def twice(user: Contact, ctx: Context) -> None: ...


@journey("period", trigger=on("a", where=prop("b") > 1), entry=once_per(7))  # reportArgumentType
async def period(user: Contact, ctx: Context) -> None: ...


news = MailList(id="news", title="News")  # reportCallIssue
week = days("seven")  # reportArgumentType


async def test_wrong() -> None:
    async with play(wrong) as world:
        ada = await world.contact("ada@example.com")
        await world.advance(2)  # reportArgumentType
        await world.emit("ada", "user.created")  # reportArgumentType
        world.fail_next_send("softly")  # reportArgumentType
        world.emit(ada, "user.created")  # reportUnusedCoroutine
"""


# Constants as authors write them: a type checker takes each for text, or for a list of text.
RIGHT = """\
from hogsend import WEEKDAYS, WEEKEND, Contact, Context, Weekday, journey

from ._days import QUIET

DAY = "friday"
OPEN = ["mon", "tue", "wed"]
TYPED: list[Weekday] = ["sat"]


@journey("right", trigger="user.created")
async def right(user: Contact, ctx: Context) -> None:
    await ctx.sleep_until(ctx.when.next(DAY).window("09:00", "17:00", days=OPEN))
    await ctx.sleep_until(ctx.when.tomorrow().at("09:00", days=OPEN))
    await ctx.sleep_until(ctx.when.at("09:00", days=WEEKDAYS))
    await ctx.sleep_until(ctx.when.at("09:00", days=[*WEEKEND, "mon"]))
    await ctx.sleep_until(ctx.when.at("09:00", days=TYPED))
    await ctx.sleep_until(ctx.when.at("09:00", days={"mon", "tue"}))
    await ctx.sleep_until(ctx.when.at("09:00", days=QUIET), label="quiet")
"""


@pytest.mark.types
def test_a_new_project_is_clean_under_strict_types_and_every_wrong_call_is_marked(tmp_path: Path):
    CliRunner().invoke(commands, ["init", str(tmp_path)], catch_exceptions=False)
    (tmp_path / "journeys" / "wrong.py").write_text(WRONG)
    (tmp_path / "journeys" / "right.py").write_text(RIGHT)
    (tmp_path / "journeys" / "_days.py").write_text('QUIET = ["sat", "sun"]\n')

    command = ["-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(tmp_path)]
    ran = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=tmp_path)

    report = json.loads(ran.stdout)
    assert report["summary"]["filesAnalyzed"] > 10
    marked: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for problem in report["generalDiagnostics"]:
        line = problem["range"]["start"]["line"] + 1
        marked[Path(problem["file"]).name][line].add(problem.get("rule", problem["message"]))
    lines = WRONG.splitlines()
    expected = {
        number: line.rpartition("  # ")[2] for number, line in enumerate(lines, 1) if "  # " in line
    }
    reported = marked.pop("wrong.py")
    assert not marked, "what `hogsend init` writes is clean"
    assert {lines[number - 1] for number in expected if number not in reported} == set()
    assert {
        lines[number - 1]: reported[number] for number in reported if number not in expected
    } == {}
    assert all(rule in reported[number] for number, rule in expected.items()), reported


def test_the_wheel_says_that_it_is_typed():
    assert (Path(hogsend.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize(
    "owner", [Context, Waits, History, World, Mailbox], ids=lambda one: one.__name__
)
def test_every_call_of_an_author_has_a_docstring_that_explains_each_argument(owner: type):
    calls = [
        (name, member)
        for name, member in vars(owner).items()
        if inspect.isfunction(member) and not name.startswith("_")
    ]
    assert calls
    for name, call in [*calls, *([("play", play)] if owner is World else [])]:
        text = inspect.getdoc(call) or ""
        assert text, name
        arguments = [
            argument for argument in inspect.signature(call).parameters if argument != "self"
        ]
        # One that the sentence itself names needs no line of its own.
        untold = [
            argument
            for argument in arguments
            if not re.search(rf"^ *\*?\*?{argument}: ", text, re.M) and "Args:" in text
        ]
        assert not untold, (name, untold)
