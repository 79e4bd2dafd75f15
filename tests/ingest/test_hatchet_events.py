"""An event that was pushed to Hatchet is parsed like the body of `POST /v1/events`."""

from __future__ import annotations

import pytest

from hogsend.errors import InvalidInput
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
