"""The sending policy says which provider takes a mail, and how fast a sender may mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hogsend import FrequencyCap, MailRoute, Rate, Sender, SendingPolicy, WarmUp

DAY = timedelta(days=1)


def test_the_first_route_that_matches_a_mail_takes_it():
    policy = SendingPolicy(
        routes=[
            MailRoute("bulk", lists=["news"], recipients=["gmail.com"]),
            MailRoute("ours", senders=["news.example.com"]),
            MailRoute("rest"),
        ]
    )

    def find(list_id: str, sender: str, recipient: str) -> str:
        route = policy.find_route(list_id, sender, recipient)
        assert route is not None
        return route.order(0)[0]

    assert find("news", "example.com", "gmail.com") == "bulk"
    assert find("news", "example.com", "web.de") == "rest"
    assert find("news", "news.example.com", "web.de") == "ours"
    assert SendingPolicy().find_route("news", "example.com", "web.de") is None


def test_weights_share_the_mails_and_failover_follows_in_its_order():
    route = MailRoute({"a": 3, "b": 1}, failover=["c", "a"])
    orders = Counter(tuple(route.order(number)) for number in range(400))
    assert orders == {("a", "c"): 300, ("b", "c", "a"): 100}


def test_a_warm_up_grows_day_by_day_and_ends():
    plan = WarmUp(date(2026, 3, 1), first_day=50, growth=2, until=300)

    def compute(day: int) -> int | None:
        now = datetime(2026, 3, 1, 12, tzinfo=UTC) + day * DAY
        rate = plan.compute_rate(now)
        return rate.mails if rate else None

    assert [compute(day) for day in (-9, 0, 1, 2, 3, 100_000)] == [50, 50, 100, 200, None, None]


@pytest.mark.parametrize(
    "build",
    [
        lambda: Rate(0, DAY),
        lambda: Rate(5, timedelta(milliseconds=1)),
        lambda: Rate(5, 2 * DAY),
        lambda: WarmUp(date(2026, 3, 1), growth=1),
        lambda: WarmUp(date(2026, 3, 1), first_day=10, until=9),
        lambda: Sender("not a domain"),
        lambda: Sender("Example.com"),
        lambda: MailRoute({}),
        lambda: MailRoute({"a": 0}),
        lambda: MailRoute("a b"),
        lambda: FrequencyCap(0, DAY),
        lambda: FrequencyCap(3, timedelta(days=91)),
        lambda: FrequencyCap(3, DAY, then="drop"),  # type: ignore[arg-type]
        lambda: SendingPolicy(senders=[Sender("example.com"), Sender("example.com")]),
        lambda: SendingPolicy(quiet_hours=("21:00", "25:00")),
        lambda: SendingPolicy(quiet_hours=("21:00", "21:00")),
        lambda: SendingPolicy(max_bounce_rate=0),
        lambda: SendingPolicy(max_complaint_rate=2),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(build: Callable[[], Any]):
    with pytest.raises(ValueError, match=r"\w"):
        build()
