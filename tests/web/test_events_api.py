"""`POST /v1/events`: what is answered, what is stored, and what is refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quart import Response

from hogsend.clock import ManualClock
from tests.site import Site, open_site


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    """An installation that plays nothing."""
    async with open_site(tmp_path, clock, with_worker=False) as opened:
        yield opened


async def stored(site: Site) -> tuple[int, int, int]:
    """Return how many events, contacts and enrollments there are."""
    return (
        await site.fetch_value("SELECT COUNT(*) FROM events"),
        await site.fetch_value("SELECT COUNT(*) FROM contacts"),
        await site.fetch_value("SELECT COUNT(*) FROM enrollments"),
    )


async def refusal(answer: Response, status: int, code: str) -> str:
    """Check that a request was refused as every client understands; return the sentence."""
    assert answer.status_code == status, await answer.get_data(as_text=True)
    assert answer.content_type == "application/json"
    body = await answer.get_json()
    assert isinstance(body["error"], str) and body["code"] == code
    return body["error"]


async def test_an_event_is_answered_with_the_decision_of_each_journey(site: Site) -> None:
    answer = await site.post(
        "/v1/events",
        {"name": "user.created", "userId": " ada ", "email": " Ada@Example.COM "},
    )

    assert answer.status_code == 202
    body = await answer.get_json()
    (enrollment,) = body["enrollments"]
    assert body["stored"] is True and body["contactKey"] == "ada" and body["exits"] == []
    assert enrollment["journeyId"] == "welcome" and enrollment["outcome"] == "enrolled"
    assert enrollment["stateId"] and body["eventId"]
    assert (await site.contact()).email == "ada@example.com"

    again = await site.event("user.created")
    assert again["enrollments"] == [
        {"journeyId": "welcome", "outcome": "skipped", "reason": "already_live"}
    ]
    gone = await site.event("user.deleted")
    assert gone["exits"] == [
        {"journeyId": "welcome", "stateId": enrollment["stateId"], "exited": True}
    ]


async def test_a_repeated_key_gets_the_first_answer_and_changes_nothing(site: Site) -> None:
    first = await site.event("user.created", idempotencyKey="k1")
    before = await stored(site)

    again = await site.event("user.created", idempotencyKey="k1")

    assert again == {**first, "stored": False}
    assert await stored(site) == before


async def test_a_repeated_key_with_another_body_is_a_conflict_and_changes_nothing(
    site: Site,
) -> None:
    first = await site.event("user.created", idempotencyKey="k1")

    again = await site.event(
        "user.created",
        idempotencyKey="k1",
        contactProperties={"plan": "pro"},
        lists={"news": False},
    )

    assert again == {**first, "stored": False, "conflict": True}
    assert (await site.contact()).properties == {}
    assert await site.rows("SELECT * FROM consents") == []


async def test_the_idempotency_header_wins_over_the_body(site: Site) -> None:
    body = {"name": "seen", "userId": "ada", "idempotencyKey": "of the body"}
    first = await (await site.post("/v1/events", body, Idempotency_Key="of the header")).get_json()

    other_body = {**body, "idempotencyKey": "another"}
    again = await site.post("/v1/events", other_body, Idempotency_Key="of the header")
    assert (await again.get_json())["eventId"] == first["eventId"]
    fresh = await (await site.post("/v1/events", body)).get_json()
    assert fresh["stored"] is True


async def test_the_request_id_is_echoed_or_created(site: Site) -> None:
    body = {"name": "seen", "userId": "ada"}
    for path, sent in (("/v1/events", body), ("/v1/events/batch", {"events": [body]})):
        echoed = await site.post(path, sent, X_Request_Id="my-id_1=")
        assert echoed.headers["X-Request-Id"] == "my-id_1="
        for odd in ("", "has space", "ü", "x" * 256):
            created = (await site.post(path, sent, X_Request_Id=odd)).headers["X-Request-Id"]
            assert created != odd and 8 <= len(created) <= 40
    refused = await site.post("/v1/events", b"no", X_Request_Id="of-a-refusal")
    assert refused.headers["X-Request-Id"] == "of-a-refusal"
    assert refused.headers.getlist("X-Request-Id") == ["of-a-refusal"]


async def test_list_changes_come_with_an_event(site: Site) -> None:
    body = await site.event("seen", lists={"tips": True, "news": False})
    assert "listsError" not in body
    consents = await site.rows("SELECT list_id, subscribed FROM consents ORDER BY list_id")
    assert [(name, bool(on)) for name, on in consents] == [("news", False), ("tips", True)]

    unknown = await site.event("seen", lists={"nonsense": True})
    assert unknown["listsError"] == "Unknown list: nonsense"
    nobody = await site.post(
        "/v1/events", {"name": "seen", "userId": "bo", "lists": {"news": True}}
    )
    assert "no email" in (await nobody.get_json())["listsError"]


BAD: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"{name: 1}", "Malformed JSON"),
    "nothing": (b"", "Malformed JSON"),
    "no UTF-8": (b'{"name": "\xff"}', "Malformed JSON"),
    "a list": (b"[]", "object"),
    "null": (b"null", "object"),
    "no name": (b'{"userId": "ada"}', "name"),
    "nobody": (b'{"name": "x"}', "email or userId is required"),
    "nobody but a browser": (b'{"name": "x", "anonymousId": "a"}', "email or userId is required"),
    "an empty id": (b'{"name": "x", "userId": "  "}', "userId"),
    "a wrong type": (b'{"name": "x", "userId": 5}', "userId"),
    "a name that is null": (b'{"name": null, "userId": "ada"}', "name"),
    "a bad address": (b'{"name": "x", "email": "ada"}', "email"),
    "a list that is no boolean": (b'{"name":"x","userId":"a","lists":{"n":"yes"}}', "lists.n"),
    "a value that is text": (b'{"name": "x", "userId": "a", "value": "12"}', "value"),
    "a value that is infinite": (b'{"name": "x", "userId": "a", "value": 1e999}', "value"),
    "a currency of four": (b'{"name": "x", "userId": "a", "currency": "EURO"}', "currency"),
    "an instant without a zone": (
        b'{"name": "x", "userId": "a", "timestamp": "2026-01-02T03:04:05"}',
        "time zone",
    ),
    "an instant before time": (
        b'{"name": "x", "userId": "a", "timestamp": "0001-01-01T00:00:00+23:59"}',
        "year",
    ),
    "a NUL": (b'{"name": "x\\u0000", "userId": "a"}', "NUL"),
    "a NUL in a property": (b'{"name":"x","userId":"a","eventProperties":{"a":"\\u0000"}}', "NUL"),
    "a NUL in a property's name": (
        b'{"name":"x","userId":"a","contactProperties":{"a":[{"\\u0000":1}]}}',
        "NUL",
    ),
    "half a surrogate pair": (b'{"name": "x", "userId": "\\ud800"}', "Malformed JSON"),
    "a number beyond all": (
        b'{"name":"x","userId":"a","eventProperties":{"a":1e999}}',
        "too large",
    ),
    "a number of 5,000 digits": (
        b'{"name":"x","userId":"a","eventProperties":{"a":%s}}' % (b"9" * 5000),
        "Malformed JSON",
    ),
    "depth 100": (
        b'{"name":"x","userId":"a","eventProperties":%s1%s}' % (b'{"a":' * 100, b"}" * 100),
        "deeper than 8",
    ),
    "depth 10,000": (b'{"name":"x","userId":"a","eventProperties":' + b"[" * 10_000, "Malformed"),
    "257 properties": (
        json.dumps(
            {"name": "x", "userId": "a", "eventProperties": {str(n): n for n in range(257)}}
        ).encode(),
        "at most 256",
    ),
    "a name of 201 letters": (json.dumps({"name": "x" * 201, "userId": "a"}).encode(), "200"),
    "an idempotency key of 201": (
        json.dumps({"name": "x", "userId": "a", "idempotencyKey": "k" * 201}).encode(),
        "200",
    ),
}


@pytest.mark.parametrize("what", BAD)
async def test_bad_input_is_refused_in_a_sentence_and_nothing_is_stored(
    site: Site, what: str
) -> None:
    raw, named = BAD[what]

    sentence = await refusal(await site.post("/v1/events", raw), 400, "invalid")

    assert named in sentence
    assert await stored(site) == (0, 0, 0)


@pytest.mark.parametrize("email", ["name+tag.@example.com", ".a@example.com", "ada@\u2764.example"])
async def test_an_address_that_cannot_get_mail_is_refused_with_the_reason(
    site: Site, email: str
) -> None:
    sentence = await refusal(
        await site.post("/v1/events", {"name": "x", "email": email}), 400, "invalid"
    )

    assert "email: must be an email address such as ada@example.com. " in sentence
    assert await stored(site) == (0, 0, 0)


async def test_each_invalid_field_is_named(site: Site) -> None:
    answer = await site.post("/v1/events", {"name": "", "userId": 1, "lists": {"news": 1}})

    details = (await answer.get_json())["details"]
    assert [detail["path"] for detail in details] == [["name"], ["userId"], ["lists", "news"]]
    assert all(detail["message"] and detail["code"] for detail in details)


@pytest.mark.parametrize("size", [64 * 1024 + 1, 2 * 1024 * 1024])
async def test_an_event_past_the_limit_is_refused_with_the_limit_named(
    site: Site, size: int
) -> None:
    raw = json.dumps({"name": "x", "userId": "ada", "eventProperties": {"a": "b" * size}}).encode()

    sentence = await refusal(await site.post("/v1/events", raw), 413, "too_large")

    assert "65536" in sentence or "1048576" in sentence
    assert await stored(site) == (0, 0, 0)


async def test_wrong_methods_and_paths_are_json_too(site: Site) -> None:
    for path in ("/v1/events/", "/v1/nothing", "/v1/%ff", "/v1/events/batch/x"):
        assert await refusal(await site.post(path, {}), 404, "not_found") == "Not Found"
    assert await refusal(await site.client.get("/v1/events"), 404, "not_found")
    assert await refusal(await site.client.delete("/v1/events/batch"), 404, "not_found")


async def test_any_origin_may_read_responses_but_cannot_use_a_session(site: Site) -> None:
    origin = "https://shop.example"
    body = {"name": "seen", "userId": "ada"}
    answers = [
        await site.post("/v1/events", body, Origin=origin),
        await site.post("/v1/events", b"no", Origin=origin),
        await site.post("/v1/nothing", {}, Origin=origin),
        await site.client.get("/v1/health", headers={"Origin": origin}),
    ]
    for answer in answers:
        assert answer.headers.getlist("Access-Control-Allow-Origin") == [origin]
        assert "Origin" in answer.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
    plain = await site.post("/v1/events", body)
    assert "Access-Control-Allow-Origin" not in plain.headers
    assert "Origin" in plain.headers["Vary"]
    page = await site.client.get("/sign-in", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in page.headers


async def test_a_preflight_request_gets_the_allowed_methods_and_headers(site: Site) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Headers": "authorization,x"}
    for path in ("/v1/events", "/v1/events/batch", "/v1/anything"):
        answer = await site.client.options(path, headers=asked)
        assert answer.status_code == 204 and await answer.get_data() == b""
        assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        assert answer.headers["Access-Control-Allow-Headers"] == "authorization,x"
        allowed = set(answer.headers["Access-Control-Allow-Methods"].split(","))
        assert allowed == {"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"}


_TEXT = st.text(st.characters(), max_size=20)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | _TEXT
    | st.sampled_from(
        ["ada", "ada@example.com", "ada@exämple.com", "2026-01-02T03:04:05Z", "\ud83d"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_FIELDS = [
    "name",
    "userId",
    "email",
    "anonymousId",
    "eventProperties",
    "contactProperties",
    "lists",
    "groups",
    "value",
    "currency",
    "idempotencyKey",
    "timestamp",
    "source",
]
_BODIES = st.fixed_dictionaries(
    {"name": _TEXT | _JSON, "userId": _TEXT | _JSON},
    optional={field: _JSON for field in _FIELDS[2:]},
)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=_BODIES | _JSON, ascii_only=st.booleans())
async def test_no_body_causes_a_server_error(site: Site, body: Any, ascii_only: bool) -> None:
    raw = json.dumps(body, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    for path, sent in (("/v1/events", raw), ("/v1/events/batch", b'{"events":[%s]}' % raw)):
        answer = await site.post(path, sent)
        assert answer.status_code in (202, 400, 413), await answer.get_data(as_text=True)
        body = await answer.get_json()
        assert all(item.get("code") != "internal" for item in body.get("results", ()))


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(raw=st.binary(max_size=200))
async def test_no_bytes_cause_a_server_error(site: Site, raw: bytes) -> None:
    for path in ("/v1/events", "/v1/events/batch"):
        answer = await site.post(path, raw)
        assert answer.status_code in (400, 413)
