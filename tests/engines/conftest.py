"""Worlds for tests, and due enrollments whose turns an engine runs."""

import pytest

from hogsend.clock import ManualClock
from hogsend.store.db import Database
from tests.engines.contract import TurnHarness
from tests.world import idle_world, sqlite_world, world

__all__ = ["harness", "idle_world", "sqlite_world", "world"]


@pytest.fixture
def harness(database: Database, clock: ManualClock) -> TurnHarness:
    """Enrollments in the database, and a record of the turns that an engine runs."""
    return TurnHarness(database, clock)
