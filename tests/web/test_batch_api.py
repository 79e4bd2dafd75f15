"""`POST /v1/events/batch`: every event stands on its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import Response

from hogsend.clock import ManualClock
from hogsend.domain.incoming import IncomingEvent, IngestResult
from hogsend.ingest.batch import IngestBatch
from tests.site import Site, open_site

PATH = "/v1/events/batch"


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    """An installation that plays nothing."""
    async with open_site(tmp_path, clock, with_worker=False) as opened:
        yield opened


async def taken(answer: Response) -> dict[str, Any]:
    assert answer.status_code == 202, await answer.get_data(as_text=True)
    return await answer.get_json()


async def test_a_bad_item_is_reported_at_its_place_and_the_others_are_stored(site: Site) -> None:
    body = await taken(
        await site.post(
            PATH,
            {
                "events": [
                    {"name": "user.created", "userId": "ada", "email": "ada@example.com"},
                    {"name": "seen"},
                    "nonsense",
                    {"name": "seen", "userId": "ada", "eventProperties": {"a": "x" * 70_000}},
                    {"name": "seen", "userId": "bo"},
                ]
            },
        )
    )

    assert (body["accepted"], body["rejected"]) == (2, 3)
    first, nobody, nonsense, large, last = body["results"]
    assert first["stored"] and first["enrollments"][0]["outcome"] == "enrolled"
    assert nobody["code"] == "invalid" and "userId is required" in nobody["error"]
    assert nonsense["code"] == "invalid"
    assert nonsense["error"] == "The event does not fit. body: must be a JSON object."
    assert large["code"] == "too_large" and "65536" in large["error"]
    assert last["stored"] and last["contactKey"] == "bo"
    names = await site.rows("SELECT name FROM events ORDER BY id")
    assert names == [("user.created",), ("seen",)]


async def test_events_of_a_batch_are_stored_in_order(site: Site) -> None:
    events = [
        {"name": f"e{n}", "userId": "ada", "contactProperties": {"last": n}} for n in range(300)
    ]

    body = await taken(await site.post(PATH, {"events": events}))

    assert body["accepted"] == 300
    names = [name for (name,) in await site.rows("SELECT name FROM events ORDER BY seq")]
    assert names == [f"e{n}" for n in range(300)]
    assert (await site.contact()).properties == {"last": 299}


async def test_an_idempotency_key_counts_once_within_and_across_batches(site: Site) -> None:
    event = {"name": "seen", "userId": "ada", "idempotencyKey": "k"}
    body = await taken(await site.post(PATH, {"events": [event, event]}))
    again = await taken(await site.post(PATH, {"events": [event]}))

    stored = [result["stored"] for result in (*body["results"], *again["results"])]
    assert stored == [True, False, False]
    assert len({result["eventId"] for result in (*body["results"], *again["results"])}) == 1


async def test_an_unexpected_error_fails_only_its_event(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = IngestBatch.decide

    def fail_once(batch: IngestBatch, incoming: IncomingEvent) -> IngestResult | Exception:
        if incoming.name == "boom":
            raise RuntimeError("the disk is full")
        return decide(batch, incoming)

    monkeypatch.setattr(IngestBatch, "decide", fail_once)
    events = [{"name": name, "userId": "ada"} for name in ("seen", "boom")]
    body = await taken(await site.post(PATH, {"events": events}))

    assert body["results"][0]["stored"] is True
    assert body["results"][1] == {"error": "Internal Server Error", "code": "internal"}
    assert "disk" not in json.dumps(body)


async def test_a_batch_has_at_most_five_mebibytes(site: Site) -> None:
    event = {"name": "seen", "userId": "ada", "eventProperties": {"a": "x" * 60_000}}
    large = json.dumps({"events": [event] * 60}).encode()
    assert 3 * 1024 * 1024 < len(large) < 5 * 1024 * 1024

    assert (await taken(await site.post(PATH, large)))["accepted"] == 60
    refused = await site.post(PATH, json.dumps({"events": [event] * 90}).encode())

    assert refused.status_code == 413
    body = await refused.get_json()
    assert body["code"] == "too_large" and "5 MiB" in body["error"]
    assert await site.fetch_value("SELECT COUNT(*) FROM events") == 60


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"no", "Malformed JSON"),
        (b"[]", "events"),
        (b'{"events": {}}', "events"),
        (b'{"events": ' + b"[" * 100_000, "Malformed JSON"),
    ],
)
async def test_a_body_that_is_not_a_batch_is_refused(site: Site, raw: bytes, named: str) -> None:
    answer = await site.post(PATH, raw)

    assert answer.status_code == 400
    body = await answer.get_json()
    assert named in body["error"] and body["code"] == "invalid"
    assert await site.fetch_value("SELECT COUNT(*) FROM events") == 0


async def test_a_batch_of_1001_is_refused_with_the_limit_named(site: Site) -> None:
    answer = await site.post(PATH, {"events": [{"name": "x", "userId": "ada"}] * 1001})

    assert answer.status_code == 413
    body = await answer.get_json()
    assert "1000" in body["error"] and body["code"] == "too_large"


async def test_a_deeply_nested_item_is_refused(site: Site) -> None:
    for depth in range(850, 1000):
        item = b'{"name":"x","userId":"a","eventProperties":{"a":%s%s}}' % (
            b"[" * depth,
            b"]" * depth,
        )
        answer = await site.post(PATH, b'{"events": [%s]}' % item)
        body = await answer.get_json()
        refusal = body["results"][0] if answer.status_code == 202 else body
        assert refusal["code"] == "invalid", (depth, body)


async def test_a_number_of_thousands_of_digits_spoils_only_its_event(site: Site) -> None:
    good, digits = '{"name": "go", "userId": "ada"}', "9" * 5000
    bad = [
        f'{{"name": "go", "userId": "ada", "eventProperties": {{"n": -{digits}}}}}',
        f'{{"name": "go", "userId": "ada", "value": {digits}}}',
        f'{{"name": "go", "userId": {digits}}}',
        digits,
    ]
    for place in range(3):
        for item in bad:
            items = [good, good]
            items.insert(place, item)
            body = await taken(
                await site.post(PATH, f'{{"events": [{", ".join(items)}]}}'.encode())
            )
            assert (body["accepted"], body["rejected"]) == (2, 1)
            assert body["results"][place]["code"] == "invalid"


async def test_text_that_no_database_stores_is_refused_by_item(site: Site) -> None:
    raw = (
        b'{"events": [{"name":"x","userId":"\\ud800"},{"name":"x","email":"\\udfff@example.com"},'
        b'{"name":"x","userId":"a","eventProperties":{"\\ud800":1}},'
        b'{"name":"x","userId":"a","eventProperties":{"a":NaN}},'
        b'{"name":"x","userId":"a","eventProperties":{"a":%s1%s}},'
        b'{"name":"x","userId":"a","groups":{"a":"\\u0000"}},{"name":"x","userId":"ada"}]}'
        % (b"[" * 900, b"]" * 900)
    )

    body = await taken(await site.post(PATH, raw))

    assert body["rejected"] == 6 and body["results"][-1]["stored"]
    assert {result.get("code") for result in body["results"][:-1]} == {"invalid"}
