"""The schedule of retries for mails that the provider did not accept."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST_PAUSE = timedelta(seconds=30)
MAX_PAUSE = timedelta(hours=2)
# RFC 5321 §4.5.4.1 recommends at least four to five days.
GIVE_UP_AFTER = timedelta(days=4)


def compute_retry_time(
    failures: int,
    began_at: datetime,
    now: datetime,
    chance: float,
    give_up_after: timedelta = GIVE_UP_AFTER,
) -> datetime | None:
    """Return the instant of the next retry; None when it is time to give up.

    Args:
        failures: how many attempts have failed so far, at least 1.
        began_at: when the mail was tried for the first time.
        now: the current time.
        chance: a random number from 0 up to 1, which spreads retries of mails that failed together.
        give_up_after: for how long a mail is tried again.
    """
    if now - began_at >= give_up_after:
        return None
    pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 16), MAX_PAUSE)
    return now + pause * (0.75 + chance / 2)


def describe_period(period: timedelta) -> str:
    """Return `four days` or `24 hours`, for people to read."""
    hours = round(period.total_seconds() / 3600)
    if period == GIVE_UP_AFTER:
        return "four days"
    if hours >= 48 and hours % 24 == 0:
        return f"{hours // 24} days"
    return "an hour" if hours == 1 else f"{hours} hours"
