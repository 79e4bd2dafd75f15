"""What is wrong with Hatchet, and which run plays whom, is told on the screens and to watchers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from quart import Quart

from hogsend.errors import HatchetApiUnavailable
from hogsend.process.event_bus import EventBus
from hogsend.process.runtime import Runtime
from hogsend.process.worker_factory import build_worker
from hogsend.store.db import Query, Write
from hogsend.store.fields import to_id
from tests.doubles.hatchet.token import TENANT, mint
from tests.web.conftest import Browser, extract_text
from tests.web.sample_data import SampleData

SCREENS = "https://hatchet.example.com"


@pytest.fixture
def with_hatchet(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """An instance whose worker has not reached Hatchet yet."""
    monkeypatch.setenv("HATCHET_CLIENT_TOKEN", mint("hatchet.example.com:443", SCREENS))
    runtime.settings = replace(runtime.settings, engine="hatchet")
    runtime.worker = build_worker(runtime, EventBus())
    return runtime


async def test_readyz_reports_that_hatchet_is_unreachable_and_since_when(
    app: Quart, with_hatchet: Runtime
) -> None:
    answer = await app.test_client().get("/readyz")
    assert answer.status_code == 200
    body = await answer.get_json()
    assert body["status"] == "degraded"
    assert body["parts"]["engine"] == {
        "kind": "hatchet",
        "status": "away",
        "since": "2026-03-02T09:00:00.000Z",
        "message": "Hatchet is unreachable: events are stored, but turns wait.",
    }


async def test_readyz_distinguishes_hatchet_from_its_api(
    app: Quart, owner: Browser, with_hatchet: Runtime
) -> None:
    assert with_hatchet.worker is not None
    engine: Any = with_hatchet.worker.engine
    engine._connectivity.record_answer("ping")
    engine._connectivity.record_failure(
        "api", HatchetApiUnavailable("nobody answers at secret.example.com")
    )
    body = await (await app.test_client().get("/readyz")).get_json()
    assert (body["status"], body["parts"]["engine"]["status"]) == ("degraded", "partly away")
    assert "secret.example.com" not in json.dumps(body)
    assert "secret.example.com" in await owner.read("/system")


async def test_every_page_warns_that_hatchet_is_unreachable(
    owner: Browser, with_hatchet: Runtime
) -> None:
    for path in ("/", "/system", "/journeys", "/contacts"):
        assert "Hatchet is unreachable: events are stored, but turns wait." in await owner.read(
            path
        )
    assert "Hatchet has not answered yet" in await owner.read("/")


async def test_without_hatchet_nothing_is_unreachable(app: Quart, owner: Browser) -> None:
    body = await (await app.test_client().get("/readyz")).get_json()
    assert body["parts"]["engine"] == {"kind": "embedded", "status": "up"}
    assert "unreachable" not in extract_text(await owner.read("/"))


async def test_an_enrollment_links_to_its_run_in_hatchets_dashboard(
    owner: Browser, with_hatchet: Runtime, sample: SampleData
) -> None:
    live = Query(
        "SELECT id FROM enrollments WHERE state = 'waiting' LIMIT 1",
        [],
        lambda rows: to_id(rows[0][0]),
    )
    enrollment_id = await with_hatchet.database.read_one(live)
    run = "0f8fad5b-d9cb-469f-a165-70867728950e"
    row = (
        "INSERT INTO hatchet_runs (enrollment_id, run_id, pushed, tried, again_at) "
        "VALUES (?,?,0,2,0)"
    )
    async with with_hatchet.database.transaction() as tx:
        await tx.apply([Write(row, [(enrollment_id, run)])])
    html = await owner.read(f"/enrollments/{enrollment_id}")
    assert f'href="{SCREENS}/tenants/{TENANT}/runs/{run}"' in html
    assert "restarted 2 times" in extract_text(html)
