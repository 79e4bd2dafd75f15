"""Ids that sort by time (UUID version 7, RFC 9562 §5.7)."""

from __future__ import annotations

import os
import threading
from datetime import datetime
from uuid import UUID

_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)
_COUNTER_BITS = 42


class IdGenerator:
    """Generates ids that increase within one process, even within one millisecond.

    The 74 random bits of an id are a 42-bit counter, seeded at random each millisecond, and 32
    random bits: ids of one process never collide, and those of two processes practically never.
    """

    def __init__(self) -> None:
        self._millisecond = 0
        self._counter = 0
        self._lock = threading.Lock()

    def __call__(self, now: datetime) -> UUID:
        """Return a new id.

        Args:
            now: the instant that the id starts with, in milliseconds; when the clock goes back, the
                id continues the last millisecond, to keep the order.
        """
        millisecond = int(now.timestamp() * 1000)
        random_bits = int.from_bytes(os.urandom(9))
        with self._lock:
            if millisecond > self._millisecond:
                self._millisecond = millisecond
                self._counter = (random_bits >> 32) & ((1 << (_COUNTER_BITS - 2)) - 1)
            else:
                self._counter += 1
            counter, millisecond = self._counter, self._millisecond
        high, low = counter >> 30, counter & ((1 << 30) - 1)
        return UUID(
            int=(millisecond << 80)
            | _VERSION_AND_VARIANT
            | ((high & 0xFFF) << 64)
            | (low << 32)
            | (random_bits & 0xFFFFFFFF)
        )


new_id = IdGenerator()


def compute_first_id(instant: datetime) -> UUID:
    """Return the least id of an instant: no id of that instant or later is smaller.

    Args:
        instant: with a time zone; only whole milliseconds matter.
    """
    return UUID(int=(int(instant.timestamp() * 1000) << 80) | _VERSION_AND_VARIANT)
