"""Problems in the folder of journeys are reported with file and line, and affect no other file."""

from __future__ import annotations

import builtins
import sys
import textwrap
import threading
from datetime import timedelta
from pathlib import Path

import click
import pytest

from hogsend import SendingPolicy
from hogsend.domain.journey import Journey
from hogsend.turns import folder_loader
from hogsend.turns.folder_loader import load
from hogsend.turns.registry import Registry

SOUND = 'from hogsend import *\n@journey("sound", trigger="go")\nasync def sound(user, ctx): ...\n'


def load_text(folder: Path, text: str, name: str = "broken.py") -> Registry:
    """Load a folder with a valid journey and a file of this text."""
    (folder / "a_sound.py").write_text(SOUND)
    (folder / name).write_text("from hogsend import *\n" + textwrap.dedent(text).lstrip("\n"))
    return load(folder)


def format_problems(registry: Registry) -> str:
    return "\n".join(map(str, registry.broken))


def test_a_missing_folder_is_reported_and_has_no_journeys(tmp_path: Path):
    registry = load(tmp_path / "nowhere")
    assert (registry.journeys, list(registry.lists)) == ({}, ["journey"])
    [problem] = registry.broken
    assert "does not exist" in problem.problem
    assert "HOGSEND_JOURNEYS" in problem.remedy


