"""Activation: from sign-up to the first result, and on to a paid plan."""

from hogsend import Contact, Context, days, hours, journey


@journey(
    "activation-welcome",
    trigger="user.created",
    exit_on=["user.deleted"],
    suppress=hours(12),
    list="product-updates",
)
async def activation_welcome(user: Contact, ctx: Context) -> None:
    """Welcomes new users, nudges inactive ones, and shows the plans to those on the free plan."""
    started = await ctx.now(label="started")
    await ctx.send("activation-welcome")
    await ctx.sleep(days(2), label="post-welcome")

    if not await ctx.history.has_event("feature.used"):
        await ctx.send("activation-nudge")

    # Looks back to the start, so that an upgrade during the sleep counts as well.
    upgraded = await ctx.wait_for("plan.upgraded", timeout=days(7), since=started)
    if not upgraded:
        await ctx.send("activation-plans")
