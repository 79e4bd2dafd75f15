"""Stops the mail of a sender when too much of it bounces or is reported as spam."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from ..clock import Clock
from ..domain.breaches import SenderFigures, decide_stop
from ..domain.ids import new_id
from ..domain.sending_policy import NO_POLICY, SendingPolicy
from ..store import counters, sending_stops
from ..store.change_feed import ChangeFeed
from ..store.counters import to_day
from ..store.db import Database
from ..store.sending_stops import SendingStop

log = logging.getLogger("hogsend.mail")

_STATUSES = ("sent", "bounced", "complained")


class BreachCheck:
    """Checks senders whose mails bounced.

    Args:
        database: holds the counts and the stops.
        clock: the source of the current time.
        changes: notified when mail stops.
        get_policy: returns the sending policy; None when it cannot be used.
        on_stop: is called when mail stops.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        changes: ChangeFeed,
        get_policy: Callable[[], SendingPolicy | None],
        on_stop: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes
        self._get_policy = get_policy
        self._on_stop = on_stop

    async def __call__(self, senders: frozenset[str]) -> None:
        """Stop the mail of each sender whose shares are too high. Never raises."""
        try:
            for sender in sorted(filter(None, senders)):
                await self._check(sender)
        except Exception:
            log.exception("the bounce rates of senders could not be checked; trying again later")

    async def _check(self, sender: str) -> None:
        now = self._clock.now()
        policy = self._get_policy() or NO_POLICY
        stops = await self._database.read_one(sending_stops.find_by_name("sender", sender))
        since = _find_first_day(stops, now)
        if since is None:
            return
        names = {
            status: counters.name_delivery_total("sender", sender, status) for status in _STATUSES
        }
        totals = await self._database.read_one(
            counters.find_totals_since(list(names.values()), since)
        )
        figures = SenderFigures(*(totals.get(names[status], 0) for status in _STATUSES))
        reason = decide_stop(policy, figures)
        if reason is None:
            return
        stop = SendingStop(new_id(now), "sender", sender, reason, now)
        async with self._database.transaction() as tx:
            active = await tx.fetch_one(sending_stops.find_active())
            if any((other.scope, other.name) == ("sender", sender) for other in active):
                return
            await tx.apply([sending_stops.insert(stop)])
        log.error("mail from %s is stopped: %s", sender, reason)
        self._changes.publish("sends")
        await self._on_stop()


def _find_first_day(stops: list[SendingStop], now: datetime) -> int | None:
    """Return the first day that counts: today or yesterday, but after the last stop ended.

    None while the mail is stopped already, and on the day on which an operator let it leave again.
    """
    first = to_day(now) - 1
    if not stops:
        return first
    if stops[0].ended_at is None:
        return None
    first = max(first, to_day(stops[0].ended_at) + 1)
    return first if first <= to_day(now) else None