def test_a_journey_is_loaded_with_all_arguments_of_its_decorator(tmp_path: Path):
    registry = load_text(
        tmp_path,
        '''
        news = MailList("news", "News", "Once a month.", default_opt_in=False)

        @journey(
            "trial.conversion",
            trigger=on("trial.started", where=prop("plan") == "pro"),
            entry=once_per(days(7)),
            exit_on=["user.deleted", on("plan.changed", where=prop("plan") == "free")],
            suppress=hours(12),
            list="news",
            key=prop("team.id"),
            on_retrigger="restart",
            enabled=False,
        )
        async def trial(user: Contact, ctx: Context) -> None:
            """Three mails
            in a week.

            And more.
            """
        ''',
    )
    assert registry.broken == ()
    trial = registry.journeys["trial.conversion"]
    assert (trial.name, trial.description) == ("Trial.conversion", "Three mails in a week.")
    assert (str(trial.trigger), [str(exit) for exit in trial.exit_on]) == (
        "trial.started where plan is “pro”",
        ["user.deleted", "plan.changed where plan is “free”"],
    )
    assert (trial.entry.period, trial.suppress) == (timedelta(days=7), timedelta(hours=12))
    assert (trial.list_id, trial.entry_key, trial.on_retrigger, trial.enabled) == (
        "news",
        "team.id",
        "restart",
        False,
    )
    assert (trial.file, trial.line, len(trial.code_hash)) == ("broken.py", 4, 8)
    assert "async def trial" in trial.source
    assert (
        Journey.from_json(trial.id, trial.code_hash, trial.to_json()).to_json() == trial.to_json()
    )
    assert registry.lists["news"].default_opt_in is False


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("async def (", "broken.py:2", "Fix the syntax error"),
        ("import nothing_of_this_name", "broken.py:2", "ModuleNotFoundError"),
        ("x = 1\n1 / 0", "broken.py:3", "ZeroDivisionError"),
        ("raise SystemExit(1)", "broken.py:2", "SystemExit"),
        (
            "MailList('Not An Id', 'x')\nl = MailList('Not An Id', 'x')",
            "broken.py",
            "not a valid list id",
        ),
        ("l = MailList('*', 'x')", "broken.py", "not a valid list id"),
        ("a = MailList('a', 'x')\nb = MailList('a', 'y')", "broken.py", "defined twice"),
        ("on('go', where=prop('plan'))", "broken.py:2", "where= takes a condition"),
        ("on('')", "broken.py:2", "named by text"),
        ("(prop('a') == 1) and (prop('b') == 2)", "broken.py:2", "no truth value"),
    ],
)
def test_a_broken_file_is_reported_and_the_others_are_loaded(
    tmp_path: Path, text: str, place: str, message: str
):
    registry = load_text(tmp_path, text)
    assert list(registry.journeys) == ["sound"]
    assert str(registry.broken[0]).startswith(place + ":")
    assert message in format_problems(registry)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('"Not An Id", trigger="go"', "not a valid journey id"),
        ('"a" * 101, trigger="go"', "not a valid journey id"),
        ('5, trigger="go"', "not a valid journey id"),
        ('["j"], trigger="go"', "['j'] is not a valid journey id"),
        ('"sound", trigger="go"', "also defined in a_sound.py"),
        ('"j", trigger=5', "trigger is 5"),
        ('"j", trigger=""', "trigger is ''"),
        ('"j", trigger="go", exit_on="user.deleted"', "Use a list of events"),
        ('"j", trigger="go", exit_on=[5]', "Use a list of events"),
        ('"j", trigger="go", exit_on=5', "exit_on is 5"),
        ('"j", trigger="go", exit_on=None', "exit_on is None"),
        ('"j", trigger="go", entry="twice"', "entry is 'twice'"),
        ('"j", trigger="go", entry=5', "entry is 5"),
        ('"j", trigger="go", entry=once_per(days(0))', "not a positive duration"),
        ('"j", trigger="go", entry=once_per(7)', "not a positive duration"),
        ('"j", trigger="go", suppress=-hours(1)', "not a positive duration"),
        ('"j", trigger="go", suppress=12', "not a positive duration"),
        ('"j", trigger="go", list="nothing"', "'nothing' does not exist"),
        ('"j", trigger="go", list=["news"]', "the list ['news'] does not exist"),
        ('"j", trigger="go", name=5', "name is 5"),
        ('"j", trigger="go", description=["why"]', "description is ['why']"),
        ('"j", trigger="go", key="cart_id"', 'key=prop("cart_id")'),
        ('"j", trigger="go", on_retrigger="again"', "on_retrigger is 'again'"),
        ('"j", trigger="go", goal=5', "goal is 5"),
        ('"j", trigger="go", goal=["a"]', "goal is ['a']"),
        ('"j", trigger="go", holdout=51', "holdout is 51"),
        ('"j", trigger="go", holdout=-1', "from 0 to 50"),
        ('"j", trigger="go", holdout="10"', "holdout is '10'"),
        ('"j", trigger="go", holdout=True', "holdout is True"),
        ('"j", trigger="go", holdout=float("nan")', "holdout is nan"),
        ('"j", trigger="go", time_zone="Europe/Berlyn"', "time_zone is 'Europe/Berlyn'"),
        ('"j", trigger="go", time_zone=2', "time_zone is 2"),
        ('"j", trigger="go", send_window="09:00"', "send_window is '09:00'"),
        ('"j", trigger="go", send_window=("09:00",)', 'closing time: ("09:00", "18:00")'),
        ('"j", trigger="go", send_window=("9", "18:00")', "'9' is no time of day"),
        ('"j", trigger="go", send_window=("09:00", "09:00")', "cannot begin and end at 09:00"),
        ('"j", trigger="go", send_window=(9, 18)', "send_window is (9, 18)"),
        ('"j", trigger="go", accept_late="yes"', "accept_late is 'yes'"),
        ('"j", trigger="go", enabled=None', "enabled is None"),
    ],
)
def test_the_arguments_of_a_journey_are_checked(tmp_path: Path, arguments: str, message: str):
    registry = load_text(tmp_path, f"@journey({arguments})\nasync def broken(user, ctx): ...")
    assert list(registry.journeys) == ["sound"]
    assert message in format_problems(registry)
    assert "Error:" not in format_problems(registry)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("def j(user, ctx): ...", "is not `async`"),
        ("async def j(user): ...", "does not take two arguments"),
        ("class j: ...", "Error"),
    ],
)
def test_a_journey_is_an_async_function_with_two_parameters(
    tmp_path: Path, function: str, message: str
):
    registry = load_text(tmp_path, f'@journey("j", trigger="go")\n{function}')
    assert list(registry.journeys) == ["sound"]
    assert message in format_problems(registry)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ('ctx.send("welcome")', 4),
        ('\n    if ctx.history.has_event("x"):\n        return', 5),
        ("while not ctx.is_subscribed():\n        return", 4),
        ("assert ctx.random() < 1", 4),
        ('x = f"{ctx.now()}"', 4),
        ('x = 1 if ctx.wait_for("x") else 2', 4),
        ('x = True and ctx.wait_for("x")', 4),
        ('x = ctx.send("a")', 4),
        ('x: object = ctx.send("a")\n    print(x)', 4),
        ('x = ctx.send("a")\n    if x:\n        return', 4),
        ('if x := ctx.wait_for("x"):\n        print(x)', 4),
        ('x = ctx.send("a") if user else None', 4),
        ("day = ctx.now().day", 4),
        ("later = ctx.now() + days(1)", 4),
        ('for event in ctx.history.events("x"):\n        print(event)', 4),
        ('x = [e for e in ctx.history.events("x")]', 4),
        ("match ctx.variant('a', {'b': 1}):\n        case _: ...", 4),
        ('return ctx.send("a")', 4),
        ('[ctx.send(t) for t in "ab"]', 4),
        ('[ctx.send("a"), await ctx.send("b")]', 4),
        ("x = (ctx.now(), 1)", 4),
        ('mail = ctx.send\n    mail("a")', 5),
        ('async def again():\n        ctx.send("a")\n    await again()', 5),
        ('async def again():\n        await ctx.send("a")\n    again()', 6),
        ("ctx.throttle(1, days(1))", 4),
        ('ctx.step("a", print)', 4),
    ],
)
def test_a_missing_await_is_reported_when_the_file_is_loaded(tmp_path: Path, body: str, line: int):
    registry = load_text(
        tmp_path, f'@journey("j", trigger="go")\nasync def j(user, ctx):\n    {body}\n'
    )
    assert list(registry.journeys) == ["sound"]
    (broken,) = registry.broken
    assert (broken.line, "lacks an `await`" in broken.problem) == (line, True)


