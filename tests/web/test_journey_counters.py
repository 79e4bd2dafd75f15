"""The page of one journey reads the counters of that journey only."""

from __future__ import annotations

from typing import Any

import pytest

from hogsend.store.db import Database, Query
from tests.web.conftest import Browser
from tests.web.sample_data import SampleData


@pytest.fixture
def counters_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names, or the ends of a range of names, of every counter that is asked for."""
    names: list[str] = []
    read = Database.read

    async def listen(self: Database, *queries: Query[Any]) -> list[Any]:
        for query in queries:
            if "FROM counters" in query.sql:
                for value in query.values:
                    names.extend([value] if isinstance(value, str) else [])
                    names.extend(value if isinstance(value, list) else [])
        return await read(self, *queries)

    monkeypatch.setattr(Database, "read", listen)
    return names


async def test_the_page_of_a_journey_reads_no_counter_of_another_journey(
    owner: Browser, sample: SampleData, counters_read: list[str]
) -> None:
    await owner.read("/journeys/activation-welcome")
    assert counters_read
    assert {name.split("/")[1].rstrip("0") for name in counters_read} == {"activation-welcome"}
