"""Alive, ready, and what each part does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hogsend import __version__
from hogsend.clock import ManualClock
from hogsend.domain.ids import new_id
from hogsend.domain.send_policy import Send
from hogsend.store import meta, send_hold, sends
from hogsend.store.db import Database
from tests.site import Site, open_site
from tests.web.conftest import Browser, extract_text


async def add_blocked_mail(site: Site) -> None:
    await site.event("seen")
    now, contact = site.clock.now(), await site.contact("ada")
    reason = "template hello: variable props.plan is missing"
    send = Send(new_id(now), contact.id, "hello", "news", "blocked", now, reason=reason)
    async with site.runtime.database.transaction() as tx:
        await tx.apply([sends.insert([send])])


async def ready(site: Site, status: int = 200) -> dict[str, Any]:
    answer = await site.client.get("/readyz")
    assert answer.status_code == status
    assert answer.headers["Cache-Control"] == "no-store"
    return await answer.get_json()


async def test_an_idle_server_is_ready(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> None:
    async with open_site(tmp_path, clock) as site:
        assert await (await site.client.get("/healthz")).get_json() == {
            "status": "ok",
            "version": __version__,
        }
        body = await ready(site)
        assert body["status"] == "ok"
        assert body["parts"]["database"]["status"] == "up"
        assert body["parts"]["worker"] == {"status": "up", "overdueSeconds": 0}


async def test_a_server_without_a_worker_reports_that(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_site(tmp_path, clock, with_worker=False) as site:
        worker = (await ready(site))["parts"]["worker"]
        assert worker == {"status": "elsewhere", "overdueSeconds": 0}
        await site.event("user.created")
        clock.set(clock.now() + timedelta(minutes=5))
        body = await ready(site)
        assert body["status"] == "degraded"
        assert body["parts"]["worker"] == {"status": "late", "overdueSeconds": 300}


async def test_late_work_is_reported(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> None:
    async with open_site(tmp_path, clock) as site:
        assert site.runtime.worker is not None
        await site.runtime.worker.engine.close()
        await site.event("user.created")
        clock.set(clock.now() + timedelta(minutes=2))
        body = await ready(site)
        assert body["status"] == "degraded"
        assert body["parts"]["worker"] == {"status": "late", "overdueSeconds": 120}


async def test_a_refusing_provider_is_reported_without_its_message(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_site(tmp_path, clock) as site:
        worker = site.runtime.worker
        assert worker is not None
        monkeypatch.setattr(type(worker.mailer), "provider_problem", "535 user root@secret")
        body = await ready(site)
        assert body["status"] == "degraded"
        assert body["parts"]["worker"]["mail"] == "the mail provider rejects our messages"
        assert "secret" not in str(body)


async def test_a_restored_copy_reports_the_hold_on_sending_and_logs_it_once(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(sqlite_url)
    await database.open()
    async with database.transaction() as tx:
        await tx.apply([meta.set_value(meta.SEND_HOLD, "restored copy of Monday")])
    await database.close()
    async with open_site(tmp_path, clock) as site:
        await site.event("user.created")
        assert site.runtime.worker is not None
        body = await ready(site)
        assert body["status"] == "degraded" and body["parts"]["worker"]["status"] == "fenced"
        assert "restored copy of Monday" in body["parts"]["worker"]["mail"]
        assert await site.runtime.database.read_one(send_hold.find_reason())
        assert await site.rows("SELECT * FROM inbox") == []
    (line,) = [record.getMessage() for record in caplog.records if "on hold" in record.getMessage()]
    assert "a restored copy of Monday" in line and "`hogsend resume-sending`" in line


async def test_without_a_database_the_server_is_alive_but_not_ready(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_site(tmp_path, clock, with_worker=False) as site:

        async def refuse(*_: object) -> list[object]:
            raise OSError("disk I/O error")

        with monkeypatch.context() as patch:
            patch.setattr(site.runtime.database, "read", refuse)
            body = await ready(site, 503)
            assert body["status"] == "down" and body["parts"]["database"] == {"status": "down"}
            assert (await site.client.get("/healthz")).status_code == 200
            wire = await (await site.client.get("/v1/health")).get_json()
            assert wire["status"] == "degraded"


async def test_clients_of_the_original_understand_our_health(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_site(tmp_path, clock, with_worker=False) as site:
        body = await (await site.client.get("/v1/health")).get_json()
        assert body["status"] == "healthy" and body["timestamp"] == "2026-03-02T09:00:00.000Z"
        assert body["uptime"] >= 0 and body["schema"]["engine"]["inSync"] is True
        assert body["components"]["database"]["status"] == "up"


@pytest.mark.parametrize("path", ["/", "/system", "/journeys", "/contacts"])
async def test_every_page_says_that_the_database_is_gone(
    owner: Browser, tmp_path: Path, path: str
) -> None:
    (tmp_path / "hogsend.db").unlink()
    assert "no longer where the server opened it" in extract_text(await owner.read(path))


async def test_blocked_mails_are_reported_and_the_server_stays_ready(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_site(tmp_path, clock, with_worker=False) as site:
        response = await site.client.get("/readyz")
        body = await response.get_json()
        assert body["parts"]["mails"] == {"status": "up", "blocked": 0}
        await add_blocked_mail(site)

        response = await site.client.get("/readyz")

        body = await response.get_json()
        assert (response.status_code, body["status"]) == (200, "degraded")
        mails = body["parts"]["mails"]
        assert (mails["status"], mails["blocked"]) == ("blocked", 1)
        assert "props.plan" not in str(body)
