"""Trial conversion: two weeks from sign-up to a decision."""

from datetime import datetime

from hogsend import Contact, Context, days, hours, journey

TRIAL = days(14)


def format_day(instant: datetime) -> str:
    """Return a date as emails show it: `Thursday, 14 May`."""
    return f"{instant:%A}, {instant.day} {instant:%B}"


@journey(
    "trial-conversion",
    trigger="trial.started",
    exit_on=["plan.upgraded", "trial.cancelled", "user.deleted"],
    suppress=hours(12),
    list="product-updates",
)
async def trial_conversion(user: Contact, ctx: Context) -> None:
    """Accompanies a two-week trial; a purchase ends it immediately, even during a wait."""
    ends = await ctx.now(label="trial-started") + TRIAL
    await ctx.send("trial-welcome")

    await ctx.sleep(days(7), label="first-week")
    uses = await ctx.history.count("feature.used", since=days(7))
    await ctx.send("trial-progress", props={"uses": uses})

    await ctx.sleep_until(ends - days(3), label="before-the-end")
    await ctx.send("trial-ending", props={"ends_on": format_day(ends)})

    await ctx.sleep_until(ends + days(1), label="after-the-end")
    await ctx.send("trial-ended")
