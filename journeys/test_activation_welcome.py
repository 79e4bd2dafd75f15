"""Activation: who gets which email after sign-up."""

from hogsend import days
from hogsend.testing import play
from journeys.activation_welcome import activation_welcome


async def test_inactive_users_are_nudged_after_two_days_and_then_shown_the_plans() -> None:
    async with play(activation_welcome) as world:
        ada = await world.contact("ada@example.com", name="Ada")
        await world.emit(ada, "user.created")
        assert world.mailbox.templates(ada) == ["activation-welcome"]

        await world.advance(days(2))
        assert world.mailbox.templates(ada) == ["activation-welcome", "activation-nudge"]

        await world.advance(days(7))
        assert world.mailbox.templates(ada)[2:] == ["activation-plans"]
        assert world.enrollment(ada).state == "completed"


async def test_active_users_are_not_nudged_and_paying_users_get_no_offer() -> None:
    async with play(activation_welcome) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "user.created")
        await world.emit(ada, "feature.used")
        # During the first wait; the second wait looks back to it.
        await world.advance(days(1))
        await world.emit(ada, "plan.upgraded")

        await world.advance(days(30))
        assert world.mailbox.templates(ada) == ["activation-welcome"]
        assert world.enrollment(ada).state == "completed"


async def test_deleted_users_get_nothing_more() -> None:
    async with play(activation_welcome) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "user.created")
        gone = await world.emit(ada, "user.deleted")

        assert gone.exited == ("activation-welcome",)
        await world.advance(days(30))
        assert world.mailbox.templates(ada) == ["activation-welcome"]
