"""A small product for tests of the dashboard: its journeys, contacts and emails."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hogsend.clock import ManualClock
from hogsend.domain.conditions import prop
from hogsend.domain.durations import days, hours, minutes
from hogsend.domain.enrollment import Wait
from hogsend.domain.event import on
from hogsend.domain.journal import Step
from hogsend.domain.journey import Entry, Journey, MailList
from hogsend.ingest import IngestRules
from hogsend.store import consents, counters, events, journeys
from hogsend.store.consents import ListDecision
from hogsend.store.db import Database, Write
from hogsend.store.events import Refusal
from tests.web.sample_data import SampleData

SOURCE = '''\
async def activation_welcome(user: Contact, ctx: Context) -> None:
    """Three mails in a week; stops when the account goes away."""
    await ctx.send("activation-welcome")
    await ctx.sleep(days(2), label="post-welcome")
    if not await ctx.history.has_event("feature.used"):
        await ctx.send("activation-nudge", subject="You haven't tried the key feature yet")
    else:
        await ctx.send("feature-highlight")
    upgraded = await ctx.wait_for("plan.upgraded", timeout=days(7))
    if upgraded:
        return
    await ctx.send("activation-offer")
'''

LISTS = {
    "journey": MailList("journey", "Tips and updates", "How to get the most out of it."),
    "product-updates": MailList("product-updates", "Product updates", "What is new, once a month."),
    "receipts": MailList(
        "receipts", "Receipts", "Invoices and payment notices.", transactional=True
    ),
}

WELCOME = Journey(
    id="activation-welcome",
    name="Activation welcome",
    description="Three mails in a week; stops when the account goes away.",
    trigger=on("user.created", where=prop("plan") == "pro"),
    entry=Entry("once"),
    exit_on=(on("user.deleted"),),
    suppress=hours(12),
    list_id="product-updates",
    code_hash="7c1e42aa90b1",
    file="activation_welcome.py",
    line=14,
    source=SOURCE,
)
RECOVERY = Journey(
    id="payment-recovery",
    name="Payment recovery",
    description="Asks for a new card, kindly, until the invoice is paid.",
    trigger=on("invoice.payment_failed"),
    entry=Entry("once_per_period", days(7)),
    exit_on=(on("invoice.paid"),),
    list_id="receipts",
    code_hash="a90b17c1e42a",
    file="payment_recovery.py",
    line=9,
    source='async def payment_recovery(user, ctx):\n    await ctx.send("payment-failed")\n',
)
JOURNEYS = {journey.id: journey for journey in (WELCOME, RECOVERY)}


def add_ada(sample: SampleData) -> None:
    """Add Ada, who waits for an upgrade; one mail was sent to her and one was refused."""
    now = sample.clock.now()
    contact = sample.person(
        "ada",
        days(2),
        user_id="user_1815",
        email="ada@example.com",
        properties={"name": "Ada Lovelace", "plan": "pro", "timezone": "Europe/London", "seats": 4},
    )
    enrollment_id = sample.id("activation-welcome/Ada Lovelace", now - days(2))
    trigger = sample.event(
        contact,
        "user.created",
        days(2),
        properties={"plan": "pro", "source": "signup"},
        decisions={
            "enrollments": [
                {
                    "journeyId": "activation-welcome",
                    "outcome": "enrolled",
                    "stateId": str(enrollment_id),
                },
                {
                    "journeyId": "payment-recovery",
                    "outcome": "skipped",
                    "reason": "where_not_met",
                },
            ],
            "exits": [],
        },
    )
    sample.ids["event"] = trigger.id
    welcome = sample.send(
        contact,
        "activation-welcome",
        days(2) - minutes(1),
        "sent",
        subject="Welcome, Ada",
        enrollment_id=enrollment_id,
        journey_id=WELCOME.id,
        step_key="send:activation-welcome",
        sent_at=now - days(2) + timedelta(seconds=4),
        handed_at=now - days(2) + timedelta(seconds=3),
        opened_at=now - days(2) + minutes(29),
        clicked_at=now - days(2) + minutes(30),
        provider="inbox",
        attempts=[
            {"at": (now - days(2)).isoformat(), "outcome": "accepted", "reply": "250 2.0.0 Ok"}
        ],
    )
    sample.ids["welcome mail"] = welcome.id
    sample.hit(welcome, "open", "human", days(2) - minutes(29), None)
    sample.hit(welcome, "click", "human", days(2) - minutes(30), "https://example.com/invite")
    sample.hit(welcome, "open", "machine", days(2) - minutes(1), None)
    nudge = sample.send(
        contact,
        "activation-nudge",
        minutes(20),
        "skipped",
        reason="unsubscribed_from_everything",
        enrollment_id=enrollment_id,
        journey_id=WELCOME.id,
        step_key="send:activation-nudge",
    )
    until, slept = now + days(7) - minutes(20), now
    sleep = Step("sleep:post-welcome", "sleep", "post-welcome", detail={"until": slept.isoformat()})
    wait = {"until": until.isoformat(), "events": ["plan.upgraded"]}
    sample.enroll(
        contact,
        WELCOME,
        trigger,
        ago=days(2),
        state="waiting",
        sends=1,
        wake_at=until,
        wait=Wait("wait:plan.upgraded", until, (on("plan.upgraded"),)),
        turns=[
            (
                days(2),
                "waiting",
                [
                    Step(
                        "send:activation-welcome",
                        "send",
                        "activation-welcome",
                        {"status": "queued", "sendId": str(welcome.id)},
                    ),
                    replace(sleep, waiting=True),
                ],
                None,
            ),
            (
                minutes(20),
                "waiting",
                [
                    sleep,
                    Step("has_event:feature.used", "has_event", "feature.used", answer=False),
                    Step(
                        "send:activation-nudge",
                        "send",
                        "activation-nudge",
                        {
                            "status": "skipped",
                            "reason": "unsubscribed_from_everything",
                            "sendId": str(nudge.id),
                        },
                    ),
                    Step("wait:plan.upgraded", "wait", "plan.upgraded", detail=wait, waiting=True),
                ],
                None,
            ),
        ],
    )
    sample.writes.append(
        consents.record_decisions(
            [ListDecision(contact.id, "*", False, "recipient", welcome.id)], now - hours(3)
        )
    )
    sample.event(contact, "email.link_clicked", days(2) - minutes(30), seq=2, source="recipient")
    sample.event(
        contact,
        "contact.unsubscribed",
        hours(3),
        seq=3,
        source="recipient",
        properties={"scope": "all", "lists": {"*": False}, "sendId": str(welcome.id)},
    )


def add_grace(sample: SampleData) -> None:
    """Add Grace, whose enrollment failed because of an error in the code."""
    contact = sample.person(
        "grace",
        days(1),
        user_id="user_1906",
        email="grace@example.com",
        properties={"plan": "team"},
    )
    trigger = sample.event(contact, "invoice.payment_failed", hours(5), properties={"amount": 4900})
    error = (
        "Traceback (most recent call last):\n"
        '  File "journeys/payment_recovery.py", line 21, in payment_recovery\n'
        "    url = ctx.event.properties['invoice_url']\n"
        "          ~~~~~~~~~~~~~~~~~~~~^^^^^^^^^^^^^^^\n"
        "KeyError: 'invoice_url'\n"
    )
    sample.enroll(
        contact,
        RECOVERY,
        trigger,
        ago=hours(5),
        state="failed",
        error=error,
        end_reason="failed",
        ended_at=sample.clock.now() - hours(2),
        turns=[(hours(5), "retrying", [], error), (hours(2), "failed", [], error)],
    )
    doubt = sample.send(
        contact,
        "payment-failed",
        hours(4),
        "in_doubt",
        subject="Your card was declined",
        reason="the connection was lost after the final dot",
        journey_id=RECOVERY.id,
        list_id="receipts",
        provider="smtp",
        attempts=[
            {
                "at": sample.clock.now().isoformat(),
                "outcome": "in_doubt",
                "reply": "connection lost",
            }
        ],
    )
    sample.ids["doubtful mail"] = doubt.id


def add_crowd(sample: SampleData, size: int = 60) -> None:
    """Add many more contacts, most of them in a sleep."""
    now = sample.clock.now()
    names = (
        "Jorge L. Borges",
        "李 小龍",
        "Chimamanda Adichie",
        "Björk Guðmundsdóttir",
        "Alan Turing",
    )
    for n in range(size):
        ago = hours(3 + n)
        contact = sample.person(
            f"crowd {n}",
            ago,
            user_id=f"user_{3000 + n}",
            email=f"person{n}@example.com",
            properties={"name": f"{names[n % 5]} {n // 5 or ''}".strip(), "plan": "pro"},
        )
        trigger = sample.event(contact, "user.created", ago, properties={"plan": "pro"})
        wake = now - ago + days(2)
        asleep = wake > now
        sleep = Step(
            "sleep:post-welcome",
            "sleep",
            "post-welcome",
            detail={"until": wake.isoformat()},
            waiting=True,
        )
        ending = {"state": "completed", "ended_at": now - minutes(n)}
        waiting = {
            "state": "waiting",
            "wake_at": wake,
            "wait": Wait("sleep:post-welcome", wake),
        }
        sample.enroll(
            contact,
            WELCOME,
            trigger,
            ago=ago,
            sends=1,
            turns=[(ago, "waiting", [sleep], None)],
            **(waiting if asleep else ending),
        )
        sample.send(
            contact,
            "activation-welcome",
            ago - minutes(1),
            "sent",
            subject=f"Welcome, {names[n % 5].split()[0]}",
            journey_id=WELCOME.id,
            sent_at=now - ago,
            provider="inbox",
        )


def add_counters(sample: SampleData) -> None:
    """Add the counters of two weeks."""
    today = counters.to_day(sample.clock.now())
    daily = (31, 40, 52, 48, 20, 17, 58, 61, 60, 71, 66, 28, 22, 74)
    for n, sent in enumerate(daily):
        day = today - 13 + n
        pairs = {
            "sends/sent": sent,
            "sends/skipped": sent // 9,
            "sends/suppressed": sent // 30,
            "opens/human": sent * 2 // 5,
            "opens/machine": sent // 4,
            "clicks/human": sent // 14,
            "unsubscribes": n % 3,
            "events": sent * 12,
            "entered/activation-welcome": sent // 2,
            "ended/activation-welcome/completed": sent // 3,
            "refused/activation-welcome/where_not_met": sent // 2,
            "refused/activation-welcome/already_entered": sent // 5,
        }
        rows = [(name, day, value) for name, value in pairs.items() if value]
        sample.writes.append(Write("INSERT INTO counters (name, day, value) VALUES (?,?,?)", rows))
    gauges = {
        "contacts": 62,
        "state/activation-welcome/waiting": 46,
        "state/activation-welcome/completed": 15,
        "state/payment-recovery/failed": 1,
        "waiting/activation-welcome/sleep:post-welcome": 45,
        "waiting/activation-welcome/wait:plan.upgraded": 1,
    }
    rows = [(name, 0, value) for name, value in gauges.items()]
    sample.writes.append(Write("INSERT INTO counters (name, day, value) VALUES (?,?,?)", rows))


async def load(database: Database, clock: ManualClock) -> SampleData:
    """Store the sample data in a database."""
    sample = SampleData(clock)
    now = clock.now()
    sample.writes.extend(journeys.record_code([WELCOME, RECOVERY], [], now - days(30)))
    add_crowd(sample)
    add_grace(sample)
    add_ada(sample)
    stranger = sample.person("stranger", minutes(4), anonymous_id="anon_77")
    seen = sample.event(stranger, "page.viewed", minutes(4), properties={"path": "/pricing"})
    sample.writes.append(
        events.insert_refusals(
            [Refusal(sample.new(now), "activation-welcome", "where_not_met", stranger.id, seen.id)],
            now,
        )
    )
    add_counters(sample)
    async with database.transaction() as transaction:
        await transaction.apply(sample.writes)
    return sample


def rules() -> IngestRules:
    """Return the rules for the product's events."""
    return IngestRules(journeys=JOURNEYS, lists=LISTS)
