"""The libraries of Segment and PostHog work when only their host and their key change."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from posthog import Posthog
from segment.analytics.client import Client

from hogsend.clock import ManualClock
from hogsend.domain.user_tokens import sign_user_token
from hogsend.store import keys
from hogsend.web.api.compressed_body import MAX_BYTES
from tests.site import SECRET, Site, open_site
from tests.web.raw_http import serve_raw

DOCS = Path(__file__).parents[2] / "docs"
HAPPENED = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    async with open_site(tmp_path, clock, with_worker=False) as opened:
        yield opened


async def load_events(site: Site) -> list[tuple[str, dict[str, Any]]]:
    rows = await site.rows("SELECT name, properties FROM events ORDER BY id")
    return [(name, json.loads(properties)) for name, properties in rows]


async def load_identities(site: Site) -> set[str]:
    return {row[0] for row in await site.rows("SELECT identity FROM identities")}


async def test_segments_library_works_when_only_its_host_changes(site: Site) -> None:
    async with serve_raw(site.app) as server:
        errors: list[Any] = []

        def send() -> None:
            client = Client(
                site.key,
                host=f"http://127.0.0.1:{server.port}/segment",
                gzip=True,
                on_error=lambda error, _: errors.append(error),
                upload_interval=0.01,
            )
            client.track(None, "Page Opened", {}, anonymous_id="browser-1")
            client.identify(
                "ada", {"email": "Ada@Example.com", "plan": "pro"}, anonymous_id="browser-1"
            )
            for _ in range(2):
                client.track(
                    "ada",
                    "Order Completed",
                    {"revenue": 12.5, "currency": "EUR"},
                    timestamp=HAPPENED,
                    message_id="order-7",
                )
            client.page("ada", "Docs", "Pricing", {"url": "https://example.com"})
            client.group("ada", "acme", {"seats": 3})
            client.alias("browser-2", "ada")
            client.identify(7, {"plan": None})
            client.shutdown()

        await asyncio.to_thread(send)
    assert errors == []
    assert await load_events(site) == [
        ("Page Opened", {}),
        ("identify", {}),
        ("Order Completed", {"revenue": 12.5, "currency": "EUR"}),
        ("page", {"name": "Pricing", "category": "Docs", "url": "https://example.com"}),
        ("group", {"seats": 3, "$groups": {"company": "acme"}}),
        ("alias", {}),
        ("identify", {}),
    ]
    contact = await site.contact("ada")
    assert (contact.email, contact.properties["plan"]) == ("ada@example.com", "pro")
    assert await load_identities(site) == {
        "u:ada", "e:ada@example.com", "a:browser-1", "a:browser-2", "u:7",
    }  # fmt: skip
    (order,) = await site.rows("SELECT occurred_at, value, currency FROM events WHERE value > 0")
    assert order == (int(HAPPENED.timestamp() * 1000) * 1000, 12.5, "EUR")


async def test_posthogs_library_works_when_only_its_host_changes(site: Site) -> None:
    async with serve_raw(site.app) as server:
        errors: list[Any] = []

        def send() -> None:
            client = Posthog(
                site.key,
                host=f"http://127.0.0.1:{server.port}/posthog",
                gzip=True,
                on_error=lambda error, _: errors.append(error),
                flush_interval=0.01,
                disable_geoip=False,
            )
            assert client.get_all_flags("ada") == {}
            uuid = "01a20364-0bb6-73eb-9330-0f5a70953204"
            for _ in range(2):
                client.capture(
                    "order completed",
                    distinct_id="ada",
                    properties={"size": 3, "$set": {"plan": "pro"}},
                    timestamp=HAPPENED,
                    uuid=uuid,
                    groups={"company": "acme"},
                )
            client.set(distinct_id="ada", properties={"email": "Ada@Example.com"})
            client.set_once(distinct_id="ada", properties={"plan": "free", "source": "ad"})
            client.alias("browser-1", "ada")
            client.group_identify("company", "acme", {"seats": 3})
            client.capture("seen")
            client.shutdown()

        await asyncio.to_thread(send)
    assert errors == []
    names = [name for name, _ in await load_events(site)]
    assert names == ["order completed", "$set", "$set_once", "$create_alias", "seen"]
    properties = dict(await load_events(site))["order completed"]
    assert (properties["size"], properties["$groups"]) == (3, {"company": "acme"})
    assert "$set" not in properties
    contact = await site.contact("ada")
    assert contact.email == "ada@example.com"
    assert (contact.properties["plan"], contact.properties["source"]) == ("pro", "ad")
    # An event without a person has an id of its own, which is nobody's user id.
    assert await load_identities(site) == {"u:ada", "e:ada@example.com", "a:browser-1"}


@pytest.mark.parametrize("product", ["segment", "posthog"])
async def test_the_code_of_the_guides_works(site: Site, product: str) -> None:
    guide = (DOCS / f"{product}.md").read_text()
    code = guide.split("```python\n")[1].split("```")[0].replace("hsk_…", site.key)
    async with serve_raw(site.app) as server:
        code = code.replace("https://hogsend.example.com", f"http://127.0.0.1:{server.port}")
        await asyncio.to_thread(exec, code, {})
    contact = await site.contact("ada")
    assert (contact.email, contact.properties["plan"]) == ("ada@example.com", "pro")
    assert await site.rows("SELECT value FROM events WHERE value IS NOT NULL") == [(12.5,)]


def compress(body: Any) -> bytes:
    return gzip.compress(json.dumps(body).encode())


async def test_what_browsers_send_is_read_in_each_of_its_forms(site: Site) -> None:
    event = {
        "event": "seen",
        "properties": {"token": site.key, "distinct_id": "d", "$device_id": "d"},
    }
    text = base64.b64encode(json.dumps([event]).encode()).decode()
    forms: list[tuple[str, bytes, str]] = [
        ("/posthog/e/", json.dumps([event]).encode(), "text/plain"),
        ("/posthog/i/v0/e/?compression=gzip-js", compress(event), "text/plain"),
        ("/posthog/e/", f"data={text.replace('=', '%3D').replace('+', '%2B')}".encode(),
         "application/x-www-form-urlencoded"),
    ]  # fmt: skip
    for path, body, content_type in forms:
        answer = await site.post(path, body, Authorization="", Content_Type=content_type)
        assert (answer.status_code, (await answer.get_json())["stored"]) == (200, 1), path
    identify = {"event": "$identify", "distinct_id": "ada", "offset": 2000}
    identify["properties"] = {"$anon_distinct_id": "d", "$set": {"plan": "pro"}}
    answer = await site.post(
        "/posthog/capture/", {"api_key": site.key, **identify}, Authorization=""
    )
    assert answer.status_code == 200
    assert await load_identities(site) == {"u:ada", "a:d"}
    assert await site.fetch_value("SELECT COUNT(DISTINCT contact_id) FROM events") == 1


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_refused_message_is_reported_and_the_others_are_stored(
    site: Site, place: int
) -> None:
    good = {"type": "track", "event": "go", "userId": "ada"}
    bad: list[Any] = [
        None, 7, [], {}, {"type": "track", "userId": "ada"}, {"type": "what"},
        {"type": "track", "event": "go"}, {"type": "track", "event": "x" * 201, "userId": "ada"},
        {"type": "identify", "userId": "ada", "traits": {"a": "x" * 70_000}},
    ]  # fmt: skip
    for message in bad:
        batch: list[Any] = [good, good]
        batch.insert(place, message)
        answer = await (await site.post("/segment/v1/batch", {"batch": batch})).get_json()
        assert (answer["success"], answer["stored"]) == (True, 2)
        assert [refused["index"] for refused in answer["refused"]] == [place]
        answer = await site.post("/posthog/batch/", {"batch": [message]})
        assert await answer.get_json() == {"status": 1, "stored": 0, "refused": 1}


async def test_odd_numbers_and_texts_are_no_error_of_the_server(site: Site) -> None:
    huge = "9" * 400
    digits = "9" * 5000
    odd = [
        "1e400",
        digits,
        "-" + digits,
        "-1e400",
        "NaN",
        "Infinity",
        huge,
        "-" + huge,
        "true",
        '"\\ud800"',
        "[]",
    ]
    for value in [*odd, "[" * 300 + "]" * 300, '"' + "\\u0000" + '"']:
        properties = f'{{"revenue": {value}, "currency": {value}, "x": {value}}}'
        posthog = f'{{"event": "go", "distinct_id": "ada", "offset": {value}, "uuid": {value}, '
        posthog += f'"timestamp": {value}, "$set_once": {properties}, "properties": {properties}}}'
        segment = (
            f'{{"event": "go", "userId": {value}, "messageId": {value}, "timestamp": {value}, '
        )
        segment += f'"timestamp": {value}, "properties": {properties}, '
        segment += f'"context": {{"traits": {properties}}}}}'
        for path, body in (("/posthog/e/", posthog), ("/segment/v1/track", segment)):
            answer = await site.post(path, body.encode())
            assert answer.status_code == 200, (path, value)


async def test_web_pages_use_these_formats_for_their_visitor_only(site: Site) -> None:
    now, origins = site.clock.now(), ["https://shop.example"]
    database = site.runtime.database
    _, key = await keys.create(
        database, name="shop", scopes=["ingest-public"], origins=origins, now=now
    )
    token = sign_user_token(SECRET, "ada", now + timedelta(hours=1))
    page = {"Authorization": "", "Content_Type": "text/plain", "Origin": "https://shop.example"}
    await site.post("/v1/events", {"name": "lead", "email": "bo@example.com"})
    await site.post(
        "/segment/v1/identify",
        {"anonymousId": "b2", "traits": {"email": "bo@example.com"}},
    )

    async def segment(path: str, **message: Any) -> list[str]:
        """Send a message as `analytics.js` does; return why it is refused."""
        raw = json.dumps({"writeKey": key, "anonymousId": "b1", **message}).encode()
        answer = await site.post(f"/segment/v1/{path}", raw, **page)
        assert answer.status_code == 200, await answer.get_data()
        return [row["error"] for row in (await answer.get_json())["refused"]]

    async def posthog(name: str, **properties: Any) -> int:
        """Send an event as `posthog-js` does; return whether it is refused."""
        event = {"event": name, "properties": {"token": key, **properties}}
        answer = await site.post("/posthog/e/", compress([event]), **page)
        assert answer.status_code == 200, await answer.get_data()
        return (await answer.get_json())["refused"]

    email = {"email": "bo@example.com", "plan": "pro"}
    user, proof = {"userId": "ada"}, {"context": {"userToken": token}}
    no_token = ["publishable key cannot act on another identity without a userToken"]
    other = ["userToken does not authorize this identity"]
    assert await segment("t", event="Viewed") == []
    assert await segment("b", batch=[{"type": "page", "anonymousId": "b1"}]) == []
    assert await segment("i", traits=email, **user) == no_token
    assert await segment("t", event="Viewed", **user) == no_token
    assert await segment("t", event="x", userId="bo", **proof) == other
    assert await segment("i", traits=email, **user, **proof) == []
    assert await segment("a", previousId="b2", **user, **proof) == []
    assert len(await segment("t", event="x", anonymousId="b2")) == 1
    visitor = {"distinct_id": "d1", "$device_id": "d1"}
    assert await posthog("$pageview", **visitor) == 0
    identify = {"distinct_id": "ada", "$anon_distinct_id": "d1", "$set": email}
    assert await posthog("$identify", **identify) == 1
    assert await posthog("$identify", **identify, userToken=token) == 0
    assert await posthog("buy", distinct_id="bo@example.com", userToken=token) == 1

    ada = await site.contact("ada")
    assert (ada.email, ada.properties) == (None, {"plan": "pro"})
    rows = await site.rows(
        "SELECT i.identity, c.external_id FROM identities i JOIN contacts c ON c.id = i.contact_id"
    )
    assert set(rows) == {
        ("e:bo@example.com", None), ("a:b2", None), ("u:ada", "ada"), ("a:b1", "ada"),
        ("a:d1", "ada"),
    }  # fmt: skip
    sources = await site.rows("SELECT DISTINCT source FROM events WHERE name <> 'lead'")
    assert {source for (source,) in sources} == {"api", "inapp"}
    assert token not in str(await site.rows("SELECT properties FROM events"))
    raw = json.dumps({"writeKey": key, "batch": [{}] * 501}).encode()
    assert (await site.post("/segment/v1/b", raw, **page)).status_code == 413
    for path in ("/segment/v1/t", "/posthog/e/"):
        preflight = await site.client.options(path, headers={"Origin": origins[0]})
        answer = await site.post(path, b"{}", **page)
        for response in (preflight, answer):
            assert response.headers["Access-Control-Allow-Origin"] == origins[0]
    for origin in ("https://evil.example", ""):
        refused = await site.post("/segment/v1/b", raw, **{**page, "Origin": origin})
        assert refused.status_code == 403


async def test_an_event_that_says_unreadably_when_it_happened_starts_no_journey(
    site: Site,
) -> None:
    read: dict[Any, str] = {
        "2026-01-02T03:04:05.678Z": "2026-01-02T03:04:05.678+00:00",
        "2026-01-02 03:04:05": "2026-01-02T03:04:05+00:00",
        1_767_323_045_678: "2026-01-02T03:04:05.678+00:00",
        "": "",
        None: "",
    }
    unreadable: list[Any] = ["yesterday", "1767323045678", True, [], {"x": 1}, 1e300, -1e17, "0001"]
    for name, path, wrap in (
        ("posthog", "/posthog/batch/", lambda at: {"distinct_id": "ada", "timestamp": at}),
        ("segment", "/segment/v1/batch", lambda at: {"userId": "ada", "timestamp": at}),
        ("original", "/segment/v1/batch", lambda at: {"userId": "ada", "originalTimestamp": at}),
    ):
        batch = [{"type": "track", "event": name, **wrap(at)} for at in [*read, *unreadable]]
        answer = await (await site.post(path, {"batch": batch})).get_json()
        assert answer["stored"] == len(read)
        if name != "posthog":
            assert [row["index"] for row in answer["refused"]] == list(range(len(read), len(batch)))
        rows = await site.rows(
            f"SELECT occurred_at FROM events WHERE name = '{name}' ORDER BY id"  # noqa: S608
        )
        now = site.clock.now()
        expected = [datetime.fromisoformat(at) if at else now for at in read.values()]
        assert [row[0] for row in rows] == [int(at.timestamp() * 1000) * 1000 for at in expected]


async def test_keys_are_found_where_these_clients_send_them_and_checked(site: Site) -> None:
    track = {"event": "go", "userId": "ada"}
    basic = "Basic " + base64.b64encode(f"{site.key}:".encode()).decode()
    wrong = "Basic " + base64.b64encode(b"hsk_wrong:").decode()
    calls: list[tuple[str, Any, str, int]] = [
        ("/segment/v1/track", track, basic, 200),
        ("/segment/v1/track", {**track, "writeKey": site.key}, "", 200),
        ("/segment/v1/track", {**track, "writeKey": site.key}, wrong, 401),
        ("/segment/v1/track", track, "", 401),
        ("/segment/v1/track", track, "Basic ???", 401),
        ("/segment/v1/what", track, basic, 404),
        ("/segment/v1/batch", {"batch": 7}, basic, 400),
        ("/segment/v1/batch", b"{", basic, 400),
        ("/posthog/capture/", {"event": "go", "distinct_id": "ada", "api_key": "hsk_no"}, "", 401),
        ("/posthog/capture/", b"\x1f\x8bnot gzip", "", 400),
    ]
    for path, body, authorization, status in calls:
        answer = await site.post(path, body, Authorization=authorization)
        assert answer.status_code == status, (path, body, authorization)
    form = {"Content_Type": "application/x-www-form-urlencoded", "Authorization": ""}
    assert (await site.post("/posthog/e/", b"a=1&" * 21, **form)).status_code == 400
    assert await site.fetch_value("SELECT COUNT(*) FROM events") == 2


async def test_gzip_of_several_members_is_read_as_a_whole(site: Site) -> None:
    text = json.dumps({"batch": [{"type": "track", "event": "go", "userId": "ada"}]}).encode()
    parts = [gzip.compress(text[:7]), gzip.compress(b""), gzip.compress(text[7:])]
    noise = b"".join(hashlib.sha256(n.to_bytes(2)).hexdigest().encode() for n in range(4000))
    whole = gzip.compress(text[:-1] + b', "x": "' + noise) + gzip.compress(b'"}')
    for body in (b"".join(parts), b"".join(parts) + bytes(100), whole):
        answer = await site.post("/segment/v1/batch", body, Content_Encoding="gzip")
        assert (answer.status_code, (await answer.get_json())["stored"]) == (200, 1)
    for cut in (whole[:-1], whole[:100], b"".join(parts)[:-9], b"".join(parts) + b"x", whole[:9]):
        assert (await site.post("/segment/v1/batch", cut)).status_code == 400


async def test_a_body_that_expands_too_far_is_refused(site: Site) -> None:
    bomb = gzip.compress(b" " * (32 * 1024 * 1024), 9)
    for path in ("/segment/v1/batch", "/posthog/batch/"):
        answer = await site.post(path, bomb, Content_Encoding="gzip")
        assert answer.status_code == 413, path
    members = gzip.compress(b" " * (1024 * 1024)) * 7
    assert (await site.post("/segment/v1/batch", members)).status_code == 413
    tiny = gzip.compress(b"") * 60_000
    assert (await site.post("/segment/v1/batch", tiny)).status_code == 400
    largest = compress({"batch": [], "api_key": site.key, "x": "y" * (MAX_BYTES - 200)})
    assert (await site.post("/posthog/batch/", largest, Authorization="")).status_code == 200
