"""The diagnostics report code that breaks a replay, and nothing in correct journeys."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from hogsend.turns.folder_check import diagnose_folder
from hogsend.turns.folder_loader import load
from hogsend.turns.static_analysis.diagnostics import Diagnostic

TEMPLATES = ("welcome", "nudge", "goodbye")
SHIPPED = Path(__file__).parents[2] / "journeys"
HEAD = """\
from hogsend import *
from datetime import date, datetime, timedelta, UTC
news = MailList("news", "News")
"""


def diagnose_text(folder: Path, text: str, **files: str) -> list[Diagnostic]:
    """Diagnose a folder with a file of this text and with other files, named without `.py`."""
    (folder / "j.py").write_text(HEAD + textwrap.dedent(text))
    for name, other in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(other))
    return diagnose_folder(folder, load(folder), TEMPLATES)


def build_source(body: str, imports: str = "") -> str:
    """Return the text of a file with one journey; its body begins at line 7."""
    return (
        f'{imports}\n@journey("j", trigger="go")\nasync def j(user, ctx):\n'
        + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
        + "\n"
    )


@pytest.mark.parametrize(
    ("imports", "body", "name", "remedy"),
    [
        ("", "datetime.now(UTC)", "datetime.datetime.now", "ctx.now()"),
        ("", "x = datetime.utcnow().year", "datetime.datetime.utcnow", "ctx.now()"),
        ("", "if date.today().day == 1: pass", "datetime.date.today", "ctx.now()"),
        ("import datetime as dt", "dt.datetime.now()", "datetime.datetime.now", "ctx.now()"),
        ("import time", "time.time()", "time.time", "ctx.now()"),
        ("from time import time as clock", "clock()", "time.time", "ctx.now()"),
        ("import time", 'time.strftime("%H")', "time.strftime", "ctx.now()"),
        ("import random", "random.choice([1, 2])", "random.choice", "ctx.random()"),
        ("from random import shuffle", "shuffle([1, 2])", "random.shuffle", "ctx.random()"),
        ("import random", "random.Random().random()", "random.Random", "ctx.random()"),
        ("import uuid", "uuid.uuid4()", "uuid.uuid4", "ctx.uuid()"),
        ("import secrets", "secrets.token_hex()", "secrets.token_hex", "ctx.random()"),
        ("import os", "os.urandom(8)", "os.urandom", "ctx.random()"),
        ("import httpx", 'httpx.get("https://example.com")', "httpx.get", "ctx.step("),
        ("import requests", "requests.Session().get(1)", "requests.Session", "ctx.step("),
        ("import urllib.request", "urllib.request.urlopen(1)", "urllib.request.urlopen", "ctx.ste"),
        ("import smtplib", 'smtplib.SMTP("localhost")', "smtplib.SMTP", "ctx.step("),
        ("import subprocess", 'subprocess.run(["ls"])', "subprocess.run", "ctx.step("),
        ("", 'open("file").read()', "open", "ctx.step("),
        ("from pathlib import Path", 'Path("f").read_text()', "pathlib.Path.read_text", "ctx.st"),
        ("from pathlib import Path", '(Path("f") / "g").exists()', "pathlib.Path.exists", "ctx."),
        ("import time", "time.sleep(1)", "time.sleep", "ctx.sleep("),
        ("", 'input("yes?")', "input", "ctx.step("),
        ("import asyncio", "await asyncio.sleep(1)", "asyncio.sleep", "ctx.step("),
        ("import asyncio", "await asyncio.gather(*[])", "asyncio.gather", "one after the other"),
        ("import httpx\nclient = httpx.Client()", "client.get(1)", "httpx.Client.get", "ctx.step("),
        ("import random\nrng = random.Random(1)", "rng.random()", "random.Random.random", "ctx.ra"),
        ("now = datetime.now", "now(UTC)", "datetime.datetime.now", "ctx.now()"),
        ("", "import random\nrandom.random()", "random.random", "ctx.random()"),
        ("import random", "x = sorted([1], key=lambda n: random.random())", "random.random", "ct"),
    ],
)
def test_nondeterministic_code_is_an_error(
    tmp_path: Path, imports: str, body: str, name: str, remedy: str
):
    (tmp_path / "_packages" / "requests").mkdir(parents=True)
    diagnostics = diagnose_text(tmp_path, build_source(body, imports))
    assert [diagnostic.severity for diagnostic in diagnostics] == ["error"]
    assert diagnostics[0].problem.startswith(f"`{name}` ")
    assert remedy in diagnostics[0].remedy


@pytest.mark.parametrize(
    ("imports", "body"),
    [
        ("import os", 'os.environ["APP"]'),
        ("import os", 'os.getenv("APP")'),
        ("import time", "time.perf_counter()"),
        ("", "hash(user.email) % 2"),
    ],
)
def test_code_that_may_be_intended_is_a_warning(tmp_path: Path, imports: str, body: str):
    diagnostics = diagnose_text(tmp_path, build_source(body, imports))
    assert [diagnostic.severity for diagnostic in diagnostics] == ["warning"]


@pytest.mark.parametrize(
    ("imports", "body"),
    [
        ("import httpx", 'await ctx.step("a", lambda: httpx.get("https://example.com"))'),
        ("import uuid", "def fetch():\n    return uuid.uuid4()\nawait ctx.step('a', fetch)"),
        ("import time", "job = lambda: time.time()\nawait ctx.step('a', job)"),
        ("import random", "random.Random(user.email).choice([1, 2])"),
        ("import uuid", "uuid.UUID(int=1), uuid.uuid5(uuid.NAMESPACE_DNS, 'a')"),
        ("import urllib.parse", "urllib.parse.quote('a')"),
        ("import os", "os.path.join('a', 'b')"),
        ("from pathlib import Path", "Path('a').name.upper()"),
        ("import secrets", "secrets.compare_digest('a', 'b')"),
        ("import time", "time.gmtime(0), time.strftime('%H', time.gmtime(0))"),
        ("START = datetime.now(UTC)", "START.year, START.isoformat()"),
        ("import random\nAT_START = random.random()", "AT_START.hex()"),
        ("", "time = await ctx.now()\ntime.time()"),
        ("import time", "def go(time): return time.time()\ngo(await ctx.now())"),
        ("", "datetime(2026, 1, 1, tzinfo=UTC), datetime.fromisoformat('2026-01-01')"),
        ("import asyncio", "try:\n    pass\nexcept asyncio.TimeoutError:\n    pass"),
        ("def unused():\n    return datetime.now()", "unused"),
    ],
)
def test_code_in_steps_and_deterministic_code_are_not_reported(
    tmp_path: Path, imports: str, body: str
):
    assert diagnose_text(tmp_path, build_source(body, imports)) == []


def test_functions_that_a_journey_calls_are_diagnosed_in_every_file(tmp_path: Path):
    diagnostics = diagnose_text(
        tmp_path,
        """
        from ._words import greeting
        from . import _words

        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.send("welcome", props={"hello": greeting(user)})
            await _words.later(ctx)
        """,
        _words="""
            import datetime
            def greeting(user):
                return of_the_day(datetime.datetime.now())
            def of_the_day(now):
                return now.hour, datetime.date.today()
            async def later(ctx, template="nudge"):
                await ctx.send(template)
                await ctx.send("absent")
            def never_called():
                return datetime.datetime.now()
        """,
    )
    assert [(diagnostic.file, diagnostic.line) for diagnostic in diagnostics] == [
        ("_words.py", 4),
        ("_words.py", 6),
        ("_words.py", 9),
    ]


def test_a_journey_that_does_not_load_is_diagnosed_too(tmp_path: Path):
    diagnostics = diagnose_text(tmp_path, "raise ValueError\n" + build_source("datetime.now()"))
    assert [diagnostic.line for diagnostic in diagnostics] == [8]
    (tmp_path / "broken.py").write_text("nonsense(")
    assert len(diagnose_folder(tmp_path, load(tmp_path), TEMPLATES)) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            'await ctx.send("welcom")',
            "'welcom', which does not exist. Did you mean 'welcome",
        ),
        (
            'await ctx.send("xyz")',
            "'xyz', which does not exist. Define it in emails/xyz.html",
        ),
        ('await ctx.send(template="w" + "x")', "template 'wx'"),
        (
            'await ctx.send("welcome", list="new")',
            "list 'new', which does not exist. Did you mean 'ne",
        ),
        ('await ctx.is_subscribed("new")', "ctx.is_subscribed names the list 'new'"),
        ('await ctx.throttle(1, days(1), list="new")', "ctx.throttle names the list 'new'"),
        (
            'await ctx.when.tz("Europe/Berlyn").tomorrow().at("09:00")',
            "'Europe/Berlyn' is not a time",
        ),
        ('await ctx.sleep_until(ctx.when.next("mon").at("9"))', "'9' is no time of day"),
    ],
)
def test_a_missing_name_is_an_error_that_suggests_the_nearest(
    tmp_path: Path, body: str, message: str
):
    (diagnostic,) = diagnose_text(tmp_path, build_source(body))
    assert diagnostic.severity == "error"
    assert message in f"{diagnostic.problem} {diagnostic.remedy}"


@pytest.mark.parametrize(
    "body",
    [
        'await ctx.send(user.properties["mail"])',
        'await ctx.send(f"welcome-{user.id}")',
        'await ctx.send("welcome", list=None)',
        'await ctx.send("welcome", list=news.id)',
        "await ctx.is_subscribed()",
        'await ctx.wait_for("an.event.nobody.else.names", timeout=days(1))',
        'await ctx.when.tz(user.properties["tz"]).tomorrow().at("09:00")',
    ],
)
def test_names_that_are_unknown_before_run_time_are_not_reported(tmp_path: Path, body: str):
    assert diagnose_text(tmp_path, build_source(body)) == []


@pytest.mark.parametrize(
    "over",
    [
        '{"welcome", "nudge"}',
        'set(["welcome", "nudge"])',
        'frozenset(user.properties) & {"a"}',
        'list({"welcome", "nudge"})',
        'enumerate({"welcome", "nudge"})',
        "ALL",
        'ALL.union(["a"])',
        "here",
        "{t for t in ALL}",
    ],
)
def test_a_loop_over_a_set_that_calls_ctx_is_an_error(tmp_path: Path, over: str):
    body = f"here = {{'welcome'}}\nfor element in {over}:\n    await ctx.send(element)"
    (diagnostic,) = diagnose_text(tmp_path, build_source(body, 'ALL = {"welcome", "nudge"}'))
    assert (diagnostic.severity, diagnostic.line) == ("error", 8)
    assert "sorted" in diagnostic.remedy


@pytest.mark.parametrize(
    "loop",
    [
        'for element in sorted({"welcome"}):\n    await ctx.send(element)',
        'for element in ["welcome"]:\n    await ctx.send(element)',
        "for element in {1, 2, 3}:\n    await ctx.sleep(days(element), label=f'{element}')",
        'total = 0\nfor element in {"a", "b"}:\n    total += len(element)',
        'if "a" in {"a", "b"}:\n    await ctx.send("welcome")',
        'here = {"b"}\nhere = sorted(here)\nfor element in here:\n    await ctx.send(element)',
    ],
)
def test_a_loop_with_a_fixed_order_or_without_ctx_is_not_reported(tmp_path: Path, loop: str):
    assert diagnose_text(tmp_path, build_source(loop)) == []


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        (
            'try:\n    await ctx.sleep(days(1))\nfinally:\n    await ctx.send("welcome")',
            7,
            "ctx is called in `finally`",
        ),
        ("try:\n    await ctx.sleep(days(1))\nfinally:\n    print()", 7, "`finally` runs at every"),
        ("async with lock:\n    await ctx.wait_for('a')", 7, "`async with` is left at every wait"),
        ("try:\n    await ctx.sleep(days(1))\nexcept:\n    pass", 7, "also catches what ends"),
        (
            "try:\n    await ctx.now()\nexcept BaseException:\n    x = 1",
            7,
            "also catches what ends",
        ),
        ('await ctx.sleep(days(1), label="a")\nawait ctx.sleep(days(2), label="a")', 8, "'a'"),
        ("await ctx.sleep(days(1))\nawait ctx.sleep(24 * hours(1))", 8, "by their order only"),
        ("await ctx.sleep_until(a)\nawait ctx.sleep_until(b)", 8, "has the same name as"),
        (
            'await ctx.history.count("a", label="x")\nawait ctx.history.count("b", label="x")',
            8,
            "has the label 'x' too",
        ),
    ],
)
def test_code_that_does_not_do_what_it_seems_to_is_a_warning(
    tmp_path: Path, body: str, line: int, message: str
):
    (diagnostic,) = diagnose_text(tmp_path, build_source(body, "lock = a = b = None"))
    assert (diagnostic.severity, diagnostic.line) == ("warning", line)
    assert message in diagnostic.problem


@pytest.mark.parametrize(
    "body",
    [
        "try:\n    await ctx.step('a', print)\nexcept Exception:\n    pass",
        "try:\n    await ctx.sleep(days(1))\nexcept:\n    raise",
        "try:\n    x = 1\nfinally:\n    print()\nawait ctx.sleep(days(1))",
        "async with lock:\n    x = 1\nawait ctx.sleep(days(1))",
        "if user:\n    await ctx.sleep(days(1))\nelse:\n    await ctx.sleep(days(1))",
        "if user:\n    await ctx.sleep(days(1), label='a')\n    return\n"
        "await ctx.sleep(days(2), label='a')",
        "for n in range(3):\n    await ctx.sleep(days(1), label='a')",
        "for n in range(3):\n    await ctx.sleep(days(1), label=f'a-{n}')\n"
        "    await ctx.sleep(days(1), label=f'b-{n}')",
        "for n in [1]:\n    await ctx.sleep(days(1), label=f'a-{n}')\n"
        "for n in [2]:\n    await ctx.sleep(days(1), label=f'a-{n}')",
        "async def pause():\n    await ctx.sleep(days(1))\nawait pause()\nawait pause()",
        "await ctx.send('welcome')\nawait ctx.send('welcome')",
        "await ctx.sleep(days(1), label='a')\nawait ctx.send('welcome', label='a')",
    ],
)
def test_harmless_code_gets_no_warning(tmp_path: Path, body: str):
    assert diagnose_text(tmp_path, build_source(body, "lock = None")) == []


@pytest.mark.parametrize(
    "body",
    [
        'if trigger("plan") == "pro": await ctx.exit()',
        'if "pro" != trigger("plan"): await ctx.exit()',
        'await ctx.send("welcome", props={"plan": trigger("plan")})',
        'await ctx.trigger("won", {"plan": trigger("plan")})',
        'await ctx.wait_for(trigger("event"))',
    ],
)
def test_a_property_of_the_trigger_outside_a_condition_is_an_error(tmp_path: Path, body: str):
    (problem,) = diagnose_text(tmp_path, build_source(body, "from hogsend import trigger"))
    assert (problem.file, problem.line, problem.severity) == ("j.py", 7, "error")
    assert "`trigger(…)` is not the value itself" in problem.problem
    assert "ctx.event.properties" in problem.remedy


@pytest.mark.parametrize(
    "body",
    [
        'await ctx.wait_for("paid", where=prop("id") == trigger("id"))',
        'await ctx.wait_for(on("paid", where=~(prop("n") < trigger("n"))))',
        'await ctx.wait_for_any(["left", on("paid", where=prop("tags").contains(trigger("id")))])',
        'await ctx.digest(hours(1), "seen", where=prop("id").in_(trigger("ids")))',
        'same = trigger("id") == prop("id")\nawait ctx.history.count("paid", where=same)',
    ],
)
def test_a_property_of_the_trigger_in_a_condition_is_not_reported(tmp_path: Path, body: str):
    assert diagnose_text(tmp_path, build_source(body, "from hogsend import trigger")) == []


def test_the_example_journeys_have_no_problems():
    emails = SHIPPED / "emails"
    templates = [path.stem for path in emails.iterdir() if path.suffix in (".html", ".mjml")]
    registry = load(SHIPPED)
    assert len(registry.journeys) >= 5
    assert diagnose_folder(SHIPPED, registry, templates) == []


def test_each_problem_is_reported_once_and_in_order(tmp_path: Path):
    diagnostics = diagnose_text(
        tmp_path,
        """
        def now():
            return datetime.now()

        @journey("one", trigger="go")
        async def one(user, ctx):
            now(), now()
            await ctx.send("absent")

        @journey("two", trigger="go")
        async def two(user, ctx):
            now()
        """,
    )
    assert [diagnostic.line for diagnostic in diagnostics] == [6, 11]
    assert str(diagnostics[0]) == (
        "j.py:6: error: `datetime.datetime.now` reads the clock, and a replay would read another "
        "time. Use `await ctx.now()`, which gives the same instant at every replay."
    )


@pytest.mark.parametrize("call", ["send('welcome', to={})", "trigger('asked', to={})"])
@pytest.mark.parametrize("to", ["''", "'carl@'", "'Carl <carl@example.com>'", "7"])
def test_a_constant_that_names_no_person_is_an_error(tmp_path: Path, call: str, to: str):
    (diagnostic,) = diagnose_text(tmp_path, build_source(f"await ctx.{call.format(to)}"))
    assert diagnostic.severity == "error"
    assert diagnostic.problem.endswith("is neither an email address nor a user id.")


@pytest.mark.parametrize("to", ["'carl@example.com'", "'c1'", "None", "user.email", "f'a{user}'"])
def test_a_person_or_a_value_that_is_not_constant_is_no_problem(tmp_path: Path, to: str):
    assert diagnose_text(tmp_path, build_source(f"await ctx.send('welcome', to={to})")) == []


# -- instants ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "call"),
    [
        ("", "await ctx.sleep_until(datetime(2027, 1, 31))"),
        ("", "await ctx.sleep_until(instant=datetime(2027, 1, 31, 9, 30))"),
        ("OPENING = datetime(2027, 1, 31)", "await ctx.sleep_until(OPENING)"),
    ],
)
def test_an_instant_without_a_time_zone_is_an_error(tmp_path: Path, before: str, call: str):
    (diagnostic,) = diagnose_text(tmp_path, build_source(call, before))
    assert diagnostic.severity == "error"
    assert "takes an instant with a time zone" in diagnostic.problem


@pytest.mark.parametrize(
    "call",
    [
        "await ctx.sleep_until(datetime(2027, 1, 31, tzinfo=UTC))",
        "await ctx.sleep_until(datetime(2027, 1, 31, 0, 0, 0, 0, UTC))",
        'await ctx.sleep_until(prop("ends"))',
        'await ctx.sleep_until(prop("a.ends") - days(2) + hours(1), timeout=days(1), label="end")',
        "await ctx.sleep_until(user.first_seen_at + days(1))",
    ],
)
def test_an_instant_with_a_time_zone_and_a_property_are_no_problem(tmp_path: Path, call: str):
    assert diagnose_text(tmp_path, build_source(call)) == []
