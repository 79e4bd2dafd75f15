"""The testing kit: the real engine in memory, with a clock that the test moves.

    from hogsend import days
    from hogsend.testing import play

    from journeys.activation_welcome import activation_welcome


    async def test_the_quiet_are_nudged_after_two_days():
        async with play(activation_welcome) as world:
            ada = await world.contact("ada@example.com", plan="pro")
            await world.emit(ada, "user.created")
            await world.advance(days(2))
            assert world.mailbox.templates(ada) == ["activation-welcome", "activation-nudge"]

A year of waiting takes milliseconds. docs/testing.md is the guide.
"""

from .mailbox import Mail, Mailbox
from .person import Person
from .playing import play
from .views import Decisions, Place
from .world import World

__all__ = ["Decisions", "Mail", "Mailbox", "Person", "Place", "World", "play"]
