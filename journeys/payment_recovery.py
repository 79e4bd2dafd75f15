"""Payment recovery: a failed charge, friendly and firm, until the money is there."""

from collections.abc import Mapping
from typing import Any

from hogsend import Contact, Context, days, journey


def bill_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return what the mails say of a bill: its amount and number, where the event had them.

    Args:
        properties: of `payment.failed`: `amount` in whole units, `currency`, `invoice_id`.
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
    """Three notices in a week; the payment ends it, whichever wait it comes in."""
    bill = bill_of(ctx.event.properties)
    await ctx.send("payment-failed", props=bill)

    new_card = await ctx.wait_for("payment_method.updated", timeout=days(3), label="new-card")
    if new_card:
        # The new card is charged within a day, and `payment.succeeded` then ends the journey.
        await ctx.sleep(days(1), label="charge-of-the-new-card")

    await ctx.send("payment-reminder", props=bill)
    await ctx.sleep(days(4), label="four-more-days")
    await ctx.send("payment-final", props=bill)

    await ctx.sleep(days(1), label="last-day")
    await ctx.trigger("payment.unrecovered", {"invoice_id": bill.get("invoice", "")})
