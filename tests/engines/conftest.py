"""Instances to take facts in and to play journeys in, and people for an engine to play."""

import pytest

from hogsend.clock import ManualClock
from hogsend.store.db import Database
from tests.engines.contract import Stage
from tests.world import idle_world, sqlite_world, world

__all__ = ["idle_world", "sqlite_world", "stage", "world"]


@pytest.fixture
def stage(database: Database, clock: ManualClock) -> Stage:
    """People with enrollments, and a player that notes whom it plays."""
    return Stage(database, clock)
