"""Decides when a mail may leave: rates, warm-up plans, refusals of mail that comes too fast."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ..domain.pacing import Pace, Slowdown
from ..domain.sending_policy import NO_POLICY, Rate, SendingPolicy

# Paces that are idle are forgotten after so many mails.
_FORGET_EVERY: Final = 10_000
_RECENT_SECONDS: Final = 10.0
_MAX_SLOWDOWNS: Final = 1_000
# Mails that may leave so soon wait in memory; others get a new due time.
MAX_WAIT: Final = timedelta(seconds=1)

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Way:
    """The way of a mail, by which it is paced.

    Args:
        provider: the name of the provider.
        sender: the domain of the sender.
        recipient: the domain of the recipient.
    """

    provider: str
    sender: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that is in force, for people to read.

    Args:
        scope: `provider`, `sender`, `recipient` or `refusals`.
        name: the name of the provider or the domain.
        per_second: the mails a second.
        planned_until: until when mails have a place; None when none waits.
        reply: the reply of the mail server, for `refusals`.
    """

    scope: str
    name: str
    per_second: float
    planned_until: datetime | None = None
    reply: str = ""


class Governor:
    """Paces the mails of one worker.

    What it knows is in memory: after a restart, mails that wait have their places as due times, and
    limits begin again.

    Args:
        share: the part of each rate that this worker may use, where several share it.

    Attributes:
        policy: how mail is sent.
        stopped: the providers and senders whose mail is stopped, each with the scope.
    """

    def __init__(self, share: float = 1.0) -> None:
        self.share = share
        self.policy: SendingPolicy = NO_POLICY
        self.stopped: frozenset[Key] = frozenset()
        self._paces: dict[Key, Pace] = {}
        self._slowdowns: dict[Key, Slowdown] = {}
        self._recent: dict[Key, tuple[datetime, int]] = {}
        self._since_forgetting = 0

    def find_time(
        self, way: Way, now: datetime, *, is_urgent: bool = False, is_back: bool = False
    ) -> datetime:
        """Return when a mail may leave, and take its place.

        A mail that may leave within `MAX_WAIT` leaves then; another one comes back at its place.

        Args:
            way: the way of the mail.
            now: the current time.
            is_urgent: whether it does not wait for a backlog.
            is_back: whether it comes again at its place.
        """
        paces = self._find_paces(way, now)
        if not paces:
            return now
        if is_urgent and is_back:
            # It has taken its place before.
            return now
        place = max(pace.find_free() for pace in paces)
        if not is_urgent and (not is_back or place > now + MAX_WAIT):
            # A mail whose place others have taken gets a new one.
            places = [pace.find_place(now) for pace in paces]
            place = max(places)
            if place > now + MAX_WAIT:
                # Only where it waits: the backlog of a slow domain must not hold other mails up.
                paces[places.index(place)].plan(place)
                return place
        leaves_at = max(place, now)
        for pace in paces:
            pace.take(leaves_at)
        return leaves_at

    def is_stopped(self, way: Way) -> bool:
        """Return whether mail of the provider or the sender is stopped."""
        return bool(self.stopped) and (
            ("provider", way.provider) in self.stopped or ("sender", way.sender) in self.stopped
        )

    def record_accepted(self, way: Way, now: datetime) -> None:
        """Record that a mail was accepted: a rate that was lowered rises again."""
        if not self._slowdowns:
            return
        key = (way.provider, way.recipient)
        slowdown = self._slowdowns.get(key)
        if slowdown is not None and not slowdown.speed_up(now):
            del self._slowdowns[key]

    def record_throttled(self, way: Way, reply: str, now: datetime) -> None:
        """Record that mail came too fast for the recipient's domain or the provider."""
        key = (way.provider, way.recipient)
        slowdown = self._slowdowns.get(key)
        if slowdown is not None:
            slowdown.slow_down(reply, now)
        elif len(self._slowdowns) < _MAX_SLOWDOWNS:
            self._slowdowns[key] = Slowdown.start(self._measure(key, now), reply, now)

    def list_limits(self, now: datetime) -> Sequence[Limit]:
        """Return the limits that are in force."""
        limits = [
            Limit(scope, name, rate * self.share, self._get_planned(scope, name, now))
            for scope, rates in self._list_rates(now).items()
            for name, rate in rates.items()
        ]
        limits += [
            Limit(
                "refusals",
                f"{recipient} through {provider}",
                slowdown.pace.per_second,
                slowdown.pace.planned_until if slowdown.pace.planned_until > now else None,
                slowdown.reply,
            )
            for (provider, recipient), slowdown in sorted(self._slowdowns.items())
        ]
        return limits

    def _find_paces(self, way: Way, now: datetime) -> list[Pace]:
        policy = self.policy
        rates: list[tuple[Key, Rate | None]] = []
        if policy is not NO_POLICY:
            sender = policy.find_sender(way.sender)
            rates = [
                (("provider", way.provider), policy.provider_rates.get(way.provider)),
                (("recipient", way.recipient), policy.recipient_rates.get(way.recipient)),
                (("sender", way.sender), sender.rate if sender else None),
                (
                    ("warm_up", way.sender),
                    sender.warm_up.compute_rate(now) if sender and sender.warm_up else None,
                ),
            ]
        paces = [self._get_pace(key, rate, now) for key, rate in rates if rate is not None]
        slowdown = self._slowdowns.get((way.provider, way.recipient)) if self._slowdowns else None
        if slowdown is not None:
            paces.append(slowdown.pace)
        self._count_recent((way.provider, way.recipient), now)
        return paces

    def _get_pace(self, key: Key, rate: Rate, now: datetime) -> Pace:
        per_second = rate.compute_per_second() * self.share
        pace = self._paces.get(key)
        if pace is None:
            self._forget_idle(now)
            pace = self._paces[key] = Pace.start(per_second, now)
        pace.per_second = per_second
        return pace

    def _count_recent(self, key: Key, now: datetime) -> None:
        since, count = self._recent.get(key, (now, 0))
        if (now - since).total_seconds() > _RECENT_SECONDS:
            since, count = now, 0
        self._recent[key] = (since, count + 1)
        self._since_forgetting += 1
        if self._since_forgetting >= _FORGET_EVERY:
            self._since_forgetting = 0
            self._recent.clear()

    def _measure(self, key: Key, now: datetime) -> float:
        """Return about how many mails a second came lately."""
        since, count = self._recent.get(key, (now, 1))
        return count / max((now - since).total_seconds(), 1.0)

    def _forget_idle(self, now: datetime) -> None:
        if len(self._paces) % 100 == 99:
            self._paces = {key: pace for key, pace in self._paces.items() if not pace.is_idle(now)}

    def _get_planned(self, scope: str, name: str, now: datetime) -> datetime | None:
        pace = self._paces.get((scope, name))
        return pace.planned_until if pace is not None and pace.planned_until > now else None

    def _list_rates(self, now: datetime) -> Mapping[str, Mapping[str, float]]:
        policy = self.policy
        return {
            "provider": _to_numbers(policy.provider_rates.items()),
            "recipient": _to_numbers(policy.recipient_rates.items()),
            "sender": _to_numbers((sender.domain, sender.rate) for sender in policy.senders),
            "warm_up": _to_numbers(
                (sender.domain, sender.warm_up.compute_rate(now) if sender.warm_up else None)
                for sender in policy.senders
            ),
        }


def _to_numbers(rates: Iterable[tuple[str, Rate | None]]) -> Mapping[str, float]:
    return {name: rate.compute_per_second() for name, rate in rates if rate is not None}
