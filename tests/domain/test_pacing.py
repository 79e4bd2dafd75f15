"""Mails leave no faster than a rate, in the order in which they came."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hogsend import FrequencyCap, Rate, Sender, SendingPolicy, WarmUp
from hogsend.delivery.governor import Governor, Way
from hogsend.domain.pacing import MAX_RATE, Pace, Slowdown

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WAY = Way("smtp", "example.com", "gmail.com")


def test_a_backlog_leaves_spread_evenly_and_in_order():
    governor = Governor()
    governor.policy = SendingPolicy(provider_rates={"smtp": Rate(6, timedelta(minutes=1))})
    places = [governor.find_time(WAY, NOW) for _ in range(5)]
    assert places[0] == NOW
    assert [later - earlier for earlier, later in pairwise(places[1:])] == [10 * SECOND] * 3
    # At its place a mail leaves, and one that comes meanwhile leaves after all the others.
    assert governor.find_time(WAY, places[1], is_back=True) == places[1]
    assert governor.find_time(WAY, places[1]) > places[-1]


def test_an_urgent_mail_does_not_wait_for_a_backlog():
    governor = Governor()
    governor.policy = SendingPolicy(provider_rates={"smtp": Rate(1, SECOND)})
    for _ in range(100):
        governor.find_time(WAY, NOW)
    assert governor.find_time(WAY, NOW + SECOND, is_urgent=True) <= NOW + 2 * SECOND


def test_mails_that_come_back_or_are_urgent_keep_the_rate_too():
    for is_urgent in (True, False):
        governor = Governor()
        governor.policy = SendingPolicy(provider_rates={"smtp": Rate(2, SECOND)})
        places = [
            governor.find_time(WAY, NOW, is_urgent=is_urgent, is_back=not is_urgent)
            for _ in range(20)
        ]
        assert len(set(places)) == 20
        assert places[-1] - NOW >= 9 * SECOND


def test_what_another_domain_or_sender_gets_is_not_slowed():
    governor = Governor()
    governor.policy = SendingPolicy(recipient_rates={"gmail.com": Rate(1, SECOND)})
    governor.find_time(WAY, NOW)
    assert governor.find_time(WAY, NOW) > NOW
    assert governor.find_time(Way("smtp", "example.com", "web.de"), NOW) == NOW


def test_the_backlog_of_a_slow_domain_does_not_hold_up_others_of_the_provider():
    governor = Governor()
    governor.policy = SendingPolicy(
        provider_rates={"smtp": Rate(100, SECOND)},
        recipient_rates={"gmail.com": Rate(1, timedelta(hours=1))},
    )
    for _ in range(50):
        governor.find_time(WAY, NOW)
    later = NOW + SECOND
    assert governor.find_time(Way("smtp", "example.com", "web.de"), later) == later


def test_a_warm_up_spreads_the_mails_of_a_day():
    governor = Governor()
    plan = WarmUp(date(2026, 3, 2), first_day=24)
    governor.policy = SendingPolicy(senders=[Sender("example.com", warm_up=plan)])
    governor.find_time(WAY, NOW)
    first, second = (governor.find_time(WAY, NOW) for _ in range(2))
    assert second - first == timedelta(hours=1)
    assert governor.find_time(WAY, NOW + timedelta(days=60), is_back=True) == NOW + timedelta(
        days=60
    )


def test_several_workers_share_a_rate():
    governor = Governor(share=0.5)
    governor.policy = SendingPolicy(provider_rates={"smtp": Rate(2, SECOND)})
    governor.find_time(WAY, NOW)
    first, second = (governor.find_time(WAY, NOW) for _ in range(2))
    assert second - first == SECOND


def test_a_refusal_for_speed_halves_the_rate_which_rises_again():
    governor = Governor()
    for _ in range(20):
        assert governor.find_time(WAY, NOW) == NOW
    governor.record_throttled(WAY, "421 slow down", NOW)
    [limit] = governor.list_limits(NOW)
    assert (limit.scope, limit.per_second, limit.reply) == ("refusals", 10.0, "421 slow down")
    governor.record_throttled(WAY, "421 slow down", NOW + 20 * SECOND)
    assert governor.list_limits(NOW)[0].per_second == 5.0
    later = NOW
    for _ in range(20):
        later += timedelta(minutes=2)
        governor.record_accepted(WAY, later)
    assert governor.list_limits(later) == []


def test_a_slowdown_never_stops_mail_altogether():
    slowdown = Slowdown.start(0.0, "429", NOW)
    for minute in range(60):
        slowdown.slow_down("429", NOW + timedelta(minutes=minute))
    assert slowdown.pace.interval <= timedelta(seconds=31)
    assert slowdown.pace.per_second < MAX_RATE


def test_without_limits_every_mail_leaves_at_once():
    governor = Governor()
    governor.policy = SendingPolicy(frequency_cap=FrequencyCap(1, SECOND))
    assert {governor.find_time(WAY, NOW) for _ in range(1_000)} == {NOW}


def test_idle_paces_are_forgotten():
    pace = Pace.start(1.0, NOW)
    pace.take(NOW)
    assert not pace.is_idle(NOW)
    assert pace.is_idle(NOW + 2 * SECOND)
