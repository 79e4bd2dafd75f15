"""The binary alone in an empty folder does everything that the checkout does."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from tests import processes
from tests.browser.project import Project
from tests.browser.walkthrough import EVENT, Walkthrough, browsing
from tests.doubles.hatchet import hatchet_double
from tests.promises.test_hatchet import WAITING_JOURNEY, run_one_enrollment
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
def project(tmp_path: Path) -> Project:
    """The binary, copied alone into an empty folder."""
    assert BUILT.exists(), "make binary builds it"
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(BUILT, alone / "hogsend")
    # It is called from the project, as in the README: the binary is one folder above.
    return Project([str(alone / "hogsend")], alone)


async def test_the_walkthrough_works_with_the_binary(project: Project, browser_path: str) -> None:
    project.init()
    project.start()
    try:
        async with browsing(browser_path, javascript=True) as page:
            await Walkthrough(project, page, javascript=True).run()
        assert project.stop() == 0
    finally:
        project.stop()


async def test_the_binary_runs_a_hatchet_worker_with_its_listener(tmp_path: Path) -> None:
    files = {**FILES, "watch.py": WAITING_JOURNEY}
    async with hatchet_double() as double, processes.program(tmp_path, files=files) as hogsend:
        hogsend.command = (str(BUILT),)
        await run_one_enrollment(hogsend, double)


def test_journeys_beside_the_binary_import_the_whole_standard_library(project: Project) -> None:
    project.init()
    imports = "\n".join(f"import {name}" for name in _MODULES)
    (project.path / "journeys" / "wide.py").write_text(
        f"{imports}\nfrom hogsend import Contact, Context, journey\n\n"
        'assert zoneinfo.ZoneInfo("Europe/London")\n\n'
        '@journey("wide", trigger="wide.started")\n'
        "async def wide(user: Contact, ctx: Context) -> None:\n"
        '    await ctx.checkpoint("here")\n'
    )
    project.run("migrate")
    listed = project.run("journeys", "list", "--json")
    assert '"wide"' in listed
    assert "broken" not in project.run("journeys", "check").lower()


def test_journeys_beside_the_binary_use_packages_httpx_and_names_of_the_env_file(
    project: Project,
) -> None:
    project.init()
    package = project.path / "journeys" / "_packages" / "shopkit"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("VERSION = '2.1'\n")
    with (project.path / ".env").open("a") as file:
        file.write("SHOP_STAGE=file\n")
    (project.path / "journeys" / "shop.py").write_text(
        "import os\nimport httpx\nimport shopkit\nfrom hogsend import Contact, Context, journey\n\n"
        "httpx.AsyncClient()\n"
        'assert (os.environ["SHOP_STAGE"], shopkit.VERSION) == ("file", "2.1")\n\n'
        '@journey("shop", trigger="bought")\n'
        "async def shop(user: Contact, ctx: Context) -> None:\n"
        '    await ctx.checkpoint("here")\n'
    )
    project.run("migrate")
    assert '"shop"' in project.run("journeys", "list", "--json")
    assert "no problems" in project.run("journeys", "check", "--strict")


def test_a_kill_of_the_binary_leaves_no_process_and_loses_nothing(project: Project) -> None:
    project.init()
    project.start()
    _, key = project.first_run()
    first = project.send(key, EVENT)
    assert project.process is not None
    children = _list_children(project.process.pid)
    assert children, "a one-file program is two processes"
    project.kill()
    _wait_until_gone(children)
    project.start()
    try:
        repeated = project.send(key, EVENT)
        assert repeated == {**first, "stored": False}
        assert _wait_for_enrollments(project) == [("activation-welcome", "waiting")]
        assert _wait_for_mail(project) == 1
    finally:
        assert project.stop() == 0


def _list_children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait_until_gone(pids: list[int]) -> None:
    for _ in range(2000):
        if not any(_is_alive(pid) for pid in pids):
            return
        time.sleep(0.05)
    raise AssertionError("a process of the binary is still running")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False


def _read(project: Project, sql: str) -> list[tuple[str, ...]]:
    file = project.path / "data" / "hogsend.db"
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        return list(database.execute(sql))


def _wait_for_enrollments(project: Project) -> list[tuple[str, ...]]:
    for _ in range(2000):
        rows = _read(project, "SELECT journey_id, state FROM enrollments")
        if rows and rows[0][1] == "waiting":
            break
        time.sleep(0.05)
    return _read(project, "SELECT journey_id, state FROM enrollments")


def _wait_for_mail(project: Project) -> int:
    for _ in range(2000):
        [(count,)] = _read(project, "SELECT COUNT(*) FROM inbox")
        if count:
            break
        time.sleep(0.05)
    return int(_read(project, "SELECT COUNT(*) FROM inbox")[0][0])
