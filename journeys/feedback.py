"""Feedback: one question after an order, and a reply that fits the answer."""

from typing import Any

from hogsend import Contact, Context, days, journey, on, once_per, prop

PROMOTER, DETRACTOR = 9, 6


def props_of(order: Any) -> dict[str, str]:
    """Return the props of the emails: the order number, if the event has one."""
    return {"order": str(order)} if order else {}


@journey(
    "feedback",
    trigger="order.completed",
    entry=once_per(days(180)),
    exit_on=["order.refunded", "user.deleted"],
    list="feedback",
)
async def feedback(user: Contact, ctx: Context) -> None:
    """Asks once, reminds once, and says thanks; a low score is reported immediately."""
    props = props_of(ctx.event.properties.get("order_id"))
    await ctx.sleep(days(3), label="after-delivery")
    await ctx.send("feedback-ask", props=props)

    feedback_given = on("feedback.given", where=prop("score").exists())
    answer = await ctx.wait_for(feedback_given, timeout=days(4), label="answer")
    if not answer:
        await ctx.send("feedback-reminder", props=props)
        answer = await ctx.wait_for(feedback_given, timeout=days(10), label="late-answer")

    if answer.event is None:
        return
    score = answer.event.properties.get("score")
    if not isinstance(score, int | float):
        return
    if score <= DETRACTOR:
        await ctx.trigger("feedback.unhappy", {"score": score, **props})
        await ctx.send("feedback-thanks", props={"happy": False})
    elif score >= PROMOTER:
        await ctx.send("feedback-thanks", props={"happy": True})
