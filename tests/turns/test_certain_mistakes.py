"""The check refuses what certainly fails at run time, and accepts whatever may be right."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from hogsend.turns.static_analysis.diagnostics import Diagnostic
from tests.turns.test_folder_check import build_source, diagnose_text


def check(folder: Path, body: str, imports: str = "", **files: str) -> list[Diagnostic]:
    return diagnose_text(folder, build_source(body, imports), **files)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("await ctx.sleep(3)", "ctx.sleep takes a duration such as days(2), but was given int"),
        ("await ctx.sleep(3 if user else 4)", "given int. Say the unit: minutes(…), hours(…)"),
        ("await ctx.sleep(PAUSE)", "given int"),
        ("span = 60\nawait ctx.sleep(span)", "given int"),
        ("await ctx.sleep('2 days')", "given str"),
        ("await ctx.sleep(user.properties['days'])", "given str. A property is no duration"),
        ("await ctx.sleep(ctx.event.properties.get('days'))", "given str"),
        ("await ctx.sleep(await ctx.now())", "ctx.sleep_until"),
        ("await ctx.wait_for('a', timeout=60)", "timeout= takes a duration such as days(2)"),
        ("await ctx.wait_for_any(['a'], timeout=60)", "timeout= takes a duration"),
        ("await ctx.step('a', print, timeout=60)", "timeout= takes a duration"),
        ("await ctx.step('a', print, retries='3')", "retries= takes a whole number"),
        ("await ctx.step('a', 5)", "ctx.step takes a function"),
        ("await ctx.digest(days(0))", "takes a duration of up to a hundred years"),
        ("await ctx.digest(days(1), max_events=0)", "max_events= takes a whole number of at le"),
        ("await ctx.throttle(3, 7)", "ctx.throttle takes a duration"),
        ("await ctx.history.count('a', since=7)", "since= takes an instant"),
        ("await ctx.history.events('a', limit=0)", "limit= takes a whole number of at least 1"),
        ("await ctx.wait_for(5)", "ctx.wait_for takes the name of an event"),
        ("await ctx.wait_for_any('a')", "takes a list of events"),
        ("await ctx.wait_for_any([])", "needs at least one event"),
        ("await ctx.send(5)", "ctx.send takes a name"),
        ("await ctx.send('welcome', props=['a'])", "props= takes a mapping"),
        ("await ctx.trigger(None)", "ctx.trigger takes a name"),
        ("async def nap(length):\n    await ctx.sleep(length)\nawait nap(3)", "given int"),
    ],
)
def test_an_argument_that_a_call_certainly_refuses_is_an_error(
    tmp_path: Path, body: str, message: str
):
    (diagnostic,) = check(tmp_path, body, "PAUSE = 3")
    assert diagnostic.severity == "error"
    assert message in f"{diagnostic.problem} {diagnostic.remedy}"


@pytest.mark.parametrize(
    ("instant", "remedy"),
    [
        ("ctx.when.tomorrow()", 'add a time, such as .at("09:00")'),
        ("ctx.when.tz('Asia/Tokyo').next(user.properties['day'])", "add a time"),
        ("datetime(2026, 1, 1)", "has no time zone"),
        ("datetime(2026, 1, 1) + days(1)", "has no time zone"),
        ("datetime.fromisoformat('2026-01-01T09:00')", "has no time zone"),
        ("datetime.strptime(user.email, '%Y-%m-%d')", "has no time zone"),
        ("datetime.combine(date(2026, 1, 1), time(9))", "has no time zone"),
        ("datetime.fromtimestamp(user.properties['at'])", "has no time zone"),
        ("(await ctx.now()).replace(tzinfo=None)", "has no time zone"),
        ("START", "has no time zone"),
        ("date(2026, 1, 1)", "A date is a whole day"),
        ("(await ctx.now()).date()", "A date is a whole day"),
        ("'2026-01-01'", "datetime.fromisoformat(text)"),
        ("user.properties['trial_ends_at']", "datetime.fromisoformat(text)"),
        ("ctx.event.properties['trial']['ends_at']", "datetime.fromisoformat(text)"),
        ("user.properties.get('trial_ends_at')", "datetime.fromisoformat(text)"),
        ("1767225600", "datetime.fromtimestamp(seconds, UTC)"),
        ("days(2)", "to wait for it, ctx.sleep"),
        ("None", "Test for None before"),
    ],
)
def test_sleeping_until_something_that_is_no_instant_is_an_error(
    tmp_path: Path, instant: str, remedy: str
):
    imports = "from datetime import time\nSTART = datetime(2026, 5, 1)"
    for number, body in enumerate(
        (f"await ctx.sleep_until({instant})", f"end = {instant}\nawait ctx.sleep_until(end)")
    ):
        (tmp_path / str(number)).mkdir()
        (diagnostic,) = check(tmp_path / str(number), body, imports)
        assert diagnostic.problem.startswith("ctx.sleep_until takes an instant with a time zone")
        assert remedy in diagnostic.remedy


def test_a_moment_that_is_not_awaited_is_no_instant_to_look_back_to(tmp_path: Path):
    (diagnostic,) = check(tmp_path, "await ctx.wait_for('a', since=ctx.when.today().at('09:00'))")
    assert "since= takes an instant" in diagnostic.problem
    assert "Await it" in diagnostic.remedy


@pytest.mark.parametrize(
    "body",
    [
        "await ctx.sleep(days(3) if user else 3)",
        "await ctx.sleep(days(int(user.properties['days'])))",
        "await ctx.sleep(user.properties.get('span', days(2)))",
        "await ctx.sleep(2 * days(1) - hours(3))",
        "await ctx.sleep(compute(user))",
        "await ctx.sleep(seconds(3))",
        "await ctx.sleep(*pause)",
        "await ctx.wait_for('a', **options)",
        "await ctx.wait_for('a', timeout=None)",
        "await ctx.wait_for('a', timeout=options.get('timeout'))",
        "await ctx.sleep_until(prop('trial_ends_at') - days(2))",
        "await ctx.sleep_until(prop('trial_ends_at'))",
        "await ctx.sleep_until(datetime.fromisoformat(user.properties['at']))",
        "await ctx.sleep_until(datetime(2026, 1, 1, tzinfo=UTC))",
        "await ctx.sleep_until(datetime(2026, 1, 1, 0, 0, 0, 0, UTC))",
        "await ctx.sleep_until(datetime.fromtimestamp(user.properties['at'], UTC))",
        "await ctx.sleep_until(datetime.strptime(user.email, '%Y-%m-%d %z'))",
        "await ctx.sleep_until(datetime(2026, 1, 1).replace(tzinfo=UTC))",
        "await ctx.sleep_until(datetime(2026, 1, 1).astimezone(UTC))",
        "await ctx.sleep_until(await ctx.now() + days(2))",
        "await ctx.sleep_until(ctx.event.occurred_at + days(2))",
        "await ctx.sleep_until(user.first_seen_at + days(2))",
        "await ctx.sleep_until(ctx.when.tomorrow().at('09:00', days=WEEKDAYS))",
        "await ctx.sleep_until(ctx.when.tomorrow().window('09:00', user.properties['end']))",
        "await ctx.sleep_until(await ctx.when.next('monday').at('09:00'))",
        "past = await ctx.history.email('welcome')\n"
        "await ctx.sleep_until(past.last_sent_at + days(1))",
        "end = ctx.when.tomorrow()\nend = end.at('09:00')\nawait ctx.sleep_until(end)",
        "end = datetime(2026, 1, 1)\nif not end.tzinfo:\n    end = end.replace(tzinfo=UTC)\n"
        "await ctx.sleep_until(end)",
        "await ctx.history.count('a', since=days(7))",
        "now = await ctx.now()\nawait ctx.digest(ctx.event.occurred_at - now + days(9))",
        "await ctx.digest(days(1), max_events=len(options) - 1)",
        "await ctx.wait_for_any(user.properties['events'])",
        "await ctx.digest(days(1), on('a', where=prop('n') == 1))",
        "await ctx.wait_for_any([on('a'), 'b'])",
        "await ctx.send('welcome', props={**user.properties})",
        "await ctx.send('welcome', props=dict(user.properties))",
        "await ctx.step('a', make())",
        "def later(end=None):\n    return end\nawait ctx.sleep_until(later())",
    ],
)
def test_an_argument_that_may_be_right_is_accepted(tmp_path: Path, body: str):
    imports = (
        "options, pause = {}, [days(1)]\n"
        "def compute(user): return days(1)\n"
        "def seconds(number): return timedelta(0, number)\n"
        "def make(): return print"
    )
    assert check(tmp_path, body, imports) == []


@pytest.mark.parametrize(
    ("body", "problem", "remedy"),
    [
        ("print(user.propertes)", "A contact has no `propertes`.", "`properties`"),
        ("print(user.plan)", "A contact has no `plan`.", '`user.properties["plan"]`'),
        (
            "print(user.properties.plan)",
            "A mapping of properties has no",
            'user.properties["plan"]',
        ),
        ("print(ctx.evnt)", "The context has no `evnt`.", "`event`"),
        ("print(ctx.event.proprties)", "An event has no `proprties`.", "`properties`"),
        ("await ctx.snooze(days(1))", "The context has no `snooze`.", "It has"),
        ("await ctx.history.cuont('a')", "`ctx.history` has no `cuont`.", "`count`"),
        ("await ctx.when.tomorow().at('09:00')", "`ctx.when` has no `tomorow`.", "`tomorrow`"),
        ("user = await ctx.contact()\nprint(user.emial)", "A contact has no `emial`", "`email`"),
        ("w = await ctx.wait_for('a')\nprint(w.evnt)", "The result of a wait has no", "`event`"),
        ("w = await ctx.wait_for('a')\nif w: print(w.event.nme)", "An event has no", "`name`"),
        ("for e in await ctx.digest(days(1)): print(e.nme)", "An event has no `nme`", "`name`"),
        ("x = [e.nme for e in await ctx.history.events('a')]", "An event has no", "`name`"),
        ("s = await ctx.send('welcome')\nprint(s.state)", "result of `ctx.send`", "`status`"),
        ("await ctx.step('a', lambda: print(user.emial))", "A contact has no", "`email`"),
        ("def run():\n    return user.emial\nawait ctx.step('a', run)", "A contact has no", "ema"),
        ("greet(user)", "A contact has no `nickname`", 'who.properties["nickname"]'),
        ("greet_typed(max([]))", "A contact has no `nickname`", 'who.properties["nickname"]'),
        ("await ctx.sleep(days(1), lable='a')", "ctx.sleep has no argument `lable`", "`label`"),
        ("await ctx.sleep()", "ctx.sleep lacks the argument `duration`.", "Add it"),
        ("await ctx.send('welcome', 'Hello')", "ctx.send takes at most one argument", "Name"),
        ("await ctx.when.tomorrow()", "a day of `ctx.when` is not an instant", '.at("09:00")'),
        ("await ctx.when.at()", "ctx.when: at() missing 1 required", ""),
    ],
)
def test_a_name_that_certainly_does_not_exist_is_an_error_with_the_right_one(
    tmp_path: Path, body: str, problem: str, remedy: str
):
    helpers = (
        "def greet(who): return who.nickname\ndef greet_typed(who: Contact): return who.nickname"
    )
    (diagnostic,) = check(tmp_path, body, helpers)
    assert diagnostic.severity == "error"
    assert diagnostic.problem.startswith(problem) or problem in diagnostic.problem
    assert remedy in diagnostic.remedy


@pytest.mark.parametrize(
    "body",
    [
        "print(user.email, user.properties['a'], user.key, user.label, user.first_seen_at)",
        "print(user.properties.get('a'), user.properties.items())",
        "print(ctx.event.name, ctx.enrollment_id, ctx.event.properties['a'].upper())",
        "user = await load()\nprint(user.anything)",
        "user = user.properties\nprint(user.anything)",
        "def own(user): return user.anything\nown({})",
        "print([user.anything for user in people])",
        "for user in people: print(user.anything)",
        "await ctx.step('a', lambda user: user.anything)",
        "either(user), either(ctx.event)",
        "last = await ctx.history.last_event('a')\nif last: print(last.properties)",
        "waited = await ctx.wait_for('a')\nprint(waited.event.properties)",
        "try:\n    pass\nexcept StepFailed as user:\n    print(user.message)",
        "contact = user\nprint(contact.email)",
        "convert(ctx.event)",
        "from _collections import deque as user\nprint(user.anything)",
        "class Shape:\n    def area(user): return user.anything",
    ],
)
def test_a_name_that_may_exist_is_accepted(tmp_path: Path, body: str):
    helpers = (
        "people = []\n"
        "async def load(): return people\n"
        "def either(x): return x.name if isinstance(x, Event) else x.email\n"
        "def to_contact(function): return lambda event: function(user)\n"
        "@to_contact\n"
        "def convert(who): return who.email"
    )
    assert check(tmp_path, body, helpers) == []


# -- imports ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "problem", "remedy"),
    [
        ("import absent", "will not find `absent`", "--target {folder}/_packages absent"),
        ("import absent.part as p", "will not find `absent.part`", "_packages absent`"),
        ("from absent import part", "will not find `absent`", "_packages absent`"),
        ("import xml.absent", "will not find `xml.absent`", "`xml` is there, but has no such part"),
        ("import jsom", "will not find `jsom`", "Did you mean `json`?"),
        ("import stripe", "will not find `stripe`", "Run `pip install --target"),
        ("import _words", "will not find `_words`", "`from . import _words`"),
        ("from . import _wrods", "will not find `journeys._wrods`", "correct the name"),
        ("from ._words import greting", "_words.py has no `greting`", "`greeting`"),
        ("from journeys._wrods import greeting", "will not find `journeys._wrods`", "correct"),
        ("from hogsend import WEEKDAY", "hogsend has no `WEEKDAY`", "`WEEKDAYS`"),
        ("from hogsend.absent import x", "will not find `hogsend.absent`", "`hogsend` is there"),
        ("from .. import x", "leaves the folder of the journeys", "Move the file into the folder"),
    ],
)
def test_an_import_in_a_function_that_the_server_will_not_find_is_an_error(
    tmp_path: Path, statement: str, problem: str, remedy: str
):
    body = f"def work():\n    {statement}\nawait ctx.step('work', work)"
    (diagnostic,) = check(tmp_path, body, _words="def greeting(): ...")
    assert (diagnostic.file, diagnostic.line, diagnostic.severity) == ("j.py", 8, "error")
    assert problem in diagnostic.problem
    assert remedy.format(folder=tmp_path.name) in diagnostic.remedy
    assert "Did you mean `str" not in diagnostic.remedy


@pytest.mark.parametrize(
    "statement",
    [
        "import os.path, json, email.mime.text, xml.etree.ElementTree, zoneinfo",
        "import httpx",
        "from hogsend import WEEKDAYS, WEEKEND, Weekday, prop",
        "from hogsend.testing import play",
        "from ._words import greeting, Word, later, TEXT, json",
        "from . import _words",
        "import journeys._words",
        "from ._parts.more import anything",
        "try:\n        import absent\n    except ImportError:\n        absent = None",
        "from typing import TYPE_CHECKING\n    if TYPE_CHECKING:\n        import absent",
        "import sys\n    if sys.version_info < (3, 9):\n        import absent",
        "from contextlib import suppress\n    with suppress(ImportError):\n        import absent",
        "import packed.inner\n    from packed import inner, anything",
        "try:\n        import json\n    except ImportError:\n        import absent as json",
        "try:\n        import absent\n    except ImportError:\n        import json as absent",
        "try:\n        import absent\n    except ImportError:\n        pass\n"
        "    else:\n        import absent.more",
        "try:\n        import absent\n    except ImportError:\n        try:\n"
        "            import missing\n        except ImportError:\n            missing = None",
    ],
)
def test_an_import_that_the_server_finds_or_may_miss_is_accepted(tmp_path: Path, statement: str):
    (tmp_path / "_parts").mkdir()
    (tmp_path / "_parts" / "more.py").write_text("anything = 1\n")
    packed = tmp_path / "_packages" / "packed"
    packed.mkdir(parents=True)
    (packed / "__init__.py").write_text("anything = 1\n")
    (packed / "inner.py").write_text("")
    body = f"def work():\n    {statement}\nawait ctx.step('work', work)"
    words = """
        import json
        TEXT = "hello"
        def greeting(): ...
        async def later(): ...
        class Word: ...
    """
    assert check(tmp_path, body, _words=words) == []


@pytest.mark.parametrize(
    ("imports", "body"),
    [
        (
            """
            PAUSE = 0
            def configure():
                global PAUSE
                PAUSE = days(1)
            configure()
            """,
            "await ctx.sleep(PAUSE)",
        ),
        (
            "",
            """
            pause = 0
            def configure():
                nonlocal pause
                pause = days(1)
            configure()
            await ctx.sleep(pause)
            """,
        ),
        (
            """
            from dataclasses import dataclass
            @dataclass
            class Flow:
                ctx: Context
                pause: object = 0
                async def run(self):
                    self.pause = days(1)
                    await self.ctx.sleep(self.pause)
            """,
            "await Flow(ctx).run()",
        ),
        (
            """
            from dataclasses import dataclass
            @dataclass
            class Flow:
                ctx: Context
                end: datetime | None = None
                async def run(self):
                    await self.ctx.sleep_until(self.end)
            """,
            """
            flow = Flow(ctx)
            flow.end = await ctx.now()
            await flow.run()
            """,
        ),
        (
            """
            class Flow:
                def __init__(self, ctx, plan):
                    self.ctx = ctx
                    self.pause = days(1)
                    if plan == "free":
                        self.pause = 0
                async def run(self):
                    if self.pause:
                        await self.ctx.sleep(self.pause)
            """,
            "await Flow(ctx, user.properties.get('plan')).run()",
        ),
        (
            """
            from dataclasses import dataclass
            @dataclass(frozen=True)
            class Flow:
                ctx: Context
                pause: object = 0
                def __post_init__(self):
                    object.__setattr__(self, "pause", self.pause or days(1))
                async def run(self):
                    await self.ctx.sleep(self.pause)
            """,
            "await Flow(ctx).run()",
        ),
        (
            """
            def hourly(function):
                return lambda ctx: function(ctx, pause=hours(1))
            @hourly
            async def rest(ctx, pause=0):
                await ctx.sleep(pause)
            """,
            "await rest(ctx)",
        ),
        (
            """
            async def rest(ctx, pause=0, *, end=None):
                await ctx.sleep(pause)
                await ctx.sleep_until(end)
            """,
            """
            await rest(ctx, *[days(1)], end=await ctx.now())
            await rest(ctx, **{"pause": days(1), "end": await ctx.now()})
            """,
        ),
    ],
    ids=[
        "global",
        "nonlocal",
        "in a method",
        "from outside",
        "in __init__",
        "by a function",
        "decorator",
        "spread",
    ],
)
def test_a_value_that_is_set_again_elsewhere_may_be_right(tmp_path: Path, imports: str, body: str):
    assert check(tmp_path, textwrap.dedent(body).strip(), textwrap.dedent(imports).strip()) == []


def test_a_fallback_of_an_import_that_fails_must_be_there(tmp_path: Path):
    body = """
        def work():
            try:
                import absent
            except ImportError:
                import missing
        await ctx.step('work', work)
    """
    (diagnostic,) = check(tmp_path, textwrap.dedent(body).strip())
    assert (diagnostic.severity, diagnostic.problem) == (
        "error",
        "the server will not find `missing`.",
    )


def test_a_failed_import_at_the_top_is_reported_once_with_what_to_do(tmp_path: Path):
    from hogsend.turns.folder_loader import load

    assert check(tmp_path, "pass", "import absent") == []
    (broken,) = load(tmp_path).broken
    assert (broken.file, broken.line) == ("j.py", 4)
    assert "_packages absent`" in broken.remedy


def test_a_library_that_only_this_python_has_is_a_warning(tmp_path: Path):
    (diagnostic,) = check(tmp_path, "pass", "import pytest")
    assert (diagnostic.line, diagnostic.severity) == (4, "warning")
    assert "_packages pytest`" in diagnostic.remedy


def test_the_imports_of_files_that_journeys_import_are_checked_too(tmp_path: Path):
    diagnostics = check(tmp_path, "pass", "from . import _a", _a="def f():\n    import absent\n")
    assert [(diagnostic.file, diagnostic.line) for diagnostic in diagnostics] == [("_a.py", 2)]
