"""Ids that sort by time (UUID version 7, RFC 9562 §5.7)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, SafeUUID

_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)
_COUNTER_BITS = 42
# The default of a value's instant; the value then takes the instant of its id instead.
UNKNOWN_INSTANT = datetime.min.replace(tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MILLISECOND = int((datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH).total_seconds()) * 1000

# An id needs to be unique, not secret, and asking the system for random bytes takes longer than
# everything else about an id.
_random = Random()  # noqa: S311
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)

# Every row has several ids, and the constructor of `UUID` takes three times as long as this.
_create, _UNKNOWN = UUID.__new__, SafeUUID.unknown
_set_int: Callable[[UUID, int], None] = UUID.__dict__["int"].__set__
_set_safe: Callable[[UUID, SafeUUID], None] = UUID.__dict__["is_safe"].__set__


def to_uuid(number: int) -> UUID:
    """Return the UUID with a number, which must have at most 128 bits."""
    uuid = _create(UUID)
    _set_int(uuid, number)
    _set_safe(uuid, _UNKNOWN)
    return uuid


class IdGenerator:
    """Generates ids that increase within one process, even within one millisecond.

    The 74 random bits of an id are a 42-bit counter, seeded at random each millisecond, and 32
    random bits: ids of one process never collide, and those of two processes practically never.
    """

    def __init__(self) -> None:
        self._millisecond = 0
        self._counter = 0
        self._latest: datetime | None = None
        self._lock = threading.Lock()

    def __call__(self, now: datetime) -> UUID:
        """Return a new id.

        Args:
            now: the id's instant, of which whole milliseconds are stored. When the clock goes back,
                the id gets the millisecond of the previous id, to keep the order.
        """
        with self._lock:
            # The ids of a batch share one instant, so most calls need not compute its millisecond.
            if now is self._latest or not self._advance(now):
                self._counter += 1
            counter, millisecond = self._counter, self._millisecond
        return to_uuid(
            (millisecond << 80)
            | _VERSION_AND_VARIANT
            | ((counter >> 30 & 0xFFF) << 64)
            | ((counter & 0x3FFFFFFF) << 32)
            | _random.getrandbits(32)
        )

    def advance(self, instant: datetime) -> None:
        """Make every later id greater than those before an instant, also if the clock goes back.

        Args:
            instant: when something happened that later ids are compared with.
        """
        with self._lock:
            self._advance(instant)

    def _advance(self, instant: datetime) -> bool:
        """Begin the millisecond of an instant, with a new random counter.

        Returns:
            Whether it is later than that of the last id; otherwise nothing changes.
        """
        self._latest = instant
        millisecond = int(instant.timestamp() * 1000)
        if millisecond <= self._millisecond:
            return False
        self._millisecond = millisecond
        self._counter = _random.getrandbits(_COUNTER_BITS - 2)
        return True


new_id = IdGenerator()


def compute_first_id(instant: datetime) -> UUID:
    """Return the least id of an instant: no id of that instant or later is smaller.

    Args:
        instant: with a time zone; only whole milliseconds matter. One before 1970 counts as 1970.
    """
    milliseconds = min(max(int(instant.timestamp() * 1000), 0), _LAST_MILLISECOND)
    return UUID(int=(milliseconds << 80) | _VERSION_AND_VARIANT)


def compute_instant(value: UUID) -> datetime:
    """Return the millisecond at which an id was made.

    Args:
        value: an id that `new_id` made; other ids give some instant between 1970 and 9999.
    """
    milliseconds = min(value.int >> 80, _LAST_MILLISECOND)
    return _EPOCH + timedelta(milliseconds=milliseconds)
