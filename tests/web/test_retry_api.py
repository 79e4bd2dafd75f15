"""`POST /v1/admin/journeys/{id}/states/retry`: what a program retries, and what it may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.store import audit, keys
from hogsend.store.counters import Tally
from hogsend.store.db import Write
from hogsend.store.fields import to_micros
from hogsend.web.api import enrollments as retry_api
from tests.site import Site, open_site, until

PATH = "/v1/admin/journeys/welcome/states/retry"


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    """An installation without a worker, with three enrollments in `welcome`."""
    async with open_site(tmp_path, clock, with_worker=False) as opened:
        for user_id in ("ada", "bo", "cy"):
            await opened.event("user.created", user_id)
        yield opened


async def set_failed(site: Site, *, is_retrying: bool) -> None:
    """Let the turn of every enrollment have failed, the last of them an hour ago."""
    state = "active" if is_retrying else "failed"
    for number, (enrollment_id,) in enumerate(await site.rows("SELECT id FROM enrollments")):
        at = to_micros(site.clock.now() - timedelta(hours=3 - number))
        row = (state, f"Traceback\nKeyError: 'plan{number}'", None if is_retrying else at, at)
        sql = (
            "UPDATE enrollments SET state = ?, error = ?, ended_at = ?, updated_at = ?, "
            "attempt = 1 WHERE id = ?"
        )
        tally = Tally(site.clock.now())
        tally.change_state("welcome", "active", state)
        async with site.runtime.database.transaction() as tx:
            await tx.apply([Write(sql, [(*row, enrollment_id)]), tally.to_write()])


async def create_key(site: Site, scope: str) -> str:
    database, now = site.runtime.database, site.clock.now()
    _, text = await keys.create(database, name=scope, scopes=[scope], now=now)
    return text


async def retry(
    site: Site, body: Any, *, path: str = PATH, scope: str = "journey-admin"
) -> tuple[int, dict[str, Any]]:
    """Post a request with a key of a scope; return the status and the JSON of the answer."""
    answer = await site.post(path, body, Authorization=f"Bearer {await create_key(site, scope)}")
    return answer.status_code, await answer.get_json()


@pytest.mark.parametrize("status", ["failed", "retrying"])
async def test_a_program_counts_and_then_retries_a_journeys_enrollments(
    site: Site, status: str
) -> None:
    await set_failed(site, is_retrying=status == "retrying")
    expected = {"journeyId": "welcome", "status": status}

    counted = await retry(site, {"status": status, "dryRun": True})
    assert counted == (200, {**expected, "dryRun": True, "matched": 3})
    assert await audit.list_entries(site.runtime.database, 10) == []

    retried = await retry(site, {"status": status})
    assert retried == (200, {**expected, "retried": 3, "skipped": [], "complete": True})
    rows = await site.rows("SELECT DISTINCT state, attempt, wake_at FROM enrollments")
    assert rows == [("active", 0, to_micros(site.clock.now()))]
    assert (await retry(site, {"status": status}))[1]["retried"] == 0
    (entry,) = await audit.list_entries(site.runtime.database, 10)
    assert (entry.action, entry.before, entry.after) == (
        "retry all",
        {"state": status},
        {"people": 3},
    )
    assert entry.who.startswith("key hsk_")


@pytest.mark.parametrize(
    ("fields", "matched"),
    [
        ({"error": "plan1"}, 1),
        ({"error": "KeyError"}, 3),
        ({"error": "keyerror"}, 0),
        ({"error": "100%"}, 0),
        ({"failedSince": "2026-01-01T00:00:00Z"}, 3),
        ({"failedSince": "2999-01-01T00:00:00Z"}, 0),
        ({"error": "plan1", "failedSince": "2999-01-01T00:00:00Z"}, 0),
    ],
)
async def test_a_program_limits_a_retry_to_an_error_and_a_time(
    site: Site, fields: dict[str, str], matched: int
) -> None:
    await set_failed(site, is_retrying=False)
    body = {"status": "failed", **fields}
    assert (await retry(site, {**body, "dryRun": True}))[1]["matched"] == matched
    assert (await retry(site, body))[1]["retried"] == matched
    assert await site.fetch_value("SELECT COUNT(*) FROM enrollments WHERE state = 'failed'") == (
        3 - matched
    )


async def test_who_is_skipped_is_counted_with_the_reason(site: Site) -> None:
    await set_failed(site, is_retrying=False)
    # All are of one contact, so only one of them can be live.
    ada = (await site.contact("ada")).id
    async with site.runtime.database.transaction() as tx:
        await tx.apply([Write("UPDATE enrollments SET contact_id = ?", [(ada,)])])
    _, answer = await retry(site, {"status": "failed"})
    reason = "This contact has entered the journey again and is in it now."
    assert (answer["retried"], answer["skipped"]) == (1, [{"reason": reason, "count": 2}])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "status"),
        ({"status": "drifted"}, "status"),
        ({"status": "failed", "eror": "KeyError"}, "eror"),
        ({"status": "failed", "error": ""}, "error"),
        ({"status": "failed", "error": "\0"}, "error"),
        ({"status": "failed", "failedSince": "yesterday"}, "failedSince"),
        ({"status": "failed", "dryRun": "yes"}, "dryRun"),
    ],
)
async def test_a_request_that_does_not_fit_retries_nobody(
    site: Site, body: dict[str, Any], field: str
) -> None:
    await set_failed(site, is_retrying=False)
    status, answer = await retry(site, body)
    assert status == 400
    assert [detail["path"] for detail in answer["details"]] == [[field]]
    assert await site.rows("SELECT DISTINCT state FROM enrollments") == [("failed",)]


@pytest.mark.parametrize("scope", ["ingest", "read"])
async def test_a_key_that_may_not_operate_retries_nobody(site: Site, scope: str) -> None:
    await set_failed(site, is_retrying=False)
    for body in ({"status": "failed"}, {"status": "failed", "dryRun": True}, b"nonsense"):
        status, answer = await retry(site, body, scope=scope)
        assert (status, answer["code"]) == (403, "forbidden")
    assert (await site.post(PATH, {"status": "failed"}, Authorization="")).status_code == 401
    assert await site.rows("SELECT DISTINCT state FROM enrollments") == [("failed",)]


@pytest.mark.parametrize("is_dry", [False, True])
async def test_an_unknown_journey_is_not_found(site: Site, *, is_dry: bool) -> None:
    body = {"status": "failed", "dryRun": is_dry}
    for name in ("nope", "no%00pe"):
        status, answer = await retry(site, body, path=PATH.replace("welcome", name))
        assert (status, answer["code"]) == (404, "not_found")


async def test_a_retry_of_a_journey_without_code_is_a_conflict(site: Site) -> None:
    await set_failed(site, is_retrying=False)
    site.runtime.ingest.rules.journeys.pop("welcome")  # type: ignore[attr-defined]
    for body in ({"status": "failed", "dryRun": True}, {"status": "failed"}):
        status, answer = await retry(site, body)
        assert status == 409
    assert answer["error"] == "The code of welcome is gone or broken. Restore it before you retry."


async def test_a_long_retry_is_answered_before_it_ends_and_still_ends(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_failed(site, is_retrying=False)
    monkeypatch.setattr(retry_api, "PATIENCE", 0.0)
    status, answer = await retry(site, {"status": "failed"})
    assert (status, answer["complete"]) == (202, False)

    async def is_done() -> bool:
        return await site.rows("SELECT DISTINCT state FROM enrollments") == [("active",)]

    assert await until(site.runtime.change_feed, is_done)
