"""Feedback: one question, one reminder, and an answer that fits the answer."""

from hogsend import days
from hogsend.testing import play
from journeys.feedback import feedback


async def test_the_silent_are_asked_once_and_reminded_once() -> None:
    async with play(feedback) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "order.completed", order_id="A-1")
        await world.advance(days(30))

        assert world.mailbox.templates(ada) == ["feedback-ask", "feedback-reminder"]
        again = await world.emit(ada, "order.completed", order_id="A-2")
        assert again.refused == {"feedback": "too_soon"}


async def test_an_unhappy_answer_is_thanked_for_and_reported_at_once() -> None:
    async with play(feedback) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "order.completed", order_id="A-1")
        await world.advance(days(3))
        await world.emit(ada, "feedback.given", score=2)

        assert world.mailbox.templates(ada) == ["feedback-ask", "feedback-thanks"]
        (unhappy,) = world.events(ada, "feedback.unhappy")
        assert unhappy.properties == {"score": 2, "order": "A-1"}


async def test_a_refund_before_the_question_ends_it() -> None:
    async with play(feedback) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "order.completed")
        await world.emit(ada, "order.refunded")
        await world.advance(days(30))
        assert world.mailbox.templates(ada) == []
