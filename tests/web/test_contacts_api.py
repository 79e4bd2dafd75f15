"""The routes of contacts and lists, in the forms that existing clients send and read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.domain.ids import new_id
from hogsend.domain.send_policy import Send
from hogsend.domain.user_tokens import sign_user_token
from hogsend.services import contact_search
from hogsend.store import keys, sends
from hogsend.web.api.rate_limits import RequestLimiter
from tests.site import SECRET, Site, open_site

SHOP = "https://shop.example"
NO_ADDRESS = "Contact has no email; cannot manage list membership"
MISSING = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
async def site(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Site]:
    monkeypatch.setattr(RequestLimiter, "count", lambda *_: None)
    public = "plan,email"
    async with open_site(tmp_path, clock, with_worker=False, PUBLIC_PROPERTIES=public) as opened:
        yield opened


class Client:
    """Calls the API with a key."""

    def __init__(self, site: Site, key: str) -> None:
        self._site = site
        self._headers = {"Authorization": f"Bearer {key}", "Origin": SHOP}

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return the status and the answer, or the error's sentence."""
        response = await self._site.client.open(
            path, method=method, json=body, headers=self._headers
        )
        answer = await response.get_json()
        if response.status_code >= 400:
            return response.status_code, answer["error"]
        return response.status_code, answer


async def create_client(site: Site, scope: str) -> Client:
    origins = [SHOP] if scope == "ingest-public" else []
    _, text = await keys.create(
        site.runtime.database, name=scope, scopes=[scope], origins=origins, now=site.clock.now()
    )
    return Client(site, text)


async def test_a_product_creates_finds_and_deletes_contacts(site: Site) -> None:
    client = await create_client(site, "ingest")
    status, first = await client.call(
        "PUT", "/v1/contacts", {"userId": "ada", "properties": {"x": 1}}
    )
    assert (status, set(first), first["created"], first["linked"]) == (
        200, {"id", "created", "linked"}, True, False
    )  # fmt: skip
    body = {"userId": "ada", "email": "Ada@Example.com ", "lists": {"journey": True}}
    assert await client.call("PUT", "/v1/contacts", body) == (
        200,
        {"id": first["id"], "created": False, "linked": True},
    )
    status, both = await client.call("GET", "/v1/contacts/find?email=ada@example.com&userId=bo")
    (contact,) = both["contacts"]
    assert (contact["externalId"], contact["email"], contact["properties"]) == (
        "ada", "ada@example.com", {"x": 1}
    )  # fmt: skip
    assert contact["createdAt"].endswith("Z") and "anonymousId" not in contact
    assert await client.call("GET", "/v1/contacts/find?userId=nobody") == (200, {"contacts": []})
    refused = "email or userId is required"
    for method, path, wrong, expected in (
        ("PUT", "/v1/contacts", {"properties": {}}, (400, refused)),
        ("GET", "/v1/contacts/find", None, (400, refused)),
        ("DELETE", "/v1/contacts", {}, (400, refused)),
        ("DELETE", "/v1/contacts", {"userId": "nobody"}, (404, "Contact not found")),
    ):
        assert await client.call(method, path, wrong) == expected
    status, sentence = await client.call(
        "PUT", "/v1/contacts", {"userId": "bo", "lists": {"journey": True}}
    )
    assert (status, sentence.startswith(NO_ADDRESS)) == (400, True)
    assert (await client.call("GET", "/v1/contacts/find?userId=bo"))[1]["contacts"]
    assert (await client.call("PUT", "/v1/contacts", {"userId": "a", "email": None}))[0] == 400
    # Ada shares her address with other user ids, who are other people.
    for shared, status in (("nobody", 404), ("bo", 200)):
        body = {"userId": shared, "email": "ada@example.com"}
        assert (await client.call("DELETE", "/v1/contacts", body))[0] == status
    assert (await client.call("GET", "/v1/contacts/find?userId=ada"))[1]["contacts"]
    assert await client.call("GET", "/v1/contacts/find?userId=bo") == (200, {"contacts": []})
    assert await client.call("DELETE", "/v1/contacts", {"email": "ada@example.com"}) == (
        200,
        {"deleted": True},
    )
    assert await client.call("GET", "/v1/contacts/find?userId=ada") == (200, {"contacts": []})


