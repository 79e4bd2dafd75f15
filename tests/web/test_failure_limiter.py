"""Callers who fail too often have to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hogsend.web.failure_limiter import FailureLimiter

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MANY = 10_000


def failing(limiter: FailureLimiter, caller: str, times: int) -> None:
    for _ in range(times):
        limiter.record(caller, NOW)


def test_a_caller_waits_after_too_many_failures() -> None:
    limiter = FailureLimiter(3, MINUTE)
    failing(limiter, "ada", 2)
    assert limiter.seconds_to_wait("ada", NOW) == 0
    failing(limiter, "ada", 1)
    assert limiter.seconds_to_wait("ada", NOW) == 61
    assert limiter.seconds_to_wait("bo", NOW) == 0


def test_a_failure_counts_for_the_window_only() -> None:
    limiter = FailureLimiter(2, MINUTE)
    limiter.record("ada", NOW)
    limiter.record("ada", NOW + timedelta(seconds=50))
    assert limiter.seconds_to_wait("ada", NOW + timedelta(seconds=59)) == 2
    assert limiter.seconds_to_wait("ada", NOW + MINUTE) == 0
    limiter.record("ada", NOW + MINUTE)
    assert limiter.seconds_to_wait("ada", NOW + MINUTE) > 0


def test_a_success_clears_the_failures() -> None:
    limiter = FailureLimiter(1, MINUTE)
    failing(limiter, "ada", 1)
    limiter.forget("ada")
    assert limiter.seconds_to_wait("ada", NOW) == 0
    limiter.forget("nobody")


def test_a_failure_that_was_not_the_callers_is_taken_back() -> None:
    limiter = FailureLimiter(2, MINUTE)
    failing(limiter, "ada", 2)
    limiter.withdraw("ada")
    assert limiter.seconds_to_wait("ada", NOW) == 0
    failing(limiter, "ada", 1)
    assert limiter.seconds_to_wait("ada", NOW) > 0
    limiter.withdraw("nobody")


def test_many_other_callers_do_not_free_one_that_must_wait() -> None:
    limiter = FailureLimiter(2, MINUTE)
    failing(limiter, "ada", 2)
    for number in range(MANY):
        limiter.record(str(number), NOW)
    assert limiter.seconds_to_wait("ada", NOW) > 0
    assert count_callers(limiter) <= MANY


def test_the_memory_for_callers_is_bounded() -> None:
    limiter = FailureLimiter(1, MINUTE)
    for number in range(MANY + 100):
        limiter.record(str(number), NOW + timedelta(microseconds=number))
    assert count_callers(limiter) <= MANY
    # Nobody is forgotten, so that nobody new can be counted: they wait, too.
    for number in (0, MANY - 1, MANY + 50):
        assert 0 < limiter.seconds_to_wait(str(number), NOW + timedelta(seconds=30)) <= 31
    later = NOW + timedelta(seconds=61)
    assert limiter.seconds_to_wait("0", later) == 0
    limiter.record("somebody new", later)
    assert limiter.seconds_to_wait("somebody new", later) > 0 and count_callers(limiter) == 1


def count_callers(limiter: FailureLimiter) -> int:
    return len(limiter._open) + len(limiter._full)
