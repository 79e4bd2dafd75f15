"""Ids that sort by time (UUID version 7, RFC 9562 §5.7)."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)
_COUNTER_BITS = 42
# Stands for an instant that is not given; those who keep it replace it.
UNKNOWN_INSTANT = datetime.min.replace(tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MILLISECOND = int((datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH).total_seconds()) * 1000


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
            now: the id's instant, of which whole milliseconds are stored. When the clock goes back,
                the id gets the millisecond of the previous id, to keep the order.
        """
        random_bits = int.from_bytes(os.urandom(9))
        with self._lock:
            if not self._advance(now, random_bits):
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

    def advance(self, instant: datetime) -> None:
        """Make every later id greater than those before an instant, also if the clock goes back.

        Args:
            instant: when something happened that later ids are compared with.
        """
        with self._lock:
            self._advance(instant, int.from_bytes(os.urandom(9)))

    def _advance(self, instant: datetime, random_bits: int) -> bool:
        """Begin the millisecond of an instant; return False if ids are there or further on."""
        millisecond = int(instant.timestamp() * 1000)
        if millisecond <= self._millisecond:
            return False
        self._millisecond = millisecond
        self._counter = (random_bits >> 32) & ((1 << (_COUNTER_BITS - 2)) - 1)
        return True


new_id = IdGenerator()


def compute_first_id(instant: datetime) -> UUID:
    """Return the least id of an instant: no id of that instant or later is smaller.

    Args:
        instant: with a time zone; only whole milliseconds matter.
    """
    return UUID(int=(int(instant.timestamp() * 1000) << 80) | _VERSION_AND_VARIANT)


def build_first_id(instant: datetime) -> UUID:
    """Return an id that sorts before all ids that are made from an instant on."""
    milliseconds = int((instant - _EPOCH).total_seconds() * 1000)
    return UUID(int=min(max(milliseconds, 0), _LAST_MILLISECOND) << 80)


def compute_instant(value: UUID) -> datetime:
    """Return the millisecond at which an id was made.

    Args:
        value: an id that `new_id` made; other ids give some instant between 1970 and 9999.
    """
    milliseconds = min(value.int >> 80, _LAST_MILLISECOND)
    return _EPOCH + timedelta(milliseconds=milliseconds)
