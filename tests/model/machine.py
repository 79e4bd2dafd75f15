"""Lets anything happen to the real thing and to the model, and compares them after each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hogsend.domain.incoming import IngestResult
from hogsend.ingest.operator_action import ActionName
from hogsend.services.enrollments import replay_missed_triggers
from tests.actors import operator_named

from . import facts
from .comparing import compare, compare_answer, identify
from .facts import IDS, JOURNEYS, plans
from .model import Model
from .real import START, Real
from .scripts import Plan
from .things import Answer, Fact, Stay
from .turn import play

YEAR = timedelta(days=366)
TICK = timedelta(seconds=1)
ACTS: tuple[ActionName, ...] = ("wake", "continue", "restart", "exit", "retry")


class Machine(RuleBasedStateMachine):
    """What may happen, in any order; subclasses say on which kind of database."""

    fresh: Callable[[], tuple[str, Path]]

    def __init__(self) -> None:
        super().__init__()
        self.real = Real(*type(self).fresh())
        self.model = Model(START, self.real.lots)
        self.files: dict[str, Plan] = {}
        self.mail_goes = True
        self.told: list[Fact] = []

    # -- time ---------------------------------------------------------------------------------

    def _set(self, duration: timedelta) -> None:
        self.model.now += duration
        self.real.clock.set(self.model.now)

    def _settle(self) -> None:
        """Let turns and mails go, in the order in which the engine plays them."""
        played = self.real.settle()
        rows = self.real.run(self.real.world.all_enrollments())
        for one in played:
            stay = identify(self.model, one, rows)
            if stay is not None and stay in self.model.due:
                play(self.model, stay)
        assert not self.model.due, f"not played: {self.model.due}"
        if self.mail_goes:
            self.real.deliver()
            self.model.deliver()

    @rule(hours=st.sampled_from([0, 1, 5, 24, 72, 1000]))
    def time_passes(self, hours: int) -> None:
        self._set(timedelta(hours=hours))
        self._settle()

    @rule(times=st.integers(1, 8))
    def what_is_next_is_due(self, times: int) -> None:
        for _ in range(times):
            self._set_to_next()
            self._settle()

    def _set_to_next(self) -> None:
        stays = [s.wake for s in self.model.stays if s.state in ("active", "waiting") and s.wake]
        mails = [m.due for m in self.model.mails if m.status == "queued" and m.due]
        later = [at for at in stays + mails if at > self.model.now]
        if later:
            self._set(min(later) - self.model.now)

    @rule(hours=st.sampled_from([1, 30]))
    def the_clock_is_set_back(self, hours: int) -> None:
        self._set(-timedelta(hours=hours))
        self._settle()

    # -- facts --------------------------------------------------------------------------------

    @rule(fact=facts.facts(), pause=facts.pauses)
    def somebody_acts(self, fact: Fact, pause: timedelta) -> None:
        """An event comes; what is due by then has not been played yet."""
        self._set(pause)
        self._take([fact])

    @rule(several=st.lists(st.tuples(facts.facts(), facts.pauses), min_size=2, max_size=5))
    def some_days_pass(self, several: list[tuple[Fact, timedelta]]) -> None:
        for fact, pause in several:
            self._take([fact])
            self._set(pause)
            self._settle()

    @rule(fact=facts.facts())
    def somebody_acts_at_a_deadline(self, fact: Fact) -> None:
        self._set_to_next()
        self._take([fact], tick=timedelta())

    @rule(several=st.lists(facts.facts(), min_size=2, max_size=5))
    def many_act_at_once(self, several: list[Fact]) -> None:
        self._take(several)

    @rule(which=st.integers(0, 7), pause=facts.pauses, at_once=st.booleans())
    def what_is_awaited_comes(self, which: int, pause: timedelta, at_once: bool) -> None:
        """It comes in time or late, and the turn of one that is over has not been played yet."""
        waiting = [s for s in self.model.stays if s.is_live and s.wait and s.wait.rules]
        if waiting:
            stay = waiting[-1 - which % len(waiting)]
            assert stay.wait is not None
            one = facts.fact_of(stay.person.home, stay.wait.rules[which % len(stay.wait.rules)])
            if not at_once:
                self._set_to_next()
            self._set(pause)
            self._take([one])

    @rule(which=st.integers(0, 7))
    def what_ends_it_comes(self, which: int) -> None:
        """It comes whether the person is still in the journey or not."""
        ending = [s for s in self.model.stays if self.model.seen[s.journey].exit_on]
        if ending:
            stay = ending[-1 - which % len(ending)]
            rules = self.model.seen[stay.journey].exit_on
            self._take([facts.fact_of(stay.person.home, rules[which % len(rules)])])

    @rule(which=st.integers(0, 5), other=st.booleans())
    def a_key_is_repeated(self, which: int, other: bool) -> None:
        if self.told:
            fact = self.told[-1 - which % len(self.told)]
            self._take([replace(fact, digest=b"other") if other else fact])

    def _take(self, several: list[Fact], tick: timedelta = TICK) -> None:
        self._set(tick)
        keyed = [fact if fact.key else self._keyed(fact) for fact in several]
        found = self.real.take(keyed)
        expected = [
            self.model.take(fact, one.contact_id) for fact, one in zip(keyed, found, strict=True)
        ]
        for one, other in zip(expected, found, strict=True):
            self._answered(one, other)
        self._settle()

    def _keyed(self, fact: Fact) -> Fact:
        self.told.append(replace(fact, key=f"key-{len(self.told)}"))
        return self.told[-1]

    def _answered(self, expected: Answer, found: IngestResult) -> None:
        compare_answer(self.model, expected, found)

    @rule(address=st.sampled_from(["e1@x.io", "e2@x.io", "boss@x.io"]))
    def an_address_is_suppressed(self, address: str) -> None:
        self.real.run(self.real.world.suppress(address))
        self.model.suppressed.add(address)

    # -- code ---------------------------------------------------------------------------------

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.mail_goes = data.draw(st.booleans())
        for journey in JOURNEYS:
            self._write(data.draw(plans(journey)))
        self._load(restart=False)
        for fact in data.draw(st.lists(facts.facts(), max_size=5)):
            self._take([fact])

    @rule(plan=plans(), restart=st.booleans())
    def code_is_written(self, plan: Plan, restart: bool) -> None:
        self._write(plan)
        self._load(restart)

    @rule(data=st.data(), restart=st.booleans(), times=st.integers(0, 8))
    def code_changes(self, data: st.DataObject, restart: bool, times: int) -> None:
        """The code of a journey changes, mostly of one that somebody waits in."""
        waiting = {s.journey for s in self.model.stays if s.state in ("active", "waiting")}
        journeys = sorted(waiting & set(self.files)) or sorted(self.files)
        if journeys:
            journey = data.draw(st.sampled_from(journeys))
            self._write(data.draw(facts.edited(self.files[journey])))
            self._load(restart)
            self.what_is_next_is_due(times)

    @rule(
        journey=st.sampled_from(IDS),
        several=st.lists(facts.facts(), min_size=1, max_size=4),
        restart=st.booleans(),
        ends=st.booleans(),
    )
    def code_is_broken_for_a_while(
        self, journey: str, several: list[Fact], restart: bool, ends: bool
    ) -> None:
        """Triggers are missed meanwhile, and replayed."""
        if journey in self.files:
            plan = self.files.pop(journey)
            self.real.write(plan, broken=True)
            self._load(restart)
            for fact in several:
                self._take([fact])
            if ends and plan.exit_on:
                last = self.model.events[-1].person.home
                self._take([facts.fact_of(last, plan.exit_on[-1])])
            self._write(plan)
            self._load(restart)
            self.missed_triggers_are_replayed(journey)

    @rule(journey=st.sampled_from(IDS), broken=st.booleans(), restart=st.booleans())
    def code_is_lost(self, journey: str, broken: bool, restart: bool) -> None:
        if journey in self.files:
            plan = self.files.pop(journey)
            if broken:
                self.real.write(plan, broken=True)
            else:
                self.real.world.remove(journey)
        self._load(restart)

    def _write(self, plan: Plan) -> None:
        self.files[plan.id] = plan
        self.real.write(plan)

    def _load(self, restart: bool) -> None:
        if restart:
            self.real.restart()
        else:
            self.real.load()
        self.model.use(self.files)
        self._settle()

    @rule(hours=st.sampled_from([0, 30]))
    def the_machine_is_off(self, hours: int) -> None:
        self.real.close()
        self._set(timedelta(hours=hours))
        self.real.open()
        self._settle()

    # -- operators ----------------------------------------------------------------------------

    @rule(journey=st.sampled_from(IDS))
    def a_journey_is_switched(self, journey: str) -> None:
        on = journey in self.model.off
        self.real.run(self.real.world.switch(journey, on))
        self.model.off ^= {journey}

    @rule(act=st.sampled_from(ACTS), which=st.integers(0, 7))
    def an_operator_acts(self, act: ActionName, which: int) -> None:
        wanted = {"continue": "drifted", "restart": "drifted", "retry": "failed"}
        fitting = [
            stay
            for stay in self.model.stays
            if (stay.state == wanted[act] if act in wanted else stay.is_live)
        ]
        chosen = fitting or self.model.stays
        if chosen:
            self._order(act, chosen[-1 - which % len(chosen)])
            self._settle()

    @rule(act=st.sampled_from(["continue", "continue", "restart"]), which=st.integers(0, 7))
    def who_is_stuck_is_helped(self, act: ActionName, which: int) -> None:
        stuck = [s for s in self.model.stays if s.state in ("drifted", "failed")]
        if stuck:
            stay = stuck[-1 - which % len(stuck)]
            self._order("retry" if stay.state == "failed" else act, stay)
            self._settle()

    def _order(self, act: ActionName, stay: Stay) -> None:
        assert stay.id is not None
        after = self.model.order(act, stay)
        found: UUID | None = self.real.order(act, stay.id)
        assert (found is None) == (after is None), f"{act}: {found}, expected {after}"
        if after is not None and after.id is None:
            after.id = found

    @rule(journey=st.sampled_from(IDS))
    def missed_triggers_are_replayed(self, journey: str) -> None:
        if journey in self.model.code:
            self.real.run(
                replay_missed_triggers(self.real.world.runtime, operator_named("op"), journey)
            )
            self.model.replay(journey)
            self._settle()

    @rule()
    def mail_is_held_or_let_go(self) -> None:
        self.mail_goes = not self.mail_goes
        self._settle()

    # -- what must be the same ----------------------------------------------------------------

    @invariant()
    def both_are_the_same(self) -> None:
        compare(self.model, self.real)

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self._let_a_year_pass()
        finally:
            self.real.end()

    def _let_a_year_pass(self) -> None:
        """Everything that can end has ended."""
        self.mail_goes = True
        for _ in range(12):
            self._set(YEAR / 12)
            self._settle()
        compare(self.model, self.real)
        self.real.run(self._counts())

    async def _counts(self) -> None:
        world = self.real.world
        assert await world.counter_drift() == {}
