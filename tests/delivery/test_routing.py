"""Which of several providers takes a mail, and what happens when it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.outcomes import PACED
from hogsend.delivery.providers.port import InDoubt, ProviderStopped, TryLater
from hogsend.delivery.providers.provider_set import ProviderSet
from hogsend.delivery.providers.smtp_replies import build_error
from hogsend.domain.provider_choice import choose_provider
from hogsend.domain.send_policy import Send
from hogsend.domain.sending_policy import MailRoute, SendingPolicy
from tests.delivery.mailer_harness import (
    MailerHarness,
    ScriptedProvider,
    accept,
    break_off,
    create_mailer,
    open_harness,
    refuse,
)

Open = Callable[..., AbstractAsyncContextManager[MailerHarness]]
FAILOVER = SendingPolicy(routes=[MailRoute("first", failover=["second"])])


def make_providers(*names: str) -> dict[str, ScriptedProvider]:
    return {name: ScriptedProvider() for name in names}


@pytest.fixture
def open_mailer(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> Open:
    """Opens a mailer with several providers."""
    return partial(open_harness, tmp_path, clock, sqlite_url)


@pytest.fixture
async def failover(open_mailer: Open) -> AsyncIterator[MailerHarness]:
    """A mailer with a provider that takes over from another."""
    providers = make_providers("first", "second")
    async with open_mailer(providers=providers, policy=FAILOVER) as harness:
        yield harness


def count_accepted(harness: MailerHarness) -> dict[str, int]:
    return {name: len(provider.accepted) for name, provider in harness.providers.items()}


async def test_mail_is_routed_by_its_list_its_recipient_and_its_sender(open_mailer: Open) -> None:
    policy = SendingPolicy(
        routes=[
            MailRoute("list", lists=["news"], recipients=["example.com"]),
            MailRoute("recipient", recipients=["example.net"]),
            MailRoute("sender", senders=["example.org"]),
        ]
    )
    providers = make_providers("rest", "list", "recipient", "sender")
    async with open_mailer(
        providers=providers, policy=policy, FROM="Hogsend <hello@example.org>"
    ) as harness:
        for user, address, name in (
            ("ada", "ada@example.com", "list"),
            ("bo", "bo@example.net", "recipient"),
            ("cy", "cy@example.edu", "sender"),
        ):
            send_id = await harness.queue(user, to_email=address, address=address)
            row = await harness.wait_for_status(send_id, "sent")
            assert row.provider == name
        harness.mailer.use_policy(SendingPolicy(routes=[MailRoute("list", senders=["x.org"])]))
        send_id = await harness.queue("dee")
        assert (await harness.wait_for_status(send_id, "sent")).provider == "rest"


def test_weights_divide_mails_and_a_mail_keeps_its_provider() -> None:
    policy = SendingPolicy(routes=[MailRoute({"first": 3, "second": 1})])

    def choose(number: int) -> str:
        return choose_provider(
            policy,
            ("first", "second"),
            make_send(number),
            sender="a.org",
            recipient="b.org",
            is_stopped=lambda _: False,
        )

    chosen = [choose(number) for number in range(400)]

    assert Counter(chosen) == {"first": 300, "second": 100}
    assert chosen == [choose(number) for number in range(400)]


def make_send(number: int) -> Send:
    return Send(
        id=UUID(int=number),
        contact_id=UUID(int=1),
        template="hello",
        list_id="news",
        status="queued",
        created_at=datetime(2026, 3, 2, tzinfo=UTC),
    )


async def test_the_mail_of_a_provider_that_stopped_goes_to_the_next_at_once(
    failover: MailerHarness,
) -> None:
    first = failover.providers["first"]
    first.script.append(refuse(ProviderStopped("401 wrong key")))

    rows = [
        await failover.wait_for_status(await failover.queue(user), "sent") for user in ("ada", "bo")
    ]

    assert [row.provider for row in rows] == ["second", "second"]
    assert first.calls == 1 and "wrong key" in (failover.mailer.provider_problem or "")

    # After its pause it is asked again, and gets its mail back.
    await failover.pass_time(timedelta(minutes=1))
    row = await failover.wait_for_status(await failover.queue("cy"), "sent")
    assert row.provider == "first" and failover.mailer.provider_problem is None


async def test_a_mail_that_is_refused_for_now_goes_to_the_next_provider(
    failover: MailerHarness,
) -> None:
    failover.script(refuse(TryLater("451 later")))
    send_id = await failover.queue()
    row = await failover.wait_for_status(send_id, "queued", tries=1)
    assert row.due_at is not None

    await failover.pass_time(row.due_at - failover.site.clock.now())

    assert (await failover.wait_for_status(send_id, "sent")).provider == "second"
    assert count_accepted(failover) == {"first": 0, "second": 1}


async def test_a_mail_in_doubt_is_never_given_to_another_provider(failover: MailerHarness) -> None:
    failover.script(break_off(InDoubt("no answer")))

    row = await failover.wait_for_status(await failover.queue(), "in_doubt")
    await failover.pass_time(timedelta(days=1))
    await failover.wait_for_status(await failover.queue("bo"), "sent")

    assert (row.provider, (await failover.row(row.id)).status) == ("first", "in_doubt")
    assert count_accepted(failover) == {"first": 1, "second": 0}


async def test_a_repeat_waits_for_its_own_provider_and_has_the_same_content(
    failover: MailerHarness,
) -> None:
    first = failover.providers["first"]
    first.idempotency_window = timedelta(hours=1)
    offered: list[bytes] = []

    async def lose(message, before_handoff):  # type: ignore[no-untyped-def]
        offered.append(message.mime_bytes)
        await before_handoff()
        raise InDoubt("no answer")

    failover.script(lose, refuse(ProviderStopped("401 wrong key")), accept)
    send_id = await failover.queue()
    await failover.wait_for_status(send_id, "queued", tries=1)
    await failover.pass_time(timedelta(minutes=1))
    row = await failover.wait_for_status(await failover.queue("bo"), "sent")
    assert row.provider == "second" and (await failover.row(send_id)).status == "queued"

    await failover.pass_time(timedelta(minutes=1))

    assert (await failover.wait_for_status(send_id, "sent")).provider == "first"
    assert [message.mime_bytes for message in first.accepted] == offered
    assert count_accepted(failover) == {"first": 1, "second": 1}


async def test_without_a_next_provider_a_mail_waits_for_its_own(open_mailer: Open) -> None:
    policy = SendingPolicy(routes=[MailRoute("second", recipients=["example.com"])])
    providers = make_providers("first", "second")
    async with open_mailer(providers=providers, policy=policy) as harness:
        providers["second"].script.append(refuse(ProviderStopped("401 wrong key")))
        send_id = await harness.queue()
        elsewhere: dict[str, Any] = {"address": "bo@example.net", "to_email": "bo@example.net"}
        await harness.wait_for_status(await harness.queue("bo", **elsewhere), "sent")
        assert (await harness.row(send_id)).status == "queued"

        await harness.pass_time(timedelta(minutes=2))

        assert (await harness.wait_for_status(send_id, "sent")).provider == "second"
        assert count_accepted(harness) == {"first": 1, "second": 1}


async def test_the_doubt_of_a_provider_that_was_removed_stays(failover: MailerHarness) -> None:
    failover.providers["first"].idempotency_window = timedelta(hours=1)
    failover.script(break_off(InDoubt("no answer")))
    send_id = await failover.queue()
    await failover.wait_for_status(send_id, "queued", tries=1)
    await failover.mailer.close(0.0)
    second = failover.providers["second"]
    mailer = create_mailer(failover.site, ProviderSet({"second": second}))
    mailer.use_policy(FAILOVER)
    failover.mailer = mailer
    await mailer.recover()
    await failover.pass_time(timedelta(minutes=1))

    await mailer._begin_due()  # type: ignore[attr-defined]

    row = await failover.wait_for_status(send_id, "in_doubt")
    assert row.provider == "first" and second.calls == 0


@pytest.mark.parametrize(
    "error",
    [
        TryLater("429 too fast", throttled=True),
        build_error(421, "4.7.28 an unusual rate of mail", "content"),
    ],
    ids=["429", "421"],
)
async def test_mail_that_comes_too_fast_slows_down_mail_of_that_way_only(
    failover: MailerHarness, error: TryLater
) -> None:
    failover.script(refuse(error))
    await failover.wait_for_status(await failover.queue("ada"), "queued", tries=1)
    await failover.wait_for_status(await failover.queue("bo"), "sent")

    slow = await failover.queue("cy")
    other = await failover.queue("dee", address="dee@example.net", to_email="dee@example.net")

    await failover.wait_for_status(other, "sent")
    row = await failover.wait_for_status(slow, "queued")
    assert row.reason == PACED and row.due_at is not None
    assert row.due_at > failover.site.clock.now()
    await failover.pass_time(row.due_at - failover.site.clock.now())
    await failover.wait_for_status(slow, "sent")
