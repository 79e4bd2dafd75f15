"""`hogsend doctor` prints a line for each check, with a remedy for each problem."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sqlite3
import stat
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hogsend.cli.doctor import command, machine
from hogsend.cli.doctor.check_result import CheckResult
from hogsend.config.settings import Settings
from hogsend.process.worker_lock import WorkerLock
from hogsend.store import meta, workers
from hogsend.store.db import Database
from hogsend.store.workers import WorkerInfo

from .conftest import Hogsend
from .sleeping_enrollments import open_database


@pytest.fixture(autouse=True)
def healthy_machine(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings name a free port, and the machine's clock is synchronised."""
    monkeypatch.setenv("HOGSEND_BIND", "127.0.0.1:0")
    monkeypatch.setattr(machine, "_is_synchronised", lambda: True)


def read_levels(hogsend: Hogsend) -> dict[str, str]:
    """Return the level of each part."""
    return {result["part"]: result["level"] for result in hogsend("doctor", "--json").json}


def test_a_sound_project_passes_every_check(journeys: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("doctor")

    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert len(lines) == 13 and all(line.startswith("ok ") for line in lines)


def test_before_the_first_start_nothing_is_wrong_and_nothing_is_created(
    empty_folder: Path, hogsend: Hogsend
) -> None:
    assert hogsend("doctor").status == 0
    assert list(empty_folder.iterdir()) == []


def test_an_unusable_setting_is_the_only_result(
    empty_folder: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_MIAL", "inbox")

    outcome = hogsend("doctor")

    assert outcome.status == 1
    assert outcome.out.startswith("failure  settings") and "HOGSEND_MAIL?" in outcome.out


def test_a_data_folder_that_other_users_can_read_is_a_warning(
    journeys: Path, hogsend: Hogsend
) -> None:
    (journeys.parent / "data").chmod(0o755)

    assert read_levels(hogsend)["data folder"] == "warning"


def test_a_data_folder_that_others_share_is_a_failure_and_not_fixed(
    journeys: Path, hogsend: Hogsend
) -> None:
    data = journeys.parent / "data"
    data.chmod(0o1777)

    assert hogsend("doctor", "--fix").status == 1
    assert read_levels(hogsend)["data folder"] == "failure"
    assert stat.S_IMODE(data.stat().st_mode) == 0o1777


def test_a_broken_journey_is_a_warning(journeys: Path, hogsend: Hogsend) -> None:
    (journeys / "broken.py").write_text("raise ValueError\n")

    outcome = hogsend("doctor")

    assert outcome.status == 0 and "hogsend journeys check" in outcome.out


def test_a_provider_without_a_sender_is_a_failure(
    journeys: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_MAIL", "smtp://mail.example.com:25")

    levels_by_part = read_levels(hogsend)

    assert levels_by_part["mail"] == "failure" and levels_by_part["public address"] == "warning"
    assert hogsend("doctor").status == 1


def test_providers_with_an_api_are_named_with_the_address_of_their_webhooks(
    journeys: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_BASE_URL", "http://127.0.0.1:9")
    local = "url=http://127.0.0.1:9"
    monkeypatch.setenv(
        "HOGSEND_MAIL",
        f"resend://k3y?{local} mine=brevo://k3y?webhook_token=t0ken&{local} smtp://127.0.0.1:9",
    )

    outcome = hogsend("doctor")

    assert "resend cannot report bounces and complaints: webhook_secret is not set" in outcome.out
    assert "docs/providers/resend.md" in outcome.out
    assert "mine reports to http://127.0.0.1:9/v1/webhooks/email/mine." in outcome.out
    assert "t0ken" not in outcome.out and "k3y" not in outcome.out


def test_a_port_in_use_by_another_program_is_a_failure(
    journeys: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("HOGSEND_BIND", f"127.0.0.1:{other.getsockname()[1]}")

        outcome = hogsend("doctor")

    assert outcome.status == 1 and "HOGSEND_BIND" in outcome.out


def test_a_full_disk_is_a_failure(
    journeys: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_FULL_DISK", 1 << 60)

    assert read_levels(hogsend)["disk"] == "failure"


def test_a_damaged_secret_is_a_failure(journeys: Path, hogsend: Hogsend) -> None:
    (journeys.parent / "data" / "secret").write_text("short")

    assert read_levels(hogsend)["secret"] == "failure"


def test_a_file_that_is_not_a_database_is_a_failure(project: Path, hogsend: Hogsend) -> None:
    (project / "data" / "hogsend.db").write_bytes(b"no database at all, but long enough" * 10)

    assert read_levels(hogsend)["schema"] == "failure"


def test_a_clock_that_is_not_synchronised_is_a_warning(
    journeys: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_is_synchronised", lambda: False)

    assert read_levels(hogsend)["clock"] == "warning"


def test_an_env_file_that_every_user_can_read_is_a_warning(
    journeys: Path, hogsend: Hogsend
) -> None:
    env_file = journeys.parent / ".env"
    env_file.write_text("HOGSEND_LOG_LEVEL=debug\n")
    env_file.chmod(0o644)

    assert read_levels(hogsend)[".env"] == "warning"


def test_a_check_that_crashes_is_a_failure_and_the_others_still_run(
    journeys: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(settings: Settings) -> list[CheckResult]:
        raise RuntimeError("no such thing")

    monkeypatch.setitem(command.CHECKS, "disk", crash)

    outcome = hogsend("doctor")

    assert outcome.status == 1
    assert "The check failed with RuntimeError: no such thing." in outcome.out
    assert "Traceback" not in outcome.out + outcome.err
    assert "ok       port" in outcome.out


def test_a_send_hold_is_a_warning_with_the_command_that_lifts_it(
    journeys: Path, hogsend: Hogsend
) -> None:
    with open_database(journeys) as database, database:
        database.execute(
            "INSERT INTO meta (key, value) VALUES (?, ?)", [meta.SEND_HOLD, "restored copy"]
        )

    outcome = hogsend("doctor")

    assert outcome.status == 0
    assert "warning  sending" in outcome.out
    assert "Sending is on hold because this database is a restored copy." in outcome.out
    assert "`hogsend resume-sending`" in outcome.out
    hogsend("resume-sending", "--yes")
    assert "on hold" not in hogsend("doctor").out


def test_every_result_makes_sense_without_its_label(journeys: Path, hogsend: Hogsend) -> None:
    for result in hogsend("doctor", "--json").json:
        assert not re.match(r"(It|None|Its|They)\b", result["text"]), result
        assert not re.search(r"\b(reads?|creates|synchronises) it\b", result["text"]), result


# -- fixing ---------------------------------------------------------------------------------------


def test_fix_creates_the_data_folder_and_protects_the_env_file(
    empty_folder: Path, hogsend: Hogsend
) -> None:
    (empty_folder / ".env").write_text("HOGSEND_LOG_LEVEL=debug\n")
    (empty_folder / ".env").chmod(0o644)

    outcome = hogsend("doctor", "--fix")

    assert outcome.status == 0
    assert [line.split()[1] for line in outcome.out.splitlines() if line.startswith("fixed")] == [
        "data",
        ".env",
    ]
    assert stat.S_IMODE((empty_folder / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((empty_folder / ".env").stat().st_mode) == 0o640
    assert read_levels(hogsend)[".env"] == "ok"
    assert "fixed" not in hogsend("doctor", "--fix").out


def test_fix_protects_the_data_folder(journeys: Path, hogsend: Hogsend) -> None:
    (journeys.parent / "data").chmod(0o755)

    hogsend("doctor", "--fix")

    assert stat.S_IMODE((journeys.parent / "data").stat().st_mode) == 0o700


def test_fix_migrates_a_sqlite_file_after_copying_it(empty_folder: Path, hogsend: Hogsend) -> None:
    data = empty_folder / "data"
    data.mkdir(mode=0o700)
    with closing(sqlite3.connect(data / "hogsend.db")) as database, database:
        database.execute("CREATE TABLE notes (text)")
    assert read_levels(hogsend)["schema"] == "warning"

    outcome = hogsend("doctor", "--fix")

    assert "fixed    schema" in outcome.out
    assert read_levels(hogsend)["schema"] == "ok"
    assert len(list((data / "backups").glob("*.db"))) == 1


def test_a_problem_that_cannot_be_fixed_stays_a_failure(
    empty_folder: Path, hogsend: Hogsend
) -> None:
    (empty_folder / "blocked").write_text("")
    (empty_folder / ".env").write_text("HOGSEND_DATA=blocked/data\n")
    (empty_folder / ".env").chmod(0o600)

    outcome = hogsend("doctor", "--fix")

    assert outcome.out.startswith("failure  data folder")
    assert "HOGSEND_DATA to another folder" in outcome.out


def test_without_fix_nothing_is_changed(empty_folder: Path, hogsend: Hogsend) -> None:
    results = hogsend("doctor", "--json").json

    assert [result["part"] for result in results if result["fixable"]] == ["data folder"]
    assert list(empty_folder.iterdir()) == []


# -- the engine -----------------------------------------------------------------------------------


def make_overdue(project: Path, minutes: int) -> None:
    """Insert an enrollment that has been due for some minutes."""
    wake = int((time.time() - minutes * 60) * 1_000_000)
    with closing(sqlite3.connect(project / "data" / "hogsend.db")) as database, database:
        database.execute("PRAGMA foreign_keys = OFF")
        columns = database.execute("PRAGMA table_info(enrollments)").fetchall()
        values: dict[str, object] = {"state": "waiting", "wake_at": wake, "id": b"i" * 16}
        # The other columns do not matter here, but must not be null.
        row = {
            name: values.get(name, b"x" * 16 if kind.startswith("BLOB") else 1)
            for _, name, kind, needed, default, _ in columns
            if name in values or (needed and default is None)
        }
        names, marks = ",".join(row), ",".join("?" * len(row))
        statement = f"INSERT INTO enrollments ({names}) VALUES ({marks})"  # noqa: S608
        database.execute(statement, list(row.values()))


def test_an_overdue_enrollment_without_a_worker_is_a_warning(
    journeys: Path, hogsend: Hogsend
) -> None:
    make_overdue(journeys.parent, minutes=5)

    outcome = hogsend("doctor")

    assert outcome.status == 0
    assert "No worker is running. Start `hogsend serve --with-worker`" in outcome.out
    assert "due for 0:05:0" in outcome.out


def test_a_running_worker_is_seen_and_not_disturbed(journeys: Path, hogsend: Hogsend) -> None:
    lock = WorkerLock(journeys.parent / "data")
    try:
        assert f"1 worker is running: process {os.getpid()}." in hogsend("doctor").out
    finally:
        lock.release()

    assert "No worker is running, and none is needed" in hogsend("doctor").out


def test_workers_on_postgres_are_counted_and_their_engine_compared(
    empty_folder: Path, hogsend: Hogsend, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_DATABASE_URL", postgres_url)
    worker = WorkerInfo(
        uuid.uuid4(), "db1", 7, "hatchet", "1", {}, datetime.now(UTC), datetime.now(UTC)
    )

    async def begin() -> None:
        database = Database(postgres_url)
        await database.open()
        async with database.transaction() as transaction:
            await transaction.apply([workers.register(worker)])
        await database.close()

    asyncio.run(begin())

    results = {result["part"]: result for result in hogsend("doctor", "--json").json}
    assert results["workers"]["level"] == "warning"
    assert (
        "db1:7 runs journeys on the hatchet engine, not on embedded" in results["workers"]["text"]
    )
