"""Feedback: one question, one reminder, and a reply that fits the answer."""

from hogsend import days
from hogsend.testing import play
from journeys.feedback import feedback


async def test_without_an_answer_there_is_one_question_and_one_reminder() -> None:
    async with play(feedback) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "order.completed", order_id="A-1")
        await world.advance(days(30))

        assert world.mailbox.templates(ada) == ["feedback-ask", "feedback-reminder"]
        again = await world.emit(ada, "order.completed", order_id="A-2")
        assert again.refused == {"feedback": "too_soon"}


async def test_a_low_score_gets_thanks_and_is_reported_immediately() -> None:
    async with play(feedback) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "order.completed", order_id="A-1")
        await world.advance(days(3))
        await world.emit(ada, "feedback.given", score=2)

        assert world.mailbox.templates(ada) == ["feedback-ask", "feedback-thanks"]
        (unhappy,) = world.events(ada, "feedback.unhappy")
        assert unhappy.properties == {"score": 2, "order": "A-1"}


async def test_a_refund_before_the_question_ends_the_journey() -> None:
    async with play(feedback) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "order.completed")
        await world.emit(ada, "order.refunded")
        await world.advance(days(30))
        assert world.mailbox.templates(ada) == []
