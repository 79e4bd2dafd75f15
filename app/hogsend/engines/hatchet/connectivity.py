"""Notes what of Hatchet does not answer and since when, and says so in the log, once each way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from ...clock import Clock
from ...errors import HatchetUnavailable
from ...store.workers import Outage

log = logging.getLogger("hogsend.hatchet")

# By what it is seen: a call that only asks for a sign of life, one that tells something, and the
# API behind Hatchet's dashboard, which has an address of its own.
Call = Literal["ping", "tell", "api"]
_NOT_YET = "it has not answered yet"


class Connectivity:
    """What of Hatchet can be reached.

    Args:
        clock: what tells the time.
        on_change: is called when Hatchet goes away or is there again.
    """

    def __init__(self, clock: Clock, on_change: Callable[[], None]) -> None:
        self._clock = clock
        self._on_change = on_change
        # Since when which calls go unanswered, and what is said of it.
        self._missed: dict[Call, tuple[datetime, str]] = {"ping": (clock.now(), _NOT_YET)}
        self._told: set[bool] = set()

    @property
    def away(self) -> Outage | None:
        """What is missed at present, that first for which turns wait."""
        for turns_wait in (True, False):
            found = [said for call, said in self._missed.items() if _is_engine(call) == turns_wait]
            if found:
                since, message = min(found)
                return Outage(since, message, turns_wait)
        return None

    def missed(self, call: Call, error: HatchetUnavailable) -> None:
        """Note a call that was not answered."""
        since, _ = self._missed.get(call, (self._clock.now(), ""))
        self._missed[call] = since, error.message
        turns_wait = _is_engine(call)
        if turns_wait in self._told:
            return
        self._told.add(turns_wait)
        self._on_change()
        if turns_wait:
            log.error("Hatchet is away, turns wait: %s", error.message)
        else:
            log.error(
                "Hatchet's API does not answer; turns are played, but a cancel there is not seen, "
                "and runs that are over here are not ended there: %s",
                error.message,
            )

    def answered(self, call: Call) -> None:
        """Note a call that was answered."""
        found = self._missed.pop(call, None)
        turns_wait = _is_engine(call)
        if found is None or any(_is_engine(other) == turns_wait for other in self._missed):
            return
        since, _ = found
        seconds = max((self._clock.now() - since).total_seconds(), 0.0)
        what = "Hatchet" if turns_wait else "Hatchet's API"
        # That it is gone was an error: whoever reads only those must hear that it is back.
        level = logging.WARNING if turns_wait in self._told else logging.INFO
        log.log(level, "%s is there, after %.0f s", what, seconds)
        self._told.discard(turns_wait)
        self._on_change()


def _is_engine(call: Call) -> bool:
    return call != "api"
