"""The first start creates what is missing; a start that cannot work says why in one line."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.patience import PATIENCE
from tests.processes import READY, Outcome, Program, parse_json, program
from tests.site import FILES

WITHOUT_PRIVILEGE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@pytest.fixture
async def hogsend(tmp_path: Path) -> AsyncIterator[Program]:
    """A project whose server has never been started."""
    async with program(tmp_path) as project:
        yield project


def get_mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def get_error_line(outcome: Outcome) -> str:
    """Check that a command failed with status 1, one line and no traceback; return the line."""
    assert outcome.status == 1, outcome
    (line,) = outcome.err.strip().splitlines()
    assert line.startswith("hogsend: ") and READY not in outcome.out
    return line


async def test_the_first_start_creates_folder_secret_database_key_and_link(
    hogsend: Program,
) -> None:
    hogsend.settings["API_KEY"] = ""
    await hogsend.start()
    first_run = hogsend.data / "first-run.txt"
    link, key = first_run.read_text().split()[-1], re.search(r"hsk_\S+", first_run.read_text())
    assert key is not None
    assert get_mode(hogsend.data) == 0o700
    for path in hogsend.data.iterdir():
        assert get_mode(path) == 0o600, path
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        assert (await client.get(link)).status_code == 200
        body = {"name": "user.created", "userId": "ada", "email": "ada@example.com"}
        answer = await hogsend.post(client, body, key=key.group())
        assert answer.status_code == 202
        assert answer.json()["enrollments"][0]["outcome"] == "enrolled"
    assert (await hogsend.stop())[0] == 0
    assert hogsend.printed == [
        f"{READY}{hogsend.address}",
        f"The details for the first sign-in are in {first_run}",
    ]
    # The key is neither in the output nor in the log.
    assert key.group() not in hogsend.log and "Traceback" not in hogsend.log

    secret = (hogsend.data / "secret").read_bytes()
    await hogsend.start()
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        body = {"name": "user.created", "userId": "bo"}
        assert (await hogsend.post(client, body, key=key.group())).status_code == 202
    assert (hogsend.data / "secret").read_bytes() == secret
    assert first_run.read_text().count("hsk_") == 1
    assert hogsend.rows("SELECT COUNT(*) FROM api_keys") == [(1,)]


async def test_a_database_outside_the_data_folder_is_private_too(hogsend: Program) -> None:
    folder = hogsend.folder / "elsewhere"
    folder.mkdir(mode=0o755)
    hogsend.settings["DATABASE_URL"] = f"sqlite://{folder}/mine.db"
    for _ in range(2):
        await hogsend.start()
        modes = {path.name: get_mode(path) for path in folder.iterdir()}
        assert modes == dict.fromkeys(("mine.db", "mine.db-wal", "mine.db-shm"), 0o600)
        await hogsend.stop()
        # As an earlier version left it.
        (folder / "mine.db").chmod(0o644)


async def test_a_shared_data_folder_is_refused_and_left_alone(hogsend: Program) -> None:
    hogsend.data.mkdir()
    hogsend.data.chmod(0o1777)
    line = get_error_line(await hogsend.run("serve"))
    assert str(hogsend.data) in line and "HOGSEND_DATA" in line
    assert list(hogsend.data.iterdir()) == [] and get_mode(hogsend.data) == 0o1777


async def test_a_port_that_is_in_use_is_named_with_a_remedy(hogsend: Program) -> None:
    await hogsend.start()
    line = get_error_line(await hogsend.run("serve", DATA=str(hogsend.folder / "other")))
    assert hogsend.settings["BIND"] in line and "HOGSEND_BIND" in line


async def test_a_second_worker_on_the_same_folder_is_refused(hogsend: Program) -> None:
    await hogsend.start()
    elsewhere = "127.0.0.1:0"
    line = get_error_line(await hogsend.run("serve", "--with-worker", BIND=elsewhere))
    assert "Another worker" in line and "--with-worker" in line
    # The first goes on, and a server without a worker is welcome beside it.
    second = Program(hogsend.folder, {**hogsend.settings, "BIND": elsewhere})
    try:
        await second.start("--bind", elsewhere)
    finally:
        if second.process is not None:
            await second.stop()
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        assert (await client.get(f"{hogsend.address}/readyz")).json()["status"] == "ok"


async def test_a_read_only_data_folder_is_named(hogsend: Program) -> None:
    hogsend.data.mkdir(mode=0o700)
    hogsend.data.chmod(0o500)
    if os.getuid() == 0:
        # Nothing is read-only to root but by giving up that privilege.
        hogsend.wrapper = WITHOUT_PRIVILEGE
    line = get_error_line(await hogsend.run("serve"))
    assert str(hogsend.data) in line and "HOGSEND_DATA" in line
    assert list(hogsend.data.iterdir()) == []


async def test_a_database_newer_than_the_program_is_refused_and_left_alone(
    hogsend: Program,
) -> None:
    assert (await hogsend.run("migrate")).status == 0
    with closing(sqlite3.connect(hogsend.data / "hogsend.db")) as connection, connection:
        connection.execute(
            "INSERT INTO aerich (version, app, content) "
            "VALUES ('99_20990101000000_later.py', 'models', '{}')"
        )
    before = hogsend.rows("SELECT name FROM sqlite_master ORDER BY name")
    line = get_error_line(await hogsend.run("serve"))
    assert "newer than this program" in line and "backup" in line
    assert hogsend.rows("SELECT name FROM sqlite_master ORDER BY name") == before


async def test_a_file_that_is_no_database_is_refused_and_left_alone(hogsend: Program) -> None:
    hogsend.data.mkdir(mode=0o700)
    (hogsend.data / "hogsend.db").write_bytes(b"a picture of a cat" * 100)
    line = get_error_line(await hogsend.run("serve"))
    assert "hogsend.db" in line and "cannot be read" in line
    assert (hogsend.data / "hogsend.db").read_bytes().startswith(b"a picture")


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("BIDN", "127.0.0.1:1", "Did you mean HOGSEND_BIND?"),
        ("BIND", "nowhere", "HOST:PORT"),
        ("SECRET", "short", "HOGSEND_SECRET"),
        ("MAIL", "pigeon://loft", "HOGSEND_MAIL"),
        ("MAIL", "smtp://mail.example.com", "HOGSEND_FROM"),
    ],
)
async def test_a_setting_that_cannot_be_used_is_named(
    hogsend: Program, name: str, value: str, named: str
) -> None:
    line = get_error_line(await hogsend.run("serve", "--with-worker", **{name: value}))
    assert named in line


async def test_a_broken_journey_file_stops_no_other(tmp_path: Path) -> None:
    broken = {
        "syntax.py": "def broken(:\n",
        "raises.py": "x = 1\nraise RuntimeError('no')\n",
        "exits.py": "import sys\nsys.exit(3)\n",
        "nolist.py": FILES["welcome.py"].replace('"welcome"', '"nolist"').replace('"news"', '"no"'),
        "emails/bad.html": "---\nsubject: {{\n---\n<p>\n",
    }
    async with program(tmp_path, files={**FILES, **broken}) as hogsend:
        await hogsend.start()
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            body = {"name": "user.created", "userId": "ada", "email": "ada@example.com"}
            answer = (await hogsend.post(client, body)).json()
        outcomes = {
            decision["journeyId"]: decision["outcome"] for decision in answer["enrollments"]
        }
        assert outcomes["welcome"] == "enrolled"
        assert outcomes["nolist"] == "skipped"
        await hogsend.wait_until(lambda: hogsend.rows("SELECT 1 FROM sends WHERE status = 'sent'"))
        for named in ("syntax.py:1", "raises.py:2", "exits.py:2", "nolist.py", "bad.html"):
            assert named in hogsend.log
        assert "Traceback" not in hogsend.log


async def test_a_start_with_changed_code_warns_about_enrollments_that_would_drift(
    hogsend: Program,
) -> None:
    await hogsend.start()
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        body = {"name": "user.created", "userId": "ada", "email": "ada@example.com"}
        await hogsend.post(client, body)
    waits = "SELECT 1 FROM enrollments WHERE state = 'waiting'"
    await hogsend.wait_until(lambda: hogsend.rows(waits))
    await hogsend.stop()
    assert "has changed" not in hogsend.log

    # A start with the same code warns about nothing; a start after an edit does.
    await hogsend.start()
    await hogsend.stop()
    other = FILES["welcome.py"].replace('"a day"', '"another day"')
    (hogsend.folder / "journeys" / "welcome.py").write_text(other)
    await hogsend.start()

    warnings = await hogsend.wait_until(
        lambda: [line for line in hogsend.log.splitlines() if "has changed" in line]
    )
    (line,) = warnings
    assert "welcome has changed: 1 would drift" in line and "sleep:a day" in line
    assert '"level":"warning"' in line.replace(" ", "")
    assert hogsend.rows("SELECT state FROM enrollments") == [("waiting",)]


async def test_a_running_server_notices_keys_that_the_command_line_creates_and_revokes(
    hogsend: Program,
) -> None:
    await hogsend.start()
    created = parse_json(await hogsend.run("keys", "create", "--scope", "ingest", "--json"))
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        body = {"name": "seen", "userId": "ada"}
        for _ in range(2):
            assert (await hogsend.post(client, body, key=created["key"])).status_code == 202

        assert (await hogsend.run("keys", "revoke", created["id"])).status == 0

        async def is_refused() -> bool:
            return (await hogsend.post(client, body, key=created["key"])).status_code == 401

        # The server looks for changes five times a second.
        await hogsend.wait_until_async(is_refused, within=1.0 * hogsend.slowness)


async def test_a_running_server_notices_a_journey_that_the_command_line_disables(
    hogsend: Program,
) -> None:
    await hogsend.start()
    assert (await hogsend.run("journeys", "disable", "welcome")).status == 0
    people = (f"user-{n}" for n in range(1000))
    async with httpx.AsyncClient(timeout=PATIENCE) as client:

        async def is_refused() -> bool:
            body = {"name": "user.created", "userId": next(people)}
            (decision,) = (await hogsend.post(client, body)).json()["enrollments"]
            return decision.get("reason") == "disabled_by_operator"

        await hogsend.wait_until_async(is_refused, within=1.0 * hogsend.slowness)
