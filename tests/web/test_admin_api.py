"""The admin API: what the dashboard shows and does, as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.services import stepwise
from hogsend.store import keys
from tests.site import Site, open_site

JOURNEY = "/v1/admin/journeys/welcome"


@pytest.fixture
async def site(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    """An installation on each database, with three enrollments in `welcome`."""
    async with open_site(tmp_path, clock, with_worker=False, DATABASE_URL=database_url) as opened:
        _, opened.key = await keys.create(
            opened.runtime.database, name="all", scopes=["full-admin"], now=clock.now()
        )
        for user_id in ("ada", "bo", "cy"):
            await opened.event("user.created", user_id, eventProperties={"plan": user_id})
            clock.set(clock.now() + timedelta(minutes=1))
        yield opened


async def call(site: Site, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    """Send a request; return the JSON of the answer, whose status must be this one."""
    headers = {"Authorization": f"Bearer {site.key}"}
    more = {} if body is None else {"json": body}
    answer = await site.client.open(path, method=method, headers=headers, **more)
    assert answer.status_code == status, await answer.get_data(as_text=True)
    if "application/json" not in answer.content_type:
        return await answer.get_data(as_text=True)
    return await answer.get_json()


async def test_journeys_are_listed_switched_and_entered(site: Site) -> None:
    page = await call(site, "GET", "/v1/admin/journeys")
    (journey,) = page["journeys"]
    assert (page["total"], page["limit"], page["offset"]) == (1, 50, 0)
    assert journey["id"] == "welcome" and journey["trigger"] == {"event": "user.created"}
    assert journey["counts"] == {
        "active": 3, "waiting": 0, "completed": 0, "failed": 0, "exited": 0, "held_out": 0
    }  # fmt: skip
    detail = (await call(site, "GET", JOURNEY))["journey"]
    assert [match["event"] for match in detail["exitOn"]] == ["user.deleted", "email.bounced"]
    assert [state["userId"] for state in detail["recentStates"]] == ["cy", "bo", "ada"]

    switched = await call(site, "PATCH", JOURNEY, {"enabled": False})
    assert switched["journey"]["enabled"] is False
    assert (await call(site, "GET", "/v1/admin/journeys?enabled=true"))["total"] == 0
    refused = await call(site, "POST", f"{JOURNEY}/enroll", {"userId": "dee"}, 202)
    assert refused["enrolled"] is False and refused["reason"] == "disabled_by_operator"
    await call(site, "PATCH", JOURNEY, {"enabled": True})
    answer = await call(
        site, "POST", f"{JOURNEY}/enroll", {"userId": "dee", "userEmail": "dee@example.com"}, 202
    )
    assert answer["enrolled"] is True and answer["event"] == "user.created"
    entered = await call(site, "GET", f"{JOURNEY}/states/{answer['stateId']}")
    assert entered["state"]["userId"] == "dee"
    await call(site, "GET", "/v1/admin/journeys/missing", status=404)


async def test_states_are_paged_filtered_and_acted_on(site: Site) -> None:
    first = await call(site, "GET", f"{JOURNEY}/states?limit=2")
    assert [state["userId"] for state in first["states"]] == ["cy", "bo"] and first["total"] == 3
    second = await call(site, "GET", f"{JOURNEY}/states?limit=2&cursor={first['nextCursor']}")
    assert [state["userId"] for state in second["states"]] == ["ada"]
    assert "nextCursor" not in second
    offset = await call(site, "GET", f"{JOURNEY}/states?limit=2&offset=2")
    assert offset["states"] == second["states"]
    (hers,) = (await call(site, "GET", f"{JOURNEY}/states?userId=bo&status=active"))["states"]
    assert (await call(site, "GET", f"{JOURNEY}/states?userId=nobody"))["states"] == []

    path = f"{JOURNEY}/states/{hers['id']}"
    exited = await call(site, "DELETE", path)
    assert exited["state"]["status"] == "exited" and exited["state"]["exitedAt"]
    await call(site, "DELETE", path, status=409)
    assert (await call(site, "GET", f"{JOURNEY}/states?status=exited"))["total"] == 1
    other = second["states"][0]["id"]
    gone = await call(site, "POST", f"{JOURNEY}/states/{other}/exit", {"note": "asked"})
    assert gone["state"]["status"] == "exited" and "asked" in gone["state"]["endReason"]
    await call(site, "POST", f"{JOURNEY}/states/{other}/dance", {}, 404)
    await call(site, "GET", f"/v1/admin/journeys/other/states/{other}", status=404)
    await call(site, "GET", f"{JOURNEY}/states/nonsense", status=404)
    for query in ("limit=0", "limit=101", "offset=-1", "status=x", "cursor=x"):
        refused = await call(site, "GET", f"{JOURNEY}/states?{query}", status=400)
        assert refused["code"] == "invalid"


async def test_events_are_filtered_and_replayed(
    site: Site, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.event("seen", "ada")
    page = await call(site, "GET", "/v1/admin/events?limit=3")
    assert [event["event"] for event in page["events"]] == ["seen", *["user.created"] * 3][:3]
    rest = await call(site, "GET", f"/v1/admin/events?cursor={page['nextCursor']}")
    assert [event["userId"] for event in rest["events"]] == ["ada"]
    hers = await call(site, "GET", "/v1/admin/events?userId=ada@example.com")
    assert [event["event"] for event in hers["events"]] == ["seen", "user.created"]
    assert (await call(site, "GET", "/v1/admin/events?userId=nobody"))["events"] == []
    since = (clock.now() - timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    late = await call(site, "GET", f"/v1/admin/events?from={since}&event=user.created")
    assert [event["userId"] for event in late["events"]] == ["cy"]
    early = await call(site, "GET", f"/v1/admin/events?to={since}")
    assert [event["userId"] for event in early["events"]] == ["bo", "ada"]

    # A filter without an index looks at a bounded number of events, and says where to go on.
    monkeypatch.setattr(stepwise, "FIRST_STEP_ROWS", 2)
    monkeypatch.setattr(stepwise, "MAX_PAGE_SECONDS", 0)
    sparse = await call(site, "GET", "/v1/admin/events?source=cli")
    assert sparse["events"] == [] and sparse["nextCursor"]
    last = await call(site, "GET", f"/v1/admin/events?source=cli&cursor={sparse['nextCursor']}")
    end = await call(site, "GET", f"/v1/admin/events?source=cli&cursor={last['nextCursor']}")
    assert end["events"] == [] and "nextCursor" not in end

    original = hers["events"][1]
    replayed = await call(site, "POST", f"/v1/admin/events/{original['id']}/replay", status=202)
    assert replayed["enrollments"][0]["reason"] == "already_live"
    shown = (await call(site, "GET", f"/v1/admin/events/{replayed['eventId']}"))["event"]
    assert shown["properties"] == {"plan": "ada"} and shown["id"] != original["id"]
    assert shown["enrollments"][0]["outcome"] == "skipped"
    await call(site, "POST", f"/v1/admin/events/{site_id()}/replay", status=404)


def site_id() -> str:
    """Return an id that nothing has."""
    return "01a20364-0bb6-73eb-9330-0f5a70953204"


async def test_keys_are_created_used_and_revoked(site: Site, clock: ManualClock) -> None:
    expires = (clock.now() + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    body = {"name": "backend", "scopes": ["ingest"], "expiresAt": expires}
    created = await call(site, "POST", "/v1/admin/api-keys", body, 201)
    assert created["key"].startswith(created["keyPrefix"]) and created["expiresAt"]
    answer = await site.post(
        "/v1/events", {"name": "x", "userId": "ada"}, Authorization=f"Bearer {created['key']}"
    )
    assert answer.status_code == 202
    public = {"name": "shop", "publishable": True, "allowedOrigins": ["https://shop.example"]}
    shop = await call(site, "POST", "/v1/admin/api-keys", public, 201)
    assert shop["scopes"] == ["ingest-public"] and shop["key"].startswith("pk_")
    await call(site, "POST", "/v1/admin/api-keys", {"name": "x", "publishable": True}, 400)
    await call(site, "POST", "/v1/admin/api-keys", {"name": "x", "scopes": ["dance"]}, 400)
    over = {"name": "x", "expiresAt": "2020-01-01T00:00:00Z"}
    await call(site, "POST", "/v1/admin/api-keys", over, 400)

    assert await call(site, "DELETE", f"/v1/admin/api-keys/{created['id']}") == {"revoked": True}
    refused = await site.post(
        "/v1/events", {"name": "x", "userId": "ada"}, Authorization=f"Bearer {created['key']}"
    )
    assert refused.status_code == 401
    names = [key["name"] for key in (await call(site, "GET", "/v1/admin/api-keys"))["keys"]]
    assert "backend" not in names and "shop" in names
    everything = await call(site, "GET", "/v1/admin/api-keys?includeRevoked=true")
    assert "key" not in everything["keys"][0]
    assert "backend" in [key["name"] for key in everything["keys"]]


async def test_operators_are_added_and_changes_are_in_the_audit_log(site: Site) -> None:
    body = {"email": "olga@example.com", "role": "operator"}
    added = await call(site, "POST", "/v1/admin/operators", body, 201)
    assert "/sign-in/" in added["link"]
    await call(site, "POST", "/v1/admin/operators", body, 409)
    page = await call(site, "GET", "/v1/admin/operators")
    assert page["operators"][0]["email"] == "olga@example.com" and page["total"] == 1
    again = await call(site, "POST", "/v1/admin/operators/olga@example.com/reset")
    assert again["link"] != added["link"]
    await call(site, "POST", "/v1/admin/operators/nobody@example.com/reset", status=404)

    newest = await call(site, "GET", "/v1/admin/audit?limit=1")
    assert newest["entries"][0]["action"] == "reset operator"
    assert newest["entries"][0]["who"].startswith("key hsk_")
    older = await call(site, "GET", f"/v1/admin/audit?cursor={newest['nextCursor']}")
    assert older["entries"][0]["action"] == "add operator"


async def test_figures_are_read_by_day_as_json_and_csv(site: Site) -> None:
    overview = await call(site, "GET", "/v1/admin/metrics/overview")
    assert overview["totalContacts"] == 3 and overview["activeJourneys"] == 1
    assert overview["emailsSent24h"] == 0 and overview["bounceRate30d"] == 0
    series = await call(site, "GET", "/v1/admin/metrics/series?figure=events&days=7")
    assert len(series["days"]) == 7 and series["days"][-1]["value"] == 3
    entered = "/v1/admin/metrics/series?figure=entered&journeyId=welcome&days=2"
    assert (await call(site, "GET", entered))["days"][-1]["value"] == 3
    lines = (await call(site, "GET", f"{entered}&format=csv")).splitlines()
    assert lines[0] == "day,entered" and lines[-1].endswith(",3") and len(lines) == 3
    await call(site, "GET", "/v1/admin/metrics/series?figure=dance", status=400)
    await call(site, "GET", "/v1/admin/metrics/series?figure=dance&journeyId=welcome", status=400)
    await call(site, "GET", "/v1/admin/metrics/series?figure=goal&journeyId=missing", status=404)
