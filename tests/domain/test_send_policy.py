"""Whether a mail may be sent to a contact: the first refusal wins."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hogsend import days, hours
from hogsend.domain.journey import MailList
from hogsend.domain.retry_schedule import GIVE_UP_AFTER, MAX_PAUSE, compute_retry_time
from hogsend.domain.send_policy import Consents, Queue, Refuse, SendFacts, decide_send

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NEWS = MailList("news", "News")
TRANSACTIONAL = MailList("receipts", "Receipts", transactional=True)
OPT_IN = MailList("opt-in", "Opt in", default_opt_in=False)
GAP = hours(12)

REFUSALS: list[tuple[Refuse, dict[str, Any]]] = [
    (Refuse("skipped", "no_address"), {"email": None}),
    (Refuse("skipped", "invalid_address"), {"email": "name+tag.@example.com"}),
    (Refuse("suppressed", "suppressed"), {"suppression": "hard_bounce"}),
    (Refuse("skipped", "unsubscribed_from_everything"), {"choices": {"*": False}}),
    (Refuse("skipped", "unsubscribed_from_list"), {"choices": {"news": False}}),
    (Refuse("skipped", "too_soon"), {"last_sent_at": NOW - GAP + timedelta(microseconds=1)}),
]


def decide(mail_list: MailList, **facts: Any) -> Queue | Refuse:
    choices = facts.pop("choices", {})
    known = {"email": "ada@example.com", **facts}
    return decide_send(mail_list, SendFacts(consents=Consents(choices), **known), gap=GAP, now=NOW)


def test_a_mail_without_a_reason_to_refuse_it_is_queued():
    assert decide(NEWS) == Queue()
    assert decide(NEWS, last_sent_at=NOW - GAP, choices={"news": True, "other": False}) == Queue()


@pytest.mark.parametrize(("refused", "facts"), REFUSALS)
def test_each_reason_refuses_a_mail(refused: Refuse, facts: dict[str, Any]):
    assert decide(NEWS, **facts) == refused


@pytest.mark.parametrize("pair", list(itertools.combinations(REFUSALS, 2)))
def test_the_first_of_two_reasons_counts(pair: Any):
    (first, first_facts), (_, second_facts) = pair
    choices = {**second_facts.get("choices", {}), **first_facts.get("choices", {})}
    assert decide(NEWS, **{**second_facts, **first_facts, "choices": choices}) == first


def test_transactional_mail_is_sent_to_a_contact_who_unsubscribed_from_everything():
    assert decide(TRANSACTIONAL, choices={"*": False, "receipts": False}) == Queue()
    assert decide(TRANSACTIONAL, suppression="complaint") == Refuse("suppressed", "suppressed")


@pytest.mark.parametrize(
    ("mail_list", "choices", "allowed"),
    [
        (NEWS, {}, True),
        (NEWS, {"*": True}, True),
        (NEWS, {"*": True, "news": False}, False),
        (NEWS, {"*": False, "news": True}, False),
        (OPT_IN, {}, False),
        (OPT_IN, {"opt-in": True}, True),
        (OPT_IN, {"*": True}, False),
    ],
)
def test_a_contact_without_a_choice_gets_the_default_of_the_list(
    mail_list: MailList, choices: dict[str, bool], allowed: bool
):
    assert Consents(choices).allows(mail_list) is allowed


def test_retries_are_spaced_further_apart_and_end_after_four_days():
    pauses = [compute_retry_time(n, NOW, NOW, 0.5) for n in range(1, 40)]
    waits = [at - NOW for at in pauses if at is not None]
    assert waits[:3] == [timedelta(seconds=s) for s in (30, 60, 120)]
    assert waits == sorted(waits)
    assert waits[-1] == MAX_PAUSE
    assert compute_retry_time(1, NOW, NOW + GIVE_UP_AFTER, 0.5) is None
    assert (
        compute_retry_time(1, NOW, NOW + GIVE_UP_AFTER - timedelta(microseconds=1), 0.5) is not None
    )


def test_sends_that_failed_together_are_not_retried_together():
    early, late = compute_retry_time(1, NOW, NOW, 0.0), compute_retry_time(1, NOW, NOW, 0.999)
    assert early is not None
    assert late is not None
    assert (late - early) > timedelta(seconds=10)
    assert late < NOW + days(1)
