"""Activation: from signing up to the first result, and on to a plan."""

from hogsend import Contact, Context, days, hours, journey


@journey(
    "activation-welcome",
    trigger="user.created",
    exit_on=["user.deleted"],
    suppress=hours(12),
    list="product-updates",
)
async def activation_welcome(user: Contact, ctx: Context) -> None:
    """Welcomes new people, nudges the quiet ones, and shows the plans to those who stay free."""
    started = await ctx.now(label="started")
    await ctx.send("activation-welcome")
    await ctx.sleep(days(2), label="post-welcome")

    if not await ctx.history.has_event("feature.used"):
        await ctx.send("activation-nudge")

    # Looks back to the start: who upgraded while this slept gets no offer either.
    upgraded = await ctx.wait_for("plan.upgraded", timeout=days(7), since=started)
    if not upgraded:
        await ctx.send("activation-plans")
