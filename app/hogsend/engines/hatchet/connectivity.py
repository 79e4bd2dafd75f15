"""Tracks which parts of Hatchet are unreachable and since when; logs each change once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Literal

from ...clock import Clock
from ...errors import HatchetApiUnavailable, HatchetUnavailable
from ...store.workers import Outage

log = logging.getLogger("hogsend.hatchet")

# The kinds of calls that show whether Hatchet answers: a ping, a call that starts or wakes runs,
# and a call of the REST API behind Hatchet's dashboard, which has its own address.
Call = Literal["ping", "push", "api"]
# How long workers may end because of an outage that is over.
_AFTERMATH = timedelta(minutes=1)
_NOT_YET = "Hatchet has not answered yet"


class Connectivity:
    """Records which parts of Hatchet are unreachable, and logs each outage and its end once.

    Args:
        clock: the source of the current time.
        on_change: called when Hatchet becomes unreachable, and when it answers again.
    """

    def __init__(self, clock: Clock, on_change: Callable[[], None]) -> None:
        self._clock = clock
        self._on_change = on_change
        # The start and the error message of each outage, by the kind of the failing calls.
        self._failing: dict[Call, tuple[datetime, str]] = {"ping": (clock.now(), _NOT_YET)}
        # The outages that were logged: True for the engine, which stops turns, False for the API.
        self._logged: set[bool] = set()
        self._last_outage_at: datetime | None = None

    @property
    def outage(self) -> Outage | None:
        """The present outage, if any; an outage that stops turns takes precedence."""
        for stops_turns in (True, False):
            failing = [
                failure
                for call, failure in self._failing.items()
                if _is_engine(call) == stops_turns
            ]
            if failing:
                since, message = min(failing)
                return Outage(since, message, stops_turns)
        return None

    @property
    def had_outage_lately(self) -> bool:
        """Whether turns waited within the last minute, which ends workers and listeners."""
        if self.outage is not None and self.outage.turns_wait:
            return True
        ended_at = self._last_outage_at
        return ended_at is not None and self._clock.now() - ended_at < _AFTERMATH

    def record_failure(self, call: Call, error: HatchetUnavailable) -> None:
        """Record a call that was not answered."""
        since, _ = self._failing.get(call, (self._clock.now(), ""))
        self._failing[call] = since, error.message
        stops_turns = _is_engine(call)
        if stops_turns in self._logged:
            return
        self._logged.add(stops_turns)
        self._on_change()
        if stops_turns:
            log.error("Hatchet is unreachable, turns wait: %s", error.message)
        else:
            log.error(
                "Hatchet's API is unreachable; turns run, but cancellations in Hatchet are not "
                "seen and runs that ended here are not ended there: %s",
                error.message,
            )

    def record_answer(self, call: Call) -> None:
        """Record a call that was answered."""
        failure = self._failing.pop(call, None)
        stops_turns = _is_engine(call)
        if failure is None or any(_is_engine(other) == stops_turns for other in self._failing):
            return
        since, _ = failure
        if stops_turns and stops_turns in self._logged:
            self._last_outage_at = self._clock.now()
        seconds = max((self._clock.now() - since).total_seconds(), 0.0)
        name = "Hatchet" if stops_turns else "Hatchet's API"
        # The outage was logged as an error, so its end must be visible at the level of warnings.
        level = logging.WARNING if stops_turns in self._logged else logging.INFO
        log.log(level, "%s is reachable again, after %.0f s", name, seconds)
        self._logged.discard(stops_turns)
        self._on_change()

    async def repeat(self, seconds: float, check: Callable[[], Awaitable[None]]) -> None:
        """Repeat a check of Hatchet's runs until cancelled; an error does not end the repetition.

        Args:
            seconds: the interval.
            check: the check, whose calls of Hatchet may fail.
        """
        while True:
            await asyncio.sleep(seconds)
            try:
                await check()
            except HatchetApiUnavailable as error:
                self.record_failure("api", error)
            except HatchetUnavailable as error:
                self.record_failure("push", error)
            except Exception:
                log.exception("Hatchet's runs could not be checked; trying again")


def _is_engine(call: Call) -> bool:
    return call != "api"
