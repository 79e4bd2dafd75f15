"""Imports and exports of the admin API, as existing clients call them; the server runs them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.services.import_files import get_folder
from hogsend.store import keys
from tests.site import Site, open_site, until
from tests.web.test_admin_api import call

CONTACTS, SUPPRESSIONS = "/v1/admin/contacts", "/v1/admin/suppressions"


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    """An installation with a key that may import."""
    async with open_site(tmp_path, clock, with_worker=False) as opened:
        _, opened.key = await keys.create(
            opened.runtime.database, name="all", scopes=["full-admin"], now=clock.now()
        )
        yield opened


async def wait_for(site: Site, path: str) -> Any:
    """Wait until an import has ended, and return it."""

    async def has_ended() -> Any:
        job = await call(site, "GET", path)
        return None if job["status"] in ("pending", "processing") else job

    return await until(site.runtime.change_feed, has_ended)


async def test_clients_import_rows_and_read_what_became_of_them(site: Site) -> None:
    rows = [
        {"externalId": "ada", "email": "ada@example.com", "phone": "1", "properties": {"n": 1}},
        {"email": "nobody"},
    ]
    body = {"format": "json", "data": json.dumps(rows), "fileName": "people.json"}
    created = await call(site, "POST", f"{CONTACTS}/import", body, 202)
    assert created["status"] == "pending"
    job = await wait_for(site, f"{CONTACTS}/import/{created['jobId']}")
    assert (job["status"], job["totalRows"], job["processedRows"], job["failedRows"]) == (
        "completed", 2, 2, 1
    )  # fmt: skip
    (error,) = job["errors"]
    assert error["row"] == 1 and "must be an email address" in error["error"]
    assert (await site.contact("ada")).properties == {"phone": "1", "n": 1}
    listed = await call(site, "GET", f"{CONTACTS}/import/{job['id']}/rows")
    assert [row["content"] for row in listed["rows"]] == ['{"email": "nobody"}']

    body = {"format": "csv", "data": "email,reason\nada@example.com,bounced\n"}
    created = await call(site, "POST", f"{SUPPRESSIONS}/import", body, 202)
    job = await wait_for(site, f"{SUPPRESSIONS}/import/{created['jobId']}")
    assert (job["status"], job["errors"]) == ("completed", None)
    exported = await call(site, "GET", f"{SUPPRESSIONS}/export?format=csv")
    assert exported.splitlines()[1].startswith("ada@example.com,hard_bounce,")
    exported = json.loads(await call(site, "GET", f"{CONTACTS}/export"))
    assert exported["suppression"]["reason"] == "hard_bounce"

    all_refused = {"format": "csv", "data": "email\nnobody\n"}
    created = await call(site, "POST", f"{CONTACTS}/import", all_refused, 202)
    job = await wait_for(site, f"{CONTACTS}/import/{created['jobId']}")
    assert (job["status"], job["detail"]) == ("failed", "completed")


async def test_a_file_of_any_size_is_uploaded_as_it_is(site: Site) -> None:
    rows = b"user id,plan\n" + b"".join(b"u%d,pro\n" % n for n in range(300))
    path = f"{CONTACTS}/import/file?fileName=a.csv&lists=news"
    headers = {"Authorization": f"Bearer {site.key}", "Content-Type": "text/csv"}
    answer = await site.client.post(path, data=rows + b"x" * 2_000_000, headers=headers)
    assert answer.status_code == 202
    job = await wait_for(site, f"{CONTACTS}/import/{(await answer.get_json())['jobId']}")
    assert (job["created"], job["failedRows"]) == (300, 1)
    for body, status in (
        ({"format": "csv", "data": "a,b\n"}, 400),
        ({"format": "json", "data": "{}"}, 400),
        ({"format": "json", "data": "["}, 400),
        ({"format": "xml", "data": ""}, 400),
        ({"format": "csv", "data": "x" * 4_000_001}, 400),
    ):
        await call(site, "POST", f"{CONTACTS}/import", body, status)
    await call(site, "GET", f"{CONTACTS}/import/x", status=404)


async def test_a_dry_run_names_the_upload_to_start_or_to_delete(site: Site) -> None:
    headers = {"Authorization": f"Bearer {site.key}", "Content-Type": "text/csv"}
    upload = f"{CONTACTS}/import/file?dryRun=true&fileName=a.csv"

    async def try_out() -> str:
        answer = await site.client.post(upload, data=b"user id\nada\n", headers=headers)
        path = f"{CONTACTS}/import/{(await answer.get_json())['jobId']}"
        assert (await wait_for(site, path))["dryRun"]
        return path

    kept, unwanted = await try_out(), await try_out()
    assert await call(site, "DELETE", unwanted) == {"deleted": True}
    await call(site, "GET", unwanted, status=404)
    await call(site, "DELETE", unwanted, status=404)
    await call(site, "POST", f"{kept}/start", status=202)
    assert (await wait_for(site, kept))["created"] == 1
    await call(site, "POST", f"{kept}/start", status=409)
    page = await call(site, "GET", "/v1/admin/imports?limit=1")
    assert [(job["fileName"], job["kind"], job["created"]) for job in page["imports"]] == [
        ("a.csv", "contacts", 1)
    ]
    assert not list(get_folder(site.runtime.settings).iterdir())
    assert (await site.contact("ada")).user_id == "ada"
