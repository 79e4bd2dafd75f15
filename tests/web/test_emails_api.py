"""`/v1/emails` over HTTP: the forms that existing clients read, and ours beside them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
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
    status, answer = await send(site, b'{"to":')
    assert (status, answer["error"].split(".")[0]) == (400, "Malformed JSON in request body")
    too_large = b'{"x": "' + b"x" * (10 * 1024 * 1024) + b'"}'
    assert (await send(site, too_large))[0] == 413


async def test_a_key_that_sends_too_often_has_to_wait(site: Site) -> None:
    answers = [await site.post("/v1/emails", {}) for _ in range(31)]
    assert [answer.status_code for answer in answers[29:]] == [400, 429]
    assert answers[0].headers["X-RateLimit-Limit"] == "30"
    assert answers[30].headers["Retry-After"]