async def test_who_signs_up_again_after_a_deletion_gets_mail_unless_they_refused_it(
    site: Site,
) -> None:
    client = await create_client(site, "ingest")
    for user_id, lists in (("ada", {}), ("bo", {"*": False})):
        email = f"{user_id}@example.com"
        person = {"userId": user_id, "email": email}
        await client.call("PUT", "/v1/contacts", {**person, "lists": lists})
        assert (await client.call("DELETE", "/v1/contacts", {"userId": user_id}))[0] == 200
        await client.call("PUT", "/v1/contacts", person)
    suppressed = await site.rows("SELECT address, reason FROM suppressions")
    assert suppressed == [("bo@example.com", "erased")]


async def test_a_web_page_identifies_its_visitor_with_a_token_only(site: Site) -> None:
    page = await create_client(site, "ingest-public")
    secret = await create_client(site, "ingest")
    token = sign_user_token(SECRET, "ada", site.clock.now() + timedelta(hours=1))
    assert (
        await page.call("PUT", "/v1/contacts", {"anonymousId": "b1", "properties": {"plan": "x"}})
    )[0] == 200
    assert await page.call("GET", "/v1/contacts/me?anonymousId=b1") == (
        200,
        {"identified": False, "traits": {"plan": "x"}, "email": None},
    )
    status, sentence = await page.call(
        "PUT", "/v1/contacts", {"userId": "ada", "anonymousId": "b1"}
    )
    assert status == 403 and "userToken" in sentence
    identify = {"userId": "ada", "anonymousId": "b1", "userToken": token}
    assert (await page.call("PUT", "/v1/contacts", identify))[1]["linked"] is True
    await secret.call("PUT", "/v1/contacts", {"userId": "ada", "email": "ada@example.com"})
    # Without the token, the browser shows nothing of the person, and changes nothing.
    hidden = (200, {"identified": False, "traits": {}})
    assert await page.call("GET", "/v1/contacts/me?anonymousId=b1") == hidden
    assert await page.call("GET", "/v1/contacts/me?anonymousId=b1&userId=ada") == hidden
    attach = "publishable anonymous write cannot attach to or merge an identified contact"
    assert await page.call("PUT", "/v1/contacts", {"anonymousId": "b1"}) == (403, attach)
    assert await page.call("POST", "/v1/lists/journey/unsubscribe", {"anonymousId": "b1"}) == (
        403,
        attach,
    )
    # A lead whose browser the page names stays who it is, whatever user the token proves.
    await secret.call("PUT", "/v1/contacts", {"email": "bo@example.com", "anonymousId": "b2"})
    lead = {**identify, "anonymousId": "b2", "properties": {"plan": "x"}}
    for path, body in (
        ("/v1/contacts", lead),
        ("/v1/events", {"name": "x", **lead, "contactProperties": {"plan": "x"}}),
        ("/v1/lists/journey/subscribe", lead),
    ):
        method = "PUT" if path == "/v1/contacts" else "POST"
        assert (await page.call(method, path, body))[0] in (200, 202)
    _, both = await secret.call("GET", "/v1/contacts/find?email=bo@example.com&userId=ada")
    assert {(c["externalId"], c["email"]) for c in both["contacts"]} == {
        ("ada", "ada@example.com"),
        (None, "bo@example.com"),
    }
    assert await page.call("GET", f"/v1/contacts/me?userToken={token}") == (
        200,
        {"identified": True, "traits": {"plan": "x"}, "email": "ada@example.com"},
    )
    assert (await page.call("GET", "/v1/contacts/me?userToken=x"))[0] == 403
    assert (await page.call("GET", "/v1/contacts/me"))[0] == 400
    assert (await page.call("GET", "/v1/contacts/find?userId=ada"))[0] == 403