@pytest.mark.parametrize(
    ("body", "callee", "remedy"),
    [
        ('await asyncio.gather(ctx.send("a"))', "asyncio.gather", "one after the other"),
        ('await asyncio.gather(*[ctx.send(t) for t in "ab"])', "asyncio.gather", "one after"),
        ('asyncio.create_task(ctx.send("a"))', "asyncio.create_task", "one after the other"),
        ('await asyncio.wait_for(ctx.wait_for("a"), 5)', "asyncio.wait_for", "one after the other"),
        ('print(ctx.send("a"))', "print", "its own `await`"),
        ("await ctx.sleep_until(ctx.now())", "ctx.sleep_until", "its own `await`"),
        ('await ctx.step("a", fetch(user))', "ctx.step", "`lambda: fetch(…)`"),
    ],
)
def test_an_unawaited_argument_is_reported_with_the_remedy(
    tmp_path: Path, body: str, callee: str, remedy: str
):
    text = f"""
        import asyncio
        async def fetch(user): ...
        @journey("j", trigger="go")
        async def j(user, ctx):
            {body}
        """
    (broken,) = load_text(tmp_path, text).broken
    assert broken.line == 6
    assert f"is given to `{callee}` without an `await`" in broken.problem
    assert remedy in broken.remedy


def test_a_missing_await_in_another_file_is_reported_with_its_location(tmp_path: Path):
    (tmp_path / "_steps.py").write_text("async def hello(ctx):\n    ctx.send('hello')\n")
    registry = load_text(
        tmp_path,
        """
        from ._steps import hello
        @journey("j", trigger="go")
        async def j(user, ctx):
            await hello(ctx)
        """,
    )
    (broken,) = registry.broken
    assert "`ctx.send(…)` in _steps.py:2 lacks an `await`" in broken.problem


def test_a_call_that_is_awaited_later_is_not_reported(tmp_path: Path):
    registry = load_text(
        tmp_path,
        """
        def hello(ctx):
            return ctx.send("hello")

        async def each(*calls):
            return [await call for call in calls]

        @journey("j", trigger="go")
        async def j(user, context):
            later = context.send("welcome")
            await later
            for call in [context.random()]:
                await call
            if first := await context.wait_for("a"):
                print(first)
            await (context.send("a") if user else context.send("b"))
            x = context.now()
            x = await x
            await hello(context)
            await each(context.send("a"), context.send("b"))
            calls = [context.send("c")]
            await each(*calls)
            named = dict(d=context.send("d"))
            await named["d"]
            for name, call in zip("ef", [context.send("e"), context.send("f")]):
                print(name, await call)
            held = context.send("d")
            async def go():
                await held
            await go()
            until = context.when.tomorrow().at("09:00")
            await context.sleep_until(until)
            ctx = print
            ctx("not the context")
            return await context.exit()
        """,
    )
    assert registry.broken == ()


def test_all_problems_are_reported_together(tmp_path: Path):
    (tmp_path / "other.py").write_text("nonsense(")
    registry = load_text(
        tmp_path,
        """
        @journey("One", trigger=5, suppress=0)
        def one(): ...
        @journey("two", trigger="go", list="nothing")
        async def two(user, ctx): ...
        """,
    )
    assert len(registry.broken) == 6


def test_files_can_import_each_other_in_any_folder(tmp_path: Path):
    (tmp_path / "lists.py").write_text(
        'from hogsend import MailList\nnews = MailList("news", "News")\n'
    )
    registry = load_text(
        tmp_path,
        """
        from journeys.lists import news
        from .lists import news as again
        from . import a_sound

        @journey("j", trigger="go", list=news.id)
        async def j(user, ctx): ...
        also = j
        """,
    )
    assert registry.broken == ()
    assert sorted(registry.journeys) == ["j", "sound"]


def test_an_imported_journey_belongs_to_the_file_that_defines_it(tmp_path: Path):
    registry = load_text(tmp_path, "from .a_sound import sound\n")
    assert [(journey.id, journey.file) for journey in registry.journeys.values()] == [
        ("sound", "a_sound.py")
    ]
    assert registry.broken == ()


