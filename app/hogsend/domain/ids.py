"""Ids that sort by time (UUID version 7, RFC 9562 §5.7)."""

from __future__ import annotations

import os
import threading
from datetime import datetime
from uuid import UUID

_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)
_COUNTER_BITS = 42


class IdMaker:
    """Makes ids that increase within one process, also within one millisecond.

    The 74 random bits of an id are a 42-bit counter, seeded again each millisecond, and 32
    random bits, so that ids of one process never collide and of two processes hardly can.
    """

    def __init__(self) -> None:
        self._millisecond = 0
        self._counter = 0
        self._lock = threading.Lock()

    def __call__(self, now: datetime) -> UUID:
        """Return a new id.

        Args:
            now: the instant whose milliseconds begin the id; an instant before the last
                one continues the last one's millisecond, so that order is kept.
        """
        millisecond = int(now.timestamp() * 1000)
        noise = int.from_bytes(os.urandom(9))
        with self._lock:
            if millisecond > self._millisecond:
                self._millisecond = millisecond
                self._counter = (noise >> 32) & ((1 << (_COUNTER_BITS - 2)) - 1)
            else:
                self._counter += 1
            counter, millisecond = self._counter, self._millisecond
        high, low = counter >> 30, counter & ((1 << 30) - 1)
        return UUID(
            int=(millisecond << 80)
            | _VERSION_AND_VARIANT
            | ((high & 0xFFF) << 64)
            | (low << 32)
            | (noise & 0xFFFFFFFF)
        )


new_id = IdMaker()


def first_id(instant: datetime) -> UUID:
    """Return what is not greater than any id that was made at an instant or after it.

    Args:
        instant: with a zone; its milliseconds count.
    """
    return UUID(int=(int(instant.timestamp() * 1000) << 80) | _VERSION_AND_VARIANT)
