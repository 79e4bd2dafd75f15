"""The binary alone in an empty folder does all that the checkout does."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from tests import processes
from tests.browser.program import Program
from tests.browser.story import EVENT, Story, browsing
from tests.doubles.hatchet import hatchet_double
from tests.promises.test_hatchet import WATCH, lived_through
from tests.site import FILES

pytestmark = pytest.mark.binary

BUILT = Path(__file__).parents[2] / "dist" / "hogsend"
_MODULES = (
    "asyncio",
    "calendar",
    "collections.abc",
    "csv",
    "dataclasses",
    "decimal",
    "email.message",
    "enum",
    "fractions",
    "graphlib",
    "html.parser",
    "http.client",
    "ipaddress",
    "itertools",
    "json",
    "logging.config",
    "random",
    "re",
    "secrets",
    "sqlite3",
    "statistics",
    "string",
    "textwrap",
    "tomllib",
    "typing",
    "unicodedata",
    "urllib.request",
    "uuid",
    "wsgiref.util",
    "xml.etree.ElementTree",
    "zipfile",
    "zoneinfo",
)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The binary, copied alone into an empty folder."""
    assert BUILT.exists(), "make binary builds it"
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(BUILT, alone / "hogsend")
    # Called from the project as in the README: the binary lies one folder above it.
    return Program([str(alone / "hogsend")], alone)


async def test_the_story_holds_for_the_binary(program: Program, browser_path: str) -> None:
    program.init()
    program.start()
    try:
        async with browsing(browser_path, javascript=True) as page:
            await Story(program, page, javascript=True).live()
        assert program.stop() == 0
    finally:
        program.stop()


async def test_the_binary_runs_a_hatchet_worker_listener_included(tmp_path: Path) -> None:
    files = {**FILES, "watch.py": WATCH}
    async with hatchet_double() as double, processes.program(tmp_path, files=files) as hogsend:
        hogsend.command = (str(BUILT),)
        await lived_through(hogsend, double)


def test_journeys_beside_the_binary_import_the_whole_standard_library(program: Program) -> None:
    program.init()
    imports = "\n".join(f"import {name}" for name in _MODULES)
    (program.project / "journeys" / "wide.py").write_text(
        f"{imports}\nfrom hogsend import Contact, Context, journey\n\n"
        'assert zoneinfo.ZoneInfo("Europe/London")\n\n'
        '@journey("wide", trigger="wide.started")\n'
        "async def wide(user: Contact, ctx: Context) -> None:\n"
        '    await ctx.checkpoint("here")\n'
    )
    program.run("migrate")
    listed = program.run("journeys", "list", "--json")
    assert '"wide"' in listed
    assert "broken" not in program.run("journeys", "check").lower()


def test_killing_the_binary_leaves_no_second_process_and_loses_nothing(program: Program) -> None:
    program.init()
    program.start()
    _, key = program.first_run()
    taken = program.send(key, EVENT)
    assert program.process is not None
    family = _descendants(program.process.pid)
    assert family, "a one-file program is two processes"
    program.kill()
    _wait_until_gone(family)
    program.start()
    try:
        repeated = program.send(key, EVENT)
        assert repeated == {**taken, "stored": False}
        assert _waiting_at(program) == [("activation-welcome", "waiting")]
        assert _inbox(program) == 1
    finally:
        assert program.stop() == 0


def _descendants(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in found]


def _wait_until_gone(pids: list[int]) -> None:
    for _ in range(100):
        if not any(_alive(pid) for pid in pids):
            return
        time.sleep(0.05)
    raise AssertionError("a process of the binary lives on")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False


def _read(program: Program, question: str) -> list[tuple[str, ...]]:
    file = program.project / "data" / "hogsend.db"
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        return list(database.execute(question))


def _waiting_at(program: Program) -> list[tuple[str, ...]]:
    for _ in range(100):
        rows = _read(program, "SELECT journey_id, state FROM enrollments")
        if rows and rows[0][1] == "waiting":
            break
        time.sleep(0.05)
    return _read(program, "SELECT journey_id, state FROM enrollments")


def _inbox(program: Program) -> int:
    for _ in range(100):
        [(count,)] = _read(program, "SELECT COUNT(*) FROM inbox")
        if count:
            break
        time.sleep(0.05)
    return int(_read(program, "SELECT COUNT(*) FROM inbox")[0][0])