async def test_lists_and_preferences_are_read_and_changed(site: Site) -> None:
    client, page = await create_client(site, "ingest"), await create_client(site, "ingest-public")
    await client.call("PUT", "/v1/contacts", {"userId": "ada", "email": "ada@example.com"})
    subscribe = "/v1/lists/journey/subscribe"
    assert await client.call("POST", subscribe, {"userId": "ada"}) == (
        200,
        {"list": "journey", "subscribed": True},
    )
    off = await client.call("POST", "/v1/lists/journey/unsubscribe", {"email": "ada@example.com"})
    assert off == (200, {"list": "journey", "subscribed": False})
    status, answer = await client.call("GET", "/v1/lists?userId=ada")
    by_id = {item["id"]: item for item in answer["lists"]}
    assert by_id["journey"]["subscribed"] is False and by_id["journey"]["kind"] == "topic"
    defaults = (await page.call("GET", "/v1/lists?userId=ada"))[1]["lists"]
    assert all(item["subscribed"] is item["defaultOptIn"] for item in defaults)
    preferences = "/v1/lists/preferences"
    stop = {"userId": "ada", "unsubscribedAll": True}
    assert await client.call("POST", preferences, stop) == (200, {"unsubscribedAll": True})
    assert await client.call("GET", f"{preferences}?userId=ada") == (
        200,
        {"categories": {"journey": False}, "unsubscribedAll": True},
    )
    unknown = (200, {"categories": {}, "unsubscribedAll": False})
    assert await client.call("GET", f"{preferences}?userId=nobody") == unknown
    anonymous = "publishable preference reads are anon-only without a userToken"
    assert await page.call("GET", f"{preferences}?userId=ada") == (403, anonymous)
    for path, body, expected in (
        ("/v1/lists/nothing/subscribe", {"userId": "ada"}, (404, "Unknown list: nothing")),
        (subscribe, {}, (400, "email or userId is required")),
    ):
        assert await client.call("POST", path, body) == expected
    status, sentence = await client.call("POST", subscribe, {"userId": "cy"})
    assert (status, sentence.startswith(NO_ADDRESS)) == (400, True)


async def test_a_search_that_more_contacts_match_than_it_considers_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_search, "_MAX_MATCHES", 2)
    client = await create_client(site, "full-admin")
    admin = "/v1/admin/contacts"
    for name, is_cut in (("a1", None), ("a2", None), ("a3", True)):
        assert (await client.call("POST", admin, {"externalId": name}))[0] == 201
        page = (await client.call("GET", f"{admin}?search=a&limit=1"))[1]
        assert page.get("isCut") is is_cut, name


