"""The log names each outage of the database when it begins and when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import pytest

from hogsend.clock import ManualClock
from hogsend.process.database_watcher import REPEAT_LOG_INTERVAL, _HealthLog
from hogsend.store.database_health import FULL, LOCKED, DatabaseHealth, DatabaseProblem
from hogsend.store.db import Database


@dataclass
class WatchedDatabase:
    """What the log reads of a database."""

    health: DatabaseHealth


class Outages:
    """A database that a test breaks and repairs, and what the log says."""

    def __init__(self, clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
        self._clock, self._caplog = clock, caplog
        self._health = DatabaseHealth(clock, None)
        database = cast(Database, WatchedDatabase(self._health))
        self._log = _HealthLog(database, "data/hogsend.db", clock)

    def becomes(self, problem: DatabaseProblem | None, after: timedelta = timedelta()) -> list[str]:
        """Return the levels of what is logged when the state changes."""
        self._clock.set(self._clock.now() + after)
        self._health.problem = problem
        self._health.since = None if problem is None else self._clock.now()
        return self.lasts(timedelta())

    def lasts(self, duration: timedelta) -> list[str]:
        """Return the levels of what is logged while the state lasts."""
        self._clock.set(self._clock.now() + duration)
        self._caplog.clear()
        self._log.update()
        return [record.levelname for record in self._caplog.records]


@pytest.fixture
def outages(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> Outages:
    return Outages(clock, caplog)


def test_an_outage_is_logged_once_and_its_end_once(outages: Outages) -> None:
    assert outages.becomes(FULL) == ["ERROR"]
    assert outages.lasts(timedelta(hours=1)) == []
    assert outages.becomes(None) == ["WARNING"]
    assert outages.lasts(timedelta(hours=1)) == []


def test_another_problem_in_an_outage_is_logged(outages: Outages) -> None:
    outages.becomes(FULL)
    assert outages.becomes(LOCKED, timedelta(seconds=1)) == ["ERROR"]


def test_a_flapping_database_does_not_fill_the_log(outages: Outages) -> None:
    outages.becomes(FULL)
    outages.becomes(None, timedelta(seconds=5))
    assert outages.becomes(FULL, timedelta(seconds=5)) == []
    assert outages.becomes(None, timedelta(seconds=5)) == []


def test_an_outage_that_returns_and_lasts_is_logged(outages: Outages) -> None:
    outages.becomes(FULL)
    outages.becomes(None, timedelta(seconds=5))
    outages.becomes(FULL, timedelta(seconds=5))
    assert outages.lasts(REPEAT_LOG_INTERVAL) == ["ERROR"]
    assert outages.becomes(None, timedelta(hours=2)) == ["WARNING"]
