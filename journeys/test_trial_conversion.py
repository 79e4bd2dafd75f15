"""Trial conversion: four emails that fit the trial, and an end at the purchase."""

from hogsend import days
from hogsend.testing import play
from journeys.trial_conversion import trial_conversion


async def test_a_trial_gets_four_emails_that_fit_its_use() -> None:
    async with play(trial_conversion) as world:
        ada = await world.contact("ada@example.com", name="Ada")
        await world.emit(ada, "trial.started")
        for _ in range(3):
            await world.advance(days(2))
            await world.emit(ada, "feature.used")
        await world.advance(days(30))

        welcome, progress, ending, ended = world.mailbox.mails(ada)
        assert welcome.template == "trial-welcome"
        assert progress.subject == "Halfway through: here is what you have built"
        assert (progress.sent_at - welcome.sent_at).days == 7
        assert ending.subject == "Your trial ends on Tuesday, 17 March"
        assert (ended.template, ended.sent_at) == ("trial-ended", welcome.sent_at + days(15))


async def test_a_purchase_ends_the_journey_during_a_wait() -> None:
    async with play(trial_conversion) as world:
        ada = await world.contact("ada@example.com")
        await world.emit(ada, "trial.started")
        await world.advance(days(3))
        assert world.enrollment(ada).waiting_for == "first-week"

        await world.emit(ada, "plan.upgraded", plan="team")
        await world.advance(days(30))
        assert world.mailbox.templates(ada) == ["trial-welcome"]
        assert world.enrollment(ada).reason == "exit_on plan.upgraded"
