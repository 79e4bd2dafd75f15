"""Watches the database for changes by other processes and for outages."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from ..clock import Clock
from ..errors import StoreUnavailable
from ..store.database_health import DatabaseProblem
from ..store.db import Database
from .event_bus import DatabaseChanged, DatabaseGone, DatabaseRecovered, EventBus

log = logging.getLogger("hogsend")

# Another process's changes to the database, such as a revoked key, are noticed within this time, in
# seconds.
CHECK_INTERVAL = 0.2
_ERROR_RETRY_DELAY = 1.0
# A problem that comes back within this time is not logged again.
REPEAT_LOG_INTERVAL = timedelta(minutes=1)


class DatabaseWatcher:
    """Publishes what happens to the database from outside, and logs its problems.

    Args:
        database: the database.
        location: its file or host, for the log.
        clock: the source of the current time.
        bus: where the events go.
    """

    def __init__(self, database: Database, location: str, clock: Clock, bus: EventBus) -> None:
        self._database = database
        self._health_log = _HealthLog(database, location, clock)
        self._bus = bus
        self._last_change: int | None = None
        self._is_gone = False

    async def run(self) -> None:
        """Check several times a second, until cancelled."""
        while True:
            pause = CHECK_INTERVAL
            try:
                if self._health_log.update():
                    await self._bus.publish(DatabaseRecovered())
                await self._report_gone()
                await self._check_for_changes()
            except StoreUnavailable:
                # The database has recorded the problem, and the next update logs it.
                pass
            except Exception:
                log.exception("the database could not be checked; trying again")
                pause = _ERROR_RETRY_DELAY
            await asyncio.sleep(pause)

    async def _report_gone(self) -> None:
        problem = self._database.health.problem
        if not self._is_gone and problem is not None and problem.kind == "gone":
            self._is_gone = True
            await self._bus.publish(DatabaseGone())

    async def _check_for_changes(self) -> None:
        self._database.health.check_files()
        if self._database.health.problem is not None:
            await self._database.probe_write()
        change = await self._database.read_change_number()
        if self._last_change not in (None, change):
            await self._bus.publish(DatabaseChanged())
        self._last_change = change


class _HealthLog:
    """Logs each outage of the database when it begins and when it ends.

    An outage that returns within `REPEAT_LOG_INTERVAL` is logged only once it has lasted that long.
    """

    def __init__(self, database: Database, location: str, clock: Clock) -> None:
        self._database = database
        self._location = location
        self._clock = clock
        self._problem: DatabaseProblem | None = None
        self._since = clock.now()
        self._last_logged: tuple[DatabaseProblem, datetime] | None = None
        self._is_logged = False

    def update(self) -> bool:
        """Log what has changed; return whether the database has just recovered."""
        health, now = self._database.health, self._clock.now()
        previous, self._problem = self._problem, health.problem
        if self._problem is None:
            if self._is_logged:
                seconds = max((now - self._since).total_seconds(), 0.0)
                log.warning("The database works again, after %.0f s.", seconds)
            self._is_logged = False
            return previous is not None
        if previous is None:
            self._since = health.since or now
        is_unlogged = not self._is_logged or self._problem != previous
        if is_unlogged and self._should_log(self._problem, now):
            self._last_logged, self._is_logged = (self._problem, now), True
            log.error("%s (%s: %s)", self._problem, self._location, health.detail)
        return False

    def _should_log(self, problem: DatabaseProblem, now: datetime) -> bool:
        if self._last_logged is None:
            return True
        logged, at = self._last_logged
        return logged != problem or abs(now - at) > REPEAT_LOG_INTERVAL