def test_an_edit_within_the_same_second_is_loaded_without_writing_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for name in ("one", "two", "six"):
        registry = load_text(tmp_path, f'@journey("{name}", trigger="go")\nasync def j(u, c): ...')
        assert sorted(registry.journeys) == sorted([name, "sound"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a_sound.py", "broken.py"]
    assert not sys.dont_write_bytecode


def test_the_version_of_a_file_changes_with_its_text(tmp_path: Path):
    hashes = set()
    for body in ("...", "pass", "..."):
        text = f'@journey("j", trigger="go")\nasync def j(u, c): {body}'
        hashes.add(load_text(tmp_path, text).journeys["j"].code_hash)
    assert len(hashes) == 2


def test_test_files_and_private_files_are_not_loaded(tmp_path: Path):
    for name in ("_private.py", "test_sound.py", "notes.txt"):
        registry = load_text(tmp_path, "nonsense(", name)
    assert (list(registry.journeys), registry.broken) == (["sound"], ())


def test_a_file_that_takes_long_to_load_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    warned = threading.Event()
    monkeypatch.setattr(folder_loader, "SLOW_SECONDS", 0.01)
    monkeypatch.setattr(folder_loader.log, "warning", lambda *_: warned.set())
    monkeypatch.setattr(builtins, "until_warned", lambda: warned.wait(30), raising=False)
    registry = load_text(tmp_path, "assert until_warned()")
    assert warned.is_set()
    assert not registry.broken


# -- packages beside the journeys ---------------------------------------------------------------


def test_packages_beside_the_journeys_are_found_and_their_files_are_no_journeys(tmp_path: Path):
    packages = tmp_path / "_packages"
    packages.mkdir()
    (packages / "price_list.py").write_text("PRICE = 3\n")
    (packages / "broken.py").write_text("raise SystemExit")
    (packages / "click.py").write_text("raise SystemExit")
    text = """
        import click
        import price_list

        @journey("priced", trigger="go")
        async def priced(user, ctx): ...
        PRICE = price_list.PRICE
    """
    registry = load_text(tmp_path, text, "priced.py")
    assert (set(registry.journeys), registry.broken) == ({"sound", "priced"}, ())
    assert sys.modules["journeys.priced"].PRICE == 3
    assert click.Command  # a library of the server is not replaced


def test_packages_that_arrive_later_are_found_at_the_next_load(tmp_path: Path):
    text = "import late_arrival"
    (problem,) = load_text(tmp_path, text).broken
    assert "Run `pip install --target" in problem.remedy
    (tmp_path / "_packages").mkdir()
    (tmp_path / "_packages" / "late_arrival.py").write_text("")
    assert load_text(tmp_path, text).broken == ()


def test_the_packages_of_another_folder_are_forgotten(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name / "_packages").mkdir(parents=True)
        load_text(tmp_path / name, "")
    entries = [entry for entry in sys.path if str(tmp_path) in entry]
    assert entries == [str(tmp_path / "two" / "_packages")]


def test_an_import_of_a_name_that_the_library_lacks_is_reported_with_the_right_one(tmp_path: Path):
    (problem,) = load_text(tmp_path, "from hogsend import WEEKDAY").broken
    assert (problem.line, problem.problem.split(":")[0]) == (2, "ImportError")
    assert sys.version_info < (3, 12) or problem.remedy == "Did you mean WEEKDAYS?"


def test_the_sending_policy_is_read_from_its_file(tmp_path: Path):
    policy = 'sending = SendingPolicy(provider_rates={"smtp": Rate(10, seconds(1))})'
    registry = load_text(tmp_path, policy, "sending.py")
    assert registry.broken == ()
    assert registry.sending_policy is not None
    assert registry.sending_policy.provider_rates["smtp"].mails == 10


def test_without_a_file_the_sending_policy_has_no_limits(tmp_path: Path):
    assert load_text(tmp_path, "").sending_policy == SendingPolicy()


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("sending.py", "sending = SendingPolicy(routes=[MailRoute({})])", "needs a provider"),
        ("sending.py", "", "needs one SendingPolicy"),
        ("sending.py", "a = SendingPolicy()\nb = SendingPolicy()", "has 2"),
    ],
)
def test_with_a_broken_file_there_is_no_sending_policy(
    tmp_path: Path, name: str, text: str, problem: str
):
    registry = load_text(tmp_path, text, name)
    assert registry.sending_policy is None
    assert problem in format_problems(registry)


def test_a_sending_policy_in_another_file_is_reported(tmp_path: Path):
    registry = load_text(tmp_path, "policy = SendingPolicy()", "lists.py")
    assert registry.sending_policy == SendingPolicy()
    assert "Move it to sending.py" in format_problems(registry)
