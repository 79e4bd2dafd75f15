"""Win-back: a reason to return, and a graceful end when there is none."""

from hogsend import Contact, Context, days, journey, once_per

SUBJECTS = {
    "plain": None,
    "question": "Could we show you what has changed?",
}


@journey(
    "win-back",
    trigger="user.inactive",
    entry=once_per(days(90)),
    exit_on=["plan.upgraded", "user.deleted"],
    list="tips",
)
async def win_back(user: Contact, ctx: Context) -> None:
    """Tells inactive users what is new, with an A/B test of the subject."""
    arm = await ctx.variant("subject", {"plain": 1, "question": 1})
    await ctx.send("win-back-hello", subject=SUBJECTS[arm])

    if await ctx.wait_for("feature.used", timeout=days(10), label="return"):
        await ctx.checkpoint("came-back")
        return

    if not await ctx.is_subscribed(list="tips"):
        await ctx.exit("unsubscribed from the list")

    await ctx.send("win-back-goodbye")
