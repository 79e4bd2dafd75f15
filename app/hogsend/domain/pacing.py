"""Spreads mails over time, so that none comes faster than a rate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

# Mails may leave so much earlier than their place in the spread, so that timers need not be exact.
_TOLERANCE = timedelta(milliseconds=100)


@dataclass
class Pace:
    """The rate of one thing, such as a provider, and which places are taken.

    Mails that cannot leave now get places one after the other: a backlog leaves spread evenly, in
    the order in which it came. A mail that comes again at its place only waits for those that have
    really left, and for urgent ones, which take their places at once.

    Args:
        per_second: the mails a second.
        free_at: when the next mail may leave, by those that have left.
        planned_until: the end of the places that are taken.
    """

    per_second: float
    free_at: datetime
    planned_until: datetime

    @staticmethod
    def start(per_second: float, now: datetime) -> Pace:
        """Begin to pace."""
        return Pace(per_second, now, now)

    @property
    def interval(self) -> timedelta:
        """The time between two mails."""
        return timedelta(seconds=1 / self.per_second)

    def find_free(self) -> datetime:
        """Return when a mail may leave, by those that have left."""
        return self.free_at - _TOLERANCE

    def find_place(self, now: datetime) -> datetime:
        """Return when a mail may leave, by the places that are taken, too."""
        free = self.find_free()
        return max(free, self.planned_until) if self.planned_until > now else free

    def take(self, at: datetime) -> None:
        """Record that a mail leaves at an instant."""
        self.free_at = max(self.free_at, at) + self.interval

    def plan(self, place: datetime) -> None:
        """Record that a mail leaves at a place in the future."""
        self.planned_until = max(self.planned_until, place) + self.interval

    def is_idle(self, now: datetime) -> bool:
        """Return whether the pace can be forgotten."""
        return max(self.free_at, self.planned_until) <= now


# What a throttled pace begins with, at least and at most, in mails a second.
MIN_RATE = 1 / 30
MAX_RATE = 50.0
# After a change the rate stays for at least so long, and grows after so long without a complaint.
_REST = timedelta(seconds=10)
_GROW_AFTER = timedelta(seconds=60)
_GROWTH = 1.5


@dataclass
class Slowdown:
    """The rate that somebody has asked for by refusing mail that came too fast.

    Args:
        pace: the present rate.
        changed_at: when the rate last changed.
        reply: what was said, for people to read.
    """

    pace: Pace
    changed_at: datetime
    reply: str

    @staticmethod
    def start(recent_per_second: float, reply: str, now: datetime) -> Slowdown:
        """Begin with half of the rate at which mail came."""
        rate = min(max(recent_per_second / 2, MIN_RATE), MAX_RATE)
        return Slowdown(Pace.start(rate, now), now, reply)

    def slow_down(self, reply: str, now: datetime) -> None:
        """Halve the rate, unless it has changed a moment ago."""
        self.reply = reply
        if now - self.changed_at >= _REST:
            self.pace.per_second = max(self.pace.per_second / 2, MIN_RATE)
            self.changed_at = now

    def speed_up(self, now: datetime) -> bool:
        """Raise the rate after a while without a refusal; return False when it need not be kept."""
        if now - self.changed_at >= _GROW_AFTER:
            self.pace.per_second *= _GROWTH
            self.changed_at = now
        return self.pace.per_second <= MAX_RATE