async def test_the_admin_api_lists_changes_merges_and_erases_contacts(site: Site) -> None:
    client = await create_client(site, "full-admin")
    admin = "/v1/admin/contacts"
    created = {"externalId": "ada", "properties": {"plan": "pro", "seats": 5}}
    status, answer = await client.call("POST", admin, created)
    ada = answer["contact"]
    assert (status, ada["externalId"], ada["anonymousId"]) == (201, "ada", None)
    assert (await client.call("POST", admin, created))[0] == 409
    assert (await client.call("POST", admin, {"properties": {}}))[0] == 400
    visitor = (await client.call("POST", admin, {"email": "visitor@example.com"}))[1]["contact"]
    status, page = await client.call("GET", f"{admin}?limit=1&offset=1&sort=created")
    assert ([c["id"] for c in page["contacts"]], page["total"]) == ([visitor["id"]], 2)
    status, page = await client.call("GET", f"{admin}?where=plan%3Dpro;seats%3E4&limit=1")
    assert [c["id"] for c in page["contacts"]] == [ada["id"]] and "total" not in page
    page = (await client.call("GET", f"{admin}?search=visi"))[1]
    assert page["contacts"][0] == visitor and "isCut" not in page
    for wrong in ("where=%3D1", "sort=x", "identity=x", "cursor=x", "limit=101", "offset=99999"):
        status, sentence = await client.call("GET", f"{admin}?{wrong}")
        assert status == 400, wrong
        assert wrong != "identity=x" or "identity is all" in sentence

    patch = {"email": "ada@example.com", "properties": {"plan": None}}
    edited = (await client.call("PATCH", f"{admin}/ada", patch))[1]["contact"]
    assert (edited["email"], edited["properties"]) == ("ada@example.com", {"seats": 5})
    taken = await client.call("PATCH", f"{admin}/ada", {"email": "visitor@example.com"})
    assert taken[0] == 409
    changes = {"unsubscribedAll": True, "suppressed": True, "categories": {"journey": False}}
    status, saved = await client.call("PUT", f"{admin}/ada/preferences", changes)
    assert saved == await read_preferences(client, ada["id"])
    assert saved["preferences"] | {"suppressedAt": None} == {
        "id": ada["id"], "userId": "ada", "email": "ada@example.com", "unsubscribedAll": True,
        "suppressed": True, "bounceCount": 0, "categories": {"journey": False},
        "suppressedAt": None, "lastBounceAt": None,
    }  # fmt: skip
    status, saved = await client.call("PUT", f"{admin}/ada/preferences", {"suppressed": False})
    assert saved["preferences"]["suppressed"] is False
    site.clock.set(site.clock.now() + timedelta(days=1))
    seen = edited["lastSeenAt"]
    for nothing in ({}, {"properties": {"seats": 5}}, {"email": "ada@example.com"}):
        same = (await client.call("PATCH", f"{admin}/ada", nothing))[1]["contact"]
        assert (same["lastSeenAt"], same["properties"]) == (seen, {"seats": 5})
    bo = (await client.call("POST", admin, {"externalId": "bo"}))[1]["contact"]
    refused = {"suppressed": True, "unsubscribedAll": True}
    status, sentence = await client.call("PUT", f"{admin}/bo/preferences", refused)
    assert status == 409 and "no address that could be suppressed" in sentence
    assert (await read_preferences(client, bo["id"]))["preferences"]["unsubscribedAll"] is False
    assert (await client.call("PUT", f"{admin}/bo/preferences", {"suppressed": False}))[0] == 200
    # A contact that has this id as a user id does not get in the way.
    await client.call("PUT", "/v1/contacts", {"userId": ada["id"]})
    detail = (await client.call("GET", f"{admin}/{ada['id']}"))[1]
    assert detail["contact"]["externalId"] == "ada"
    assert set(detail) == {"contact", "preferences", "revenue", "groups"}

    euros = [{"value": value, "currency": "EUR"} for value in (12.5, 7)]
    for amount in (*euros, {"value": 2}):
        event = {"name": "paid", "email": "visitor@example.com", **amount}
        await client.call("POST", "/v1/events", event)
    now, visitor_id = site.clock.now(), UUID(visitor["id"])
    bounced = Send(new_id(now), visitor_id, "hello", "news", "bounced", now, updated_at=now)
    async with site.runtime.database.transaction() as tx:
        await tx.apply([sends.insert([bounced])])
    merge = {"other": "visitor@example.com", "note": "the same phone"}
    assert (await client.call("POST", f"{admin}/ada/merge", merge))[1]["contact"]["id"] == ada["id"]
    detail = (await client.call("GET", f"{admin}/ada"))[1]
    at = detail["revenue"]["lastValuedAt"]
    assert detail["revenue"]["totals"] == [
        {"currency": "", "total": 2, "count": 1}, {"currency": "EUR", "total": 19.5, "count": 2}
    ]  # fmt: skip
    preferences = detail["preferences"]
    assert (preferences["bounceCount"], preferences["lastBounceAt"]) == (1, at)
    status, timeline = await client.call("GET", f"{admin}/ada/timeline?type=merge")
    assert timeline["timeline"][0]["data"]["mergedId"] == visitor["id"]
    kinds = {e["type"] for e in (await client.call("GET", f"{admin}/ada/timeline"))[1]["timeline"]}
    assert {"event", "consent", "merge"} <= kinds
    assert (await client.call("GET", f"{admin}/ada/timeline?type=x"))[0] == 400
    status, split = await client.call("POST", f"{admin}/{visitor['id']}/unmerge", {})
    assert split["contact"]["email"] == "visitor@example.com"
    assert (await client.call("POST", f"{admin}/{visitor['id']}/unmerge", {}))[0] == 409

    assert await client.call("DELETE", f"{admin}/ada") == (200, {"deleted": True})
    for path in (f"{admin}/ada", f"{admin}/{MISSING}", f"{admin}/{MISSING}/timeline"):
        assert (await client.call("GET", path))[0] == 404


async def read_preferences(client: Client, contact_id: str) -> Any:
    return (await client.call("GET", f"/v1/admin/contacts/{contact_id}/preferences"))[1]
