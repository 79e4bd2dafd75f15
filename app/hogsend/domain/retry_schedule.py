"""The schedule of retries for mails that the provider did not accept."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST_PAUSE = timedelta(seconds=30)
MAX_PAUSE = timedelta(hours=2)
# RFC 5321 §4.5.4.1 recommends at least four to five days.
GIVE_UP_AFTER = timedelta(days=4)


def compute_retry_time(
    failures: int, created_at: datetime, now: datetime, chance: float
) -> datetime | None:
    """Return the instant of the next retry; None when it is time to give up.

    Args:
        failures: how many attempts have failed so far, at least 1.
        created_at: when the mail was queued.
        now: the current time.
        chance: a random number from 0 up to 1, which spreads retries of mails that failed together.
    """
    if now - created_at >= GIVE_UP_AFTER:
        return None
    pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 16), MAX_PAUSE)
    return now + pause * (0.75 + chance / 2)
