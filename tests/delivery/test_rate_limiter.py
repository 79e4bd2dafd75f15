"""No more mails a second than a setting says, evenly, however many are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.rate_limiter import RateLimiter
from tests.site import open_site, until

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def count_begun(limiter: RateLimiter, seconds: float, step: float, wanted: int = 64) -> int:
    """Begin as many mails as may be, at every step of some seconds; return how many."""
    count = 0
    for number in range(round(seconds / step)):
        room = limiter.compute_room(NOW + timedelta(seconds=number * step), wanted)
        limiter.record_begun(room)
        count += room
    return count


def test_without_a_rate_there_is_always_room() -> None:
    limiter = RateLimiter(0)
    assert limiter.compute_room(NOW, 64) == 64
    limiter.record_begun(64)
    assert limiter.compute_room(NOW, 64) == 64 and limiter.wait == 0


@pytest.mark.parametrize("rate", [0.5, 1, 7, 50, 400])
def test_a_minute_has_as_many_mails_as_the_rate_allows(rate: float) -> None:
    assert count_begun(RateLimiter(rate), 60, 0.01) == pytest.approx(60 * rate, rel=0.02, abs=1)


def test_unused_capacity_is_not_saved_up() -> None:
    limiter = RateLimiter(100)
    limiter.compute_room(NOW, 64)
    later = NOW + timedelta(hours=8)
    assert limiter.compute_room(later, 64) == 10
    limiter.record_begun(10)
    assert limiter.compute_room(later, 64) == 0 and limiter.wait == pytest.approx(0.1)


def test_no_more_mails_begin_than_are_wanted() -> None:
    assert RateLimiter(1000).compute_room(NOW, 3) == 3


def test_a_clock_that_was_set_back_stops_nothing() -> None:
    limiter = RateLimiter(10)
    limiter.record_begun(limiter.compute_room(NOW, 64))
    back = NOW - timedelta(days=1)
    assert limiter.compute_room(back, 64) == 0
    assert limiter.compute_room(back + timedelta(seconds=0.1), 64) == 1


async def test_mails_leave_at_the_rate_of_the_setting(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_site(tmp_path, clock, SEND_RATE="2") as site:
        for user in ("ada", "bo", "cy"):
            await site.event("user.created", user)

        async def count_sent() -> int:
            return len(await site.sends("sent"))

        async def is_first_sent() -> bool:
            return len(await site.sends()) == 3 and await count_sent() == 1

        await until(site.runtime.change_feed, is_first_sent)
        for count in (2, 3):
            clock.set(clock.now() + timedelta(seconds=0.5))

            async def is_next_sent(count: int = count) -> bool:
                return await count_sent() == count

            await until(site.runtime.change_feed, is_next_sent)
