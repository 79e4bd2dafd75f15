"""A database that is deleted, moved or replaced under a running server: nothing more is accepted.

What the server would still write into the open file is lost with the process, so no event may be
acknowledged and no mail may leave.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from hogsend.clock import ManualClock
from hogsend.errors import StoreUnavailable
from hogsend.store import lag
from hogsend.store.database_health import GONE
from hogsend.store.db import Database, Write
from tests.databases import run_sql
from tests.patience import PATIENCE
from tests.processes import program
from tests.sinks.smtp_sink import SmtpSink
from tests.site import Site, open_site

NAME = "hogsend.db"
EVENT = {"name": "seen", "userId": "bo", "email": "bo@example.com"}
INSERT = Write("INSERT INTO meta (key, value) VALUES ('written', '1')")


def delete(file: Path) -> None:
    file.unlink()


def delete_log(file: Path) -> None:
    file.with_name(f"{NAME}-wal").unlink()


def delete_shared_memory(file: Path) -> None:
    file.with_name(f"{NAME}-shm").unlink()


def delete_everything(file: Path) -> None:
    shutil.rmtree(file.parent)


def replace(file: Path) -> None:
    copy = file.with_name("copy.db")
    shutil.copy(file, copy)
    copy.replace(file)


def replace_log(file: Path) -> None:
    log = file.with_name(f"{NAME}-wal")
    shutil.copy(log, log.with_name("copy"))
    log.with_name("copy").replace(log)


def move_folder(file: Path) -> None:
    file.parent.rename(file.parent.with_name("elsewhere"))


def replace_folder(file: Path) -> None:
    move_folder(file)
    shutil.copytree(file.parent.with_name("elsewhere"), file.parent)


def replace_folder_by_file(file: Path) -> None:
    move_folder(file)
    file.parent.write_text("not a folder")


LOSSES = [
    delete,
    delete_log,
    delete_shared_memory,
    delete_everything,
    replace,
    replace_log,
    move_folder,
    replace_folder,
    replace_folder_by_file,
]
Loss = Callable[[Path], None]


@pytest.fixture
def data(sqlite_url: str, tmp_path: Path) -> Path:
    """A data folder with a migrated database, which may be moved."""
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / NAME).rename(folder / NAME)
    return folder


@pytest.mark.parametrize("lose", LOSSES)
async def test_events_are_refused_at_once_when_the_database_is_gone(
    data: Path, tmp_path: Path, clock: ManualClock, lose: Loss
) -> None:
    async with open_site(tmp_path, clock, with_worker=False, DATA=str(data)) as site:
        assert (await site.post("/v1/events", EVENT)).status_code == 202
        lose(data / NAME)
        answer = await site.post("/v1/events", EVENT)
        assert answer.status_code == 503
        body = await answer.get_json()
        assert body["code"] == "unavailable" and "no longer" in body["error"]
        assert "restart" in body["error"] and str(data) not in body["error"]
        answer = await site.post("/v1/events/batch", {"events": [EVENT, EVENT]})
        assert answer.status_code == 503


@pytest.mark.parametrize("lose", LOSSES)
async def test_readyz_says_that_the_database_is_gone_before_anything_is_written(
    data: Path, tmp_path: Path, clock: ManualClock, lose: Loss
) -> None:
    async with open_site(tmp_path, clock, with_worker=False, DATA=str(data)) as site:
        lose(data / NAME)
        answer = await site.client.get("/readyz")
        part = (await answer.get_json())["parts"]["database"]
        assert answer.status_code == 503
        assert (part["status"], part["trouble"]) == ("down", "gone")
        assert "on its own" not in part["message"]


async def test_a_link_that_points_to_another_database_counts_as_gone(
    data: Path, tmp_path: Path, clock: ManualClock
) -> None:
    linked = tmp_path / "linked"
    linked.symlink_to(data)
    async with open_site(tmp_path, clock, with_worker=False, DATA=str(linked)) as site:
        assert (await site.post("/v1/events", EVENT)).status_code == 202
        other = tmp_path / "other"
        shutil.copytree(data, other)
        linked.unlink()
        linked.symlink_to(other)
        assert (await site.post("/v1/events", EVENT)).status_code == 503


async def test_a_link_to_the_database_file_is_followed_to_the_files_beside_it(
    data: Path, tmp_path: Path, clock: ManualClock
) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(data / NAME)
    url = f"sqlite://{link}"
    async with open_site(
        tmp_path, clock, with_worker=False, DATA=str(data), DATABASE_URL=url
    ) as site:
        assert (await site.post("/v1/events", EVENT)).status_code == 202
        delete_log(data / NAME)
        assert (await site.post("/v1/events", EVENT)).status_code == 503


async def test_a_database_that_vanishes_during_a_write_does_not_acknowledge_it(data: Path) -> None:
    database = Database(f"sqlite://{data / NAME}")
    await database.open()
    try:
        with pytest.raises(StoreUnavailable, match="no longer"):
            async with database.transaction() as tx:
                await tx.apply([INSERT])
                delete(data / NAME)
        assert database.health.problem is GONE
    finally:
        await database.close()


async def test_a_file_that_comes_back_is_used_only_after_a_restart(
    data: Path, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_site(tmp_path, clock, with_worker=False, DATA=str(data)) as site:
        move_folder(data / NAME)
        assert (await site.post("/v1/events", EVENT)).status_code == 503
        data.with_name("elsewhere").rename(data)
        assert (await site.post("/v1/events", EVENT)).status_code == 503
        with pytest.raises(StoreUnavailable):
            await site.runtime.database.probe_write()
    async with open_site(tmp_path, clock, with_worker=False, DATA=str(data)) as site:
        assert (await site.post("/v1/events", EVENT)).status_code == 202


async def test_no_turn_runs_and_no_mail_leaves_after_the_database_is_gone(
    data: Path, tmp_path: Path, clock: ManualClock
) -> None:
    async with SmtpSink() as sink:
        settings: dict[str, Any] = {
            "MAIL": sink.url,
            "FROM": "a@example.com",
            "ALLOW_LOCAL_LINKS": "1",
        }
        async with open_site(tmp_path, clock, DATA=str(data), **settings) as site:
            await site.event("user.created")
            await site.wait_for_sends(1)
            handed_over = len(sink.mails)
            delete(data / NAME)
            clock.set(clock.now() + timedelta(days=2))
            await wait_for_stop(site)
            body = await (await site.client.get("/readyz")).get_json()
            assert body["parts"]["worker"]["status"] == "stopped"
            assert len(await site.sends()) == handed_over == len(sink.mails) == 1


async def wait_for_stop(site: Site) -> None:
    worker = site.runtime.worker
    assert worker is not None
    async with asyncio.timeout(PATIENCE):
        while not worker.is_stopped:  # noqa: ASYNC110 - only the watcher knows
            await asyncio.sleep(0.01)


async def test_a_deleted_database_is_logged_with_its_path_and_the_remedy(tmp_path: Path) -> None:
    async with (
        SmtpSink() as sink,
        program(tmp_path, MAIL=sink.url) as hogsend,
        httpx.AsyncClient(timeout=PATIENCE) as client,
    ):
        await hogsend.start()
        assert (await hogsend.post(client, EVENT)).status_code == 202
        delete(hogsend.data / NAME)
        assert (await hogsend.post(client, EVENT)).status_code == 503
        await hogsend.wait_until(lambda: "worker has stopped" in hogsend.log)
        lines = [line for line in hogsend.log.splitlines() if "no longer" in line]
        assert len(lines) == 1 and str(hogsend.data / NAME) in lines[0]
        assert "restart" in lines[0] and '"error"' in lines[0]
        assert (await client.get(f"{hogsend.address}/healthz")).status_code == 200
        await hogsend.stop()
        await hogsend.start()
        assert (await hogsend.post(client, EVENT)).status_code == 202


async def test_a_dropped_postgres_database_counts_as_gone(postgres_url: str) -> None:
    server, _, options = postgres_url.partition("?")
    name = server.rpartition("/")[2]
    admin = f"{server.removesuffix(name)}postgres?{options}"
    database = Database(postgres_url)
    await database.open()
    try:
        await run_sql(admin, f"DROP DATABASE {name} WITH (FORCE)")
        async with asyncio.timeout(PATIENCE):
            while database.health.problem is not GONE:
                with pytest.raises(StoreUnavailable):
                    await database.read_one(lag.ping())
        await run_sql(admin, f"CREATE DATABASE {name}")
        with pytest.raises(StoreUnavailable, match="no longer"):
            async with database.transaction() as tx:
                await tx.apply([INSERT])
    finally:
        await database.close()
