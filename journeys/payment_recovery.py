"""Payment recovery: friendly and firm reminders after a failed charge, until it is paid."""

from collections.abc import Mapping
from typing import Any

from hogsend import Contact, Context, days, journey


def bill_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return the props of the emails: the amount and the invoice number, if the event has them.

    Args:
        properties: those of `payment.failed`: `amount` in whole units, `currency`, `invoice_id`.
    """
    bill: dict[str, str] = {}
    amount, currency = properties.get("amount"), properties.get("currency", "")
    if isinstance(amount, int | float):
        bill["amount"] = f"{amount:,.2f} {currency}".strip()
    if properties.get("invoice_id"):
        bill["invoice"] = str(properties["invoice_id"])
    return bill


@journey(
    "payment-recovery",
    trigger="payment.failed",
    entry="unlimited",
    exit_on=["payment.succeeded", "subscription.cancelled", "user.deleted"],
    list="billing",
)
async def payment_recovery(user: Contact, ctx: Context) -> None:
    """Sends three notices within a week; a payment ends it during any of the waits."""
    bill = bill_of(ctx.event.properties)
    await ctx.send("payment-failed", props=bill)

    new_card = await ctx.wait_for("payment_method.updated", timeout=days(3), label="new-card")
    if new_card:
        # The new card is charged within a day; `payment.succeeded` then ends the journey.
        await ctx.sleep(days(1), label="charge-of-the-new-card")

    await ctx.send("payment-reminder", props=bill)
    await ctx.sleep(days(4), label="four-more-days")
    await ctx.send("payment-final", props=bill)

    await ctx.sleep(days(1), label="last-day")
    await ctx.trigger("payment.unrecovered", {"invoice_id": bill.get("invoice", "")})
