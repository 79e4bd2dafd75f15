"""`/v1/emails` over HTTP: the forms that existing clients read, and ours beside them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.store import keys
from tests.site import Site, open_site

GUIDE = Path(__file__).parents[2] / "docs" / "transactional-email.md"


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    async with open_site(tmp_path, clock) as opened:
        yield opened


async def send(site: Site, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    response = await site.post("/v1/emails", body, **headers)
    return response.status_code, await response.get_json()


async def get(site: Site, path: str, key: str = "") -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {key or site.key}"}
    response = await site.client.get(path, headers=headers)
    return response.status_code, await response.get_json()


async def create_key(site: Site, scope: str) -> str:
    database, now = site.runtime.database, site.clock.now()
    return (await keys.create(database, name=scope, scopes=[scope], now=now))[1]


async def test_every_example_of_the_guide_is_sent(site: Site) -> None:
    await site.event("seen")
    examples = re.findall(r"^```json\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)

    for example in examples:
        status, answer = await send(site, json.loads(example))
        assert (status, answer["status"]) == (202, "sent"), (example, answer)

    assert len(examples) == 4
    rows = await site.wait_for_sends(4) if not await site.sends("queued") else await site.sends()
    assert len(rows) == 4


async def test_an_email_is_answered_in_the_form_of_existing_clients(site: Site) -> None:
    body = {"to": "Ada@Example.com", "template": "hello", "idempotencyKey": "body"}
    status, answer = await send(site, body, Idempotency_Key="header")
    assert status == 202 and set(answer) == {"emailSendId", "status", "detail"}
    assert (answer["status"], answer["detail"]) == ("sent", "queued")

    again = await send(site, body, Idempotency_Key="header")
    other = await send(site, {**body, "to": "bo@example.com"}, Idempotency_Key="header")
    assert again[1]["emailSendId"] == other[1]["emailSendId"] == answer["emailSendId"]
    assert "conflict" not in again[1] and other[1]["conflict"] is True

    await site.mail()
    await site.wait_for_sends(1)
    status, delivery = await get(site, f"/v1/emails/{answer['emailSendId']}")
    assert status == 200
    assert (delivery["status"], delivery["detail"], delivery["to"]) == (
        "sent",
        "sent",
        "ada@example.com",
    )
    assert delivery["subject"] == "Hello, you" and delivery["attempts"][0]["outcome"] == "accepted"
    assert (await get(site, "/v1/emails/x"))[0] == 404


async def test_a_refusal_has_the_sentence_that_clients_know(site: Site) -> None:
    admin = await create_key(site, "full-admin")
    refusals: list[tuple[int, str, dict[str, Any], str]] = [
        (400, "to or userId is required", {"template": "hello"}, ""),
        (400, "Unknown template: gone", {"to": "a@example.com", "template": "gone"}, ""),
        (404, "No resolvable email for recipient", {"userId": "x", "template": "hello"}, ""),
        (
            403,
            "skipPreferenceCheck requires a full-admin key",
            {"to": "a@example.com", "template": "hello", "skipPreferenceCheck": True},
            "",
        ),
        (
            202,
            "",
            {"to": "a@example.com", "template": "hello", "skipPreferenceCheck": True},
            admin,
        ),
    ]
    for status, sentence, body, key in refusals:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        answer = await send(site, body, **headers)
        assert (answer[0], answer[1].get("error", "")) == (status, sentence)
    status, answer = await send(site, {"to": "a@example.com", "template": "hello", "list": "tips"})
    assert (status, answer["status"], answer["reason"]) == (
        202,
        "unsubscribed",
        "unsubscribed_from_list",
    )
    absent = ("userId", "cc", "bcc", "replyTo", "headers", "attachments", "props", "sendAt", "html")
    nulls: dict[str, Any] = dict.fromkeys((*absent, "from", "subject", "idempotencyKey"))
    status, answer = await send(site, {**nulls, "to": "n@example.com", "template": "hello"})
    assert (status, answer["status"]) == (202, "sent")
    assert (await send(site, {**nulls, "to": None, "template": "hello"}))[0] == 400
    status, answer = await send(site, b'{"to":')
    assert (status, answer["error"].split(".")[0]) == (400, "Malformed JSON in request body")
    too_large = b'{"x": "' + b"x" * (10 * 1024 * 1024) + b'"}'
    assert (await send(site, too_large))[0] == 413


async def test_a_key_that_sends_too_often_has_to_wait(site: Site) -> None:
    answers = [await site.post("/v1/emails", {}) for _ in range(31)]
    assert [answer.status_code for answer in answers[29:]] == [400, 429]
    assert answers[0].headers["X-RateLimit-Limit"] == "30"
    assert answers[30].headers["Retry-After"]
    # Reading the outcome of an email does not wait for that.
    asked = await site.client.get("/v1/emails/x", headers={"Authorization": f"Bearer {site.key}"})
    assert (asked.status_code, asked.headers["X-RateLimit-Remaining"]) == (404, "99")


async def test_operators_read_and_act_on_emails(site: Site) -> None:
    admin = await create_key(site, "journey-admin")
    at = (site.clock.now() + timedelta(hours=1)).isoformat()
    await site.event("seen")
    for to in ("ada@example.com", "bo@example.com"):
        await send(site, {"to": to, "template": "hello", "sendAt": at})
    file = {"filename": "a.txt", "content": "YWJj"}
    body = {"subject": "Bill", "html": '<a href="https://x.example/">x</a>', "attachments": [file]}
    sent_id = (await send(site, {"userId": "ada", **body}))[1]["emailSendId"]
    await site.mail()

    async def find(query: str) -> list[str]:
        status, page = await get(site, f"/v1/admin/emails?{query}", admin)
        assert status == 200, page
        return [email["toEmail"] for email in page["emails"]]

    addresses = ["ada@example.com", "bo@example.com", "ada@example.com"]
    assert await find("") == addresses
    assert await find("toEmail=BO@example.com") == ["bo@example.com"]
    assert await find("userId=ada&templateKey=hello") == ["ada@example.com"]
    assert await find("userId=nobody") == await find("from=2100-01-01T00:00:00Z") == []
    assert await find("to=2100-01-01T00:00:00Z&status=queued") == addresses[1:]
    _, first = await get(site, "/v1/admin/emails?limit=1", admin)
    assert await find(f"limit=2&cursor={first['nextCursor']}") == addresses[1:]

    _, detail = await get(site, f"/v1/admin/emails/{sent_id}", admin)
    assert detail["attachments"] == [{"filename": "a.txt", "contentType": "text/plain", "size": 3}]
    assert detail["trackedLinks"][0]["originalUrl"] == "https://x.example/"
    assert (detail["email"]["status"], detail["email"]["userId"]) == ("sent", "ada")
    headers = {"Authorization": f"Bearer {admin}"}
    path = f"/v1/admin/emails/{sent_id}"
    resent = await (await site.post(f"{path}/resend", {}, **headers)).get_json()
    assert resent["originalId"] == sent_id
    scheduled = (await site.sends("queued"))[0]
    cancelled = await site.post(f"/v1/admin/emails/{scheduled.id}/cancel", {}, **headers)
    assert (await cancelled.get_json())["detail"] == "cancelled"
    refused = await site.post(f"{path}/resolve", {"sent": True}, **headers)
    assert refused.status_code == 409


async def test_templates_are_previewed_and_tested_and_addresses_suppressed(site: Site) -> None:
    admin = await create_key(site, "journey-admin")
    headers = {"Authorization": f"Bearer {admin}"}
    templates = (await get(site, "/v1/admin/templates", admin))[1]["templates"]
    assert [(row["key"], row["hasPreview"]) for row in templates] == [
        ("again", True),
        ("hello", True),
    ]
    path = "/v1/admin/templates/hello"
    _, preview = await get(site, f"{path}/preview?props=e30", admin)
    assert preview["subject"] == "Hello, Ada Lovelace" and "Start (https" in preview["text"]
    assert (await get(site, f"{path}/preview?props=W10", admin))[0] == 400
    assert (await get(site, "/v1/admin/templates/gone/preview", admin))[0] == 404
    tested = await site.post(f"{path}/send-test", {"to": "me@example.com"}, **headers)
    assert (await tested.get_json())["to"] == "me@example.com"

    added = await site.post("/v1/admin/suppressions", {"email": "Gone@example.com"}, **headers)
    assert (added.status_code, (await added.get_json())["reason"]) == (201, "manual")
    again = await site.post("/v1/admin/suppressions", {"email": "gone@example.com"}, **headers)
    assert again.status_code == 409
    page = (await get(site, "/v1/admin/suppressions", admin))[1]
    assert [row["email"] for row in page["suppressions"]] == ["gone@example.com"]
    _, answer = await send(site, {"to": "gone@example.com", "template": "hello"})
    assert (answer["status"], answer["reason"]) == ("suppressed", "suppressed")
    refused = await site.post(f"{path}/send-test", {"to": "GONE@example.com"}, **headers)
    assert refused.status_code == 409
    assert "gone@example.com is suppressed" in (await refused.get_json())["error"]
    lifted = await site.client.delete("/v1/admin/suppressions/gone@example.com", headers=headers)
    assert (await lifted.get_json()) == {"deleted": True}
    actions = [action for (action,) in await site.rows("SELECT action FROM audit ORDER BY id")]
    assert actions == ["suppress", "unsuppress"]


async def test_an_email_of_plain_text_opens_in_the_browser(site: Site) -> None:
    await send(site, {"to": "a@example.com", "subject": "Hi", "text": "1 < 2\n\nBye"})
    await site.mail()
    (row,) = await site.wait_for_sends(1)

    token = site.runtime.tokens.sign_view(row.id)
    page = await (await site.client.get(f"/m/{token}")).get_data(as_text=True)

    assert "1 &lt; 2" in page and "<pre" in page
