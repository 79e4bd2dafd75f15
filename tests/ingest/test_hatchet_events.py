"""What others push to Hatchet is read as if it had been posted."""

from __future__ import annotations

import pytest

from hogsend.errors import InvalidInput
from hogsend.ingest.parsing import parse_hatchet_event


def test_the_fields_of_the_api_are_its_fields_and_the_rest_are_properties():
    given = {"userId": "ada", "plan": "pro", "name": "Ada", "contactProperties": {"city": "York"}}
    read = parse_hatchet_event("7c1e", "order:paid", given)
    assert (read.name, read.user_id, read.source) == ("order:paid", "ada", "hatchet")
    assert read.properties == {"plan": "pro", "name": "Ada"}
    assert read.contact_properties == {"city": "York"}
    assert read.idempotency_key == "hatchet:7c1e"


def test_properties_that_are_named_so_are_all_there_are():
    given = {"email": "ada@example.com", "eventProperties": {"plan": "pro"}, "other": 1}
    assert parse_hatchet_event("7c1e", "order:paid", given).properties == {"plan": "pro"}


def test_one_that_names_nobody_is_refused():
    with pytest.raises(InvalidInput, match="userId"):
        parse_hatchet_event("7c1e", "order:paid", {"plan": "pro"})
