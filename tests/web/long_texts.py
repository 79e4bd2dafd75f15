"""Adds rows with long texts to the sample data: a layout must not cut them at any width."""

from __future__ import annotations

from hogsend.domain.durations import minutes
from hogsend.process.runtime import Runtime
from hogsend.services import keys
from hogsend.services.actor import COMMAND_LINE
from hogsend.store import audit
from tests.web.product import WELCOME
from tests.web.sample_data import SampleData

EMAIL = "a.very.long.address.of.someone@subdomain.department.example.com"
EVENT = "subscription.payment_method.expired_soon"
SUBJECT = "Your workspace is nearly ready: invite your whole team today"
SENDS = {
    "skipped": "too_soon",
    "suppressed": "hard_bounce",
    "failed": "SMTPRecipientRefused: 550 5.1.1 The account that you tried to reach does not exist.",
    "queued": None,
    "cancelled": "enrollment_ended",
}


async def add_long_texts(runtime: Runtime, sample: SampleData) -> None:
    """Store a contact, events, emails, keys and audit entries with long texts.

    Args:
        runtime: where they are stored.
        sample: the sample data; gets the ids `long`, `long event`, `long key` and, for each status
            of `SENDS`, the id `long STATUS mail`.
    """
    addition = SampleData(runtime.clock, sample.ids)  # type: ignore[arg-type]
    _add_contact(addition)
    now = runtime.clock.now()
    for who, action, subject in (
        (EMAIL, "subscribe", f"/contacts/{sample.ids['ada']}"),
        ("cli", "create sign-in link", EMAIL),
    ):
        state = {"list": "product-updates", "subscribed": True}
        addition.writes.append(audit.record(who, action, subject, now, before=state, after=state))
    async with runtime.database.transaction() as transaction:
        await transaction.apply(addition.writes)
    key, _ = await keys.create_key(
        runtime,
        COMMAND_LINE,
        name="Production backend of the shop",
        scopes=["ingest", "read", "journey-admin"],
    )
    sample.ids["long key"] = key.id
    await keys.create_key(
        runtime,
        COMMAND_LINE,
        name="web",
        scopes=["ingest-public"],
        origins=["https://shop.example.com", "https://www.example.com"],
    )


def _add_contact(sample: SampleData) -> None:
    contact = sample.person(
        "long",
        minutes(1),
        user_id="user_" + "9" * 40,
        email=EMAIL,
        properties={"name": "Maximiliane Alexandra von Hohenstein-Oberhausen", "plan": "pro"},
    )
    enrollment_id = sample.ids["activation-welcome/Ada Lovelace"]
    enrolled = {"journeyId": WELCOME.id, "stateId": str(enrollment_id)}
    refused = {"journeyId": "payment-recovery", "outcome": "skipped", "reason": "already_entered"}
    event = sample.event(
        contact,
        EVENT,
        minutes(1),
        properties={"nested": {"list": [1, 2, 3]}, "a_long_property_name": "value " * 12},
        source="dashboard",
        decisions={
            "enrollments": [{**enrolled, "outcome": "enrolled"}, refused],
            "exits": [{**enrolled, "exited": True}],
            "waits": [enrolled],
        },
    )
    sample.ids["long event"] = event.id
    for number, (status, reason) in enumerate(SENDS.items()):
        send = sample.send(
            contact,
            "activation-with-a-long-name",
            minutes(10 + number),
            status,
            reason=reason,
            subject=SUBJECT if number % 2 else "",
            journey_id=WELCOME.id,
            enrollment_id=enrollment_id,
        )
        sample.ids[f"long {status} mail"] = send.id
