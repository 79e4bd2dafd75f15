"""Payment recovery: three notices, until the bill is paid."""

from typing import Any

from hogsend import days
from hogsend.testing import play
from journeys.payment_recovery import payment_recovery

BILL: dict[str, Any] = {"amount": 1249, "currency": "EUR", "invoice_id": "2026-0142"}


async def test_an_unpaid_bill_gets_three_notices_and_is_reported() -> None:
    async with play(payment_recovery) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "payment.failed", **BILL)
        await world.advance(days(10))

        assert world.mailbox.templates(ada) == [
            "payment-failed",
            "payment-reminder",
            "payment-final",
        ]
        assert "1,249.00 EUR" in world.mailbox.mails(ada)[0].text
        (lost,) = world.events(ada, "payment.unrecovered")
        assert lost.properties == {"invoice_id": "2026-0142"}


async def test_a_payment_ends_the_journey_during_any_wait() -> None:
    async with play(payment_recovery) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "payment.failed", **BILL)
        await world.advance(days(1))
        await world.emit(ada, "payment_method.updated")
        assert world.enrollment(ada).waiting_for == "charge-of-the-new-card"

        paid = await world.emit(ada, "payment.succeeded")
        assert paid.exited == ("payment-recovery",)
        await world.advance(days(30))
        assert world.mailbox.templates(ada) == ["payment-failed"]


async def test_unsubscribed_contacts_still_get_billing_emails() -> None:
    async with play(payment_recovery) as world:
        ada = await world.contact("ada@example.com")
        await world.unsubscribe(ada)
        await world.emit(ada, "payment.failed", **BILL)
        assert world.mailbox.templates(ada) == ["payment-failed"]
