"""Win-back: a reason to return, and a graceful end when there is none."""

from hogsend import days
from hogsend.testing import play
from journeys.win_back import win_back


async def test_inactive_users_get_a_goodbye() -> None:
    async with play(win_back) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "user.inactive")
        await world.advance(days(10))
        assert world.mailbox.templates(ada) == ["win-back-hello", "win-back-goodbye"]


async def test_users_who_come_back_get_no_goodbye() -> None:
    async with play(win_back) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "user.inactive")
        await world.advance(days(4))
        await world.emit(ada, "feature.used")
        await world.advance(days(30))
        assert world.mailbox.templates(ada) == ["win-back-hello"]


async def test_unsubscribed_users_get_nothing_more() -> None:
    async with play(win_back) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "user.inactive")
        await world.unsubscribe(ada, list="tips")
        await world.advance(days(30))
        assert world.mailbox.templates(ada) == ["win-back-hello"]
        assert world.enrollment(ada).reason == "unsubscribed from the list"


async def test_each_variant_has_its_own_subject() -> None:
    async with play(win_back) as world:
        subjects: list[str] = []
        for arm in ("plain", "question"):
            world.choose("subject", arm)
            person = await world.contact(f"{arm}@example.com")
            await world.emit(person, "user.inactive")
            subjects.append(world.mailbox.mails(person)[0].subject)
        assert subjects[0] != subjects[1] == "Could we show you what has changed?"
