"""An event that was pushed to Hatchet is parsed like the body of `POST /v1/events`."""

from __future__ import annotations

import hashlib
import json

import pytest

from hogsend.domain.incoming import MAX_EVENT_BYTES
from hogsend.errors import InvalidInput, TooLarge
from hogsend.ingest.parsing import parse_hatchet_event


def test_other_fields_than_those_of_the_api_are_properties():
    payload = {"userId": "ada", "plan": "pro", "name": "Ada", "contactProperties": {"city": "York"}}
    event = parse_hatchet_event("7c1e", "order:paid", payload)
    assert (event.name, event.user_id, event.source) == ("order:paid", "ada", "hatchet")
    assert event.properties == {"plan": "pro", "name": "Ada"}
    assert event.contact_properties == {"city": "York"}
    assert event.idempotency_key == "hatchet:7c1e"


def test_with_event_properties_other_fields_are_ignored():
    payload = {"email": "ada@example.com", "eventProperties": {"plan": "pro"}, "other": 1}
    assert parse_hatchet_event("7c1e", "order:paid", payload).properties == {"plan": "pro"}


def test_an_event_without_a_contact_is_refused():
    with pytest.raises(InvalidInput, match="userId"):
        parse_hatchet_event("7c1e", "order:paid", {"plan": "pro"})


@pytest.mark.parametrize("letter", ["x", "ж", "字", "👋", "\u200d"])
def test_the_size_limit_counts_the_bytes_of_utf_8_in_every_alphabet(letter: str):
    overhead = len('{"eventProperties":{"text":""},"userId":"ada","name":"order:paid"}')
    count = (MAX_EVENT_BYTES - overhead) // len(letter.encode())
    fitting = {"userId": "ada", "eventProperties": {"text": letter * count}}
    event = parse_hatchet_event("7c1e", "order:paid", fitting)
    assert event.properties["text"] == letter * count
    too_large = {"userId": "ada", "eventProperties": {"text": letter * (count + 1)}}
    with pytest.raises(TooLarge):
        parse_hatchet_event("7c1e", "order:paid", too_large)


def test_an_event_that_an_earlier_release_stored_is_recognised_when_it_comes_again():
    payload = {"userId": "ada", "plan": "größer"}
    body = {"eventProperties": {"plan": "größer"}, "name": "order:paid", "userId": "ada"}
    earlier = hashlib.blake2b(json.dumps(body).encode(), digest_size=16).digest()
    assert parse_hatchet_event("7c1e", "order:paid", payload).digest == earlier


@pytest.mark.parametrize("text", ["\ud800", "a\x00b"])
def test_a_text_that_no_database_stores_is_refused(text: str):
    payload = {"userId": "ada", "eventProperties": {"text": text, "city": "Zürich"}}
    with pytest.raises(InvalidInput):
        parse_hatchet_event("7c1e", "order:paid", payload)
