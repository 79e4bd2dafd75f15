"""Text that no database stores is refused in every field of an event, and the field is named."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import Response

from hogsend.clock import ManualClock
from hogsend.ingest.parsing import EventBody
from tests.site import Site, open_site

# Each value names the field, so that the refusal is about nothing else; `@` is the bad character.
FIELDS: dict[str, list[Any]] = {
    "name": ["a@b"],
    "userId": ["a@b"],
    "email": ["a@b!example.com"],
    "anonymousId": ["a@b"],
    "eventProperties": [{"a": "x@"}, {"a@": 1}, {"a": [{"b": "@"}]}, {"a": {"b@": None}}],
    "contactProperties": [{"a": "x@"}, {"a@": None}, {"a": ["@"]}],
    "lists": [{"news@": True}],
    "groups": [{"team@": "x"}, {"team": "x@"}],
    "value": ["@"],
    "currency": ["E@R"],
    "idempotencyKey": ["a@b"],
    "timestamp": ["2026-01-02T03:04:05@Z"],
}
CHARACTERS = {"NUL": "\0", "half of a surrogate pair": "\ud800"}


@pytest.fixture
async def site(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    """An installation that runs nothing, on each kind of database."""
    async with open_site(tmp_path, clock, with_worker=False, DATABASE_URL=database_url) as opened:
        yield opened


def test_every_field_of_an_event_is_tried() -> None:
    fields = {field.alias for field in EventBody.model_fields.values()}
    # The token is checked, and never stored.
    assert set(FIELDS) == fields - {"userToken"}


def replace_character(value: Any, character: str) -> Any:
    """Return a value with the bad character in place of its mark."""
    text = json.dumps(value).replace("@", json.dumps(character)[1:-1]).replace("!", "@")
    return json.loads(text)


async def submit(site: Site, events: list[dict[str, Any]], *, is_batch: bool) -> list[Any]:
    """Submit events one by one or together; return the answer for each."""
    if is_batch:
        answer: Response = await site.post("/v1/events/batch", {"events": events})
        return (await answer.get_json())["results"]
    return [await (await site.post("/v1/events", event)).get_json() for event in events]


@pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)
@pytest.mark.parametrize("is_batch", [False, True], ids=["single", "batch"])
async def test_text_that_no_database_stores_is_refused_and_its_field_is_named(
    site: Site, character: str, *, is_batch: bool
) -> None:
    whole = {"name": "seen", "userId": "ada", "email": "ada@example.com"}
    cases = [
        (field, copy.deepcopy(whole) | {field: replace_character(value, character)})
        for field, values in FIELDS.items()
        for value in values
    ]
    answers = await submit(site, [event for _, event in cases], is_batch=is_batch)
    for (field, event), answer in zip(cases, answers, strict=True):
        assert answer["code"] == "invalid", (event, answer)
        if not answer["error"].startswith("Malformed JSON"):
            assert answer["details"][0]["path"][0] == field, (event, answer)
        else:
            # The parser of single events refuses half of a pair as no JSON at all.
            assert (is_batch, character) == (False, "\ud800")
    assert await site.fetch_value("SELECT COUNT(*) FROM events") == 0
    assert await site.fetch_value("SELECT COUNT(*) FROM contacts") == 0
