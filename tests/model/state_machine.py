"""The Hypothesis state machine: applies each rule to system and model, and compares them."""

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
from hogsend.services.bulk_actions import replay_missed_triggers
from tests.actors import operator_named

from . import generators
from .comparison import compare, compare_result, find_enrollment
from .generators import IDS, JOURNEYS, plans
from .journey_plans import JourneyPlan
from .model_turn import run_turn
from .model_values import ExpectedResult, ModelEnrollment, SubmittedEvent
from .reference_model import ReferenceModel
from .system_under_test import START, SystemUnderTest

YEAR = timedelta(days=366)
TICK = timedelta(seconds=1)
ACTIONS: tuple[ActionName, ...] = ("wake", "continue", "restart", "exit", "retry")


class HogsendStateMachine(RuleBasedStateMachine):
    """The rules, in any order; a subclass gives the database."""

    fresh: Callable[[], tuple[str, Path]]

    def __init__(self) -> None:
        super().__init__()
        self.system = SystemUnderTest(*type(self).fresh())
        self.model = ReferenceModel(START, self.system.lots)
        self.files: dict[str, JourneyPlan] = {}
        self.is_sending = True
        self.submitted: list[SubmittedEvent] = []

    # -- time ---------------------------------------------------------------------------------

    def _set(self, duration: timedelta) -> None:
        self.model.now += duration
        self.system.clock.set(self.model.now)

    def _settle(self) -> None:
        """Run what is due, turns in the order in which the engine ran them."""
        played = self.system.settle()
        rows = self.system.run(self.system.world.all_enrollments())
        for one in played:
            enrollment = find_enrollment(self.model, one, rows)
            if enrollment is not None and enrollment in self.model.due:
                run_turn(self.model, enrollment)
        assert not self.model.due, f"not played: {self.model.due}"
        if self.is_sending:
            self.system.deliver()
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
        enrollments = [
            s.wake for s in self.model.enrollments if s.state in ("active", "waiting") and s.wake
        ]
        mails = [m.due for m in self.model.mails if m.status == "queued" and m.due]
        later = [at for at in enrollments + mails if at > self.model.now]
        if later:
            self._set(min(later) - self.model.now)

    @rule(hours=st.sampled_from([1, 30]))
    def the_clock_is_set_back(self, hours: int) -> None:
        self._set(-timedelta(hours=hours))
        self._settle()

    # -- events -------------------------------------------------------------------------------

    @rule(event=generators.incoming_events(), pause=generators.pauses)
    def somebody_acts(self, event: SubmittedEvent, pause: timedelta) -> None:
        """An event comes; what is due by then has not been played yet."""
        self._set(pause)
        self._submit([event])

    @rule(
        several=st.lists(
            st.tuples(generators.incoming_events(), generators.pauses), min_size=2, max_size=5
        )
    )
    def some_days_pass(self, several: list[tuple[SubmittedEvent, timedelta]]) -> None:
        for event, pause in several:
            self._submit([event])
            self._set(pause)
            self._settle()

    @rule(event=generators.incoming_events())
    def somebody_acts_at_a_deadline(self, event: SubmittedEvent) -> None:
        self._set_to_next()
        self._submit([event], tick=timedelta())

    @rule(several=st.lists(generators.incoming_events(), min_size=2, max_size=5))
    def many_act_at_once(self, several: list[SubmittedEvent]) -> None:
        self._submit(several)

    @rule(which=st.integers(0, 7), pause=generators.pauses, at_once=st.booleans())
    def what_is_awaited_comes(self, which: int, pause: timedelta, at_once: bool) -> None:
        """It comes in time or late, and the turn of one that is over has not been played yet."""
        waiting = [s for s in self.model.enrollments if s.is_live and s.wait and s.wait.rules]
        if waiting:
            enrollment = waiting[-1 - which % len(waiting)]
            assert enrollment.wait is not None
            one = generators.matching_event(
                enrollment.person.survivor,
                enrollment.wait.rules[which % len(enrollment.wait.rules)],
            )
            if not at_once:
                self._set_to_next()
            self._set(pause)
            self._submit([one])

    @rule(which=st.integers(0, 7))
    def what_ends_it_comes(self, which: int) -> None:
        """It comes whether the person is still in the journey or not."""
        ending = [s for s in self.model.enrollments if self.model.seen[s.journey].exit_on]
        if ending:
            enrollment = ending[-1 - which % len(ending)]
            rules = self.model.seen[enrollment.journey].exit_on
            self._submit(
                [generators.matching_event(enrollment.person.survivor, rules[which % len(rules)])]
            )

    @rule(which=st.integers(0, 5), other=st.booleans())
    def a_key_is_repeated(self, which: int, other: bool) -> None:
        if self.submitted:
            event = self.submitted[-1 - which % len(self.submitted)]
            self._submit([replace(event, digest=b"other") if other else event])

    def _submit(self, several: list[SubmittedEvent], tick: timedelta = TICK) -> None:
        self._set(tick)
        keyed = [event if event.key else self._keyed(event) for event in several]
        found = self.system.submit(keyed)
        expected = [
            self.model.submit(event, result.contact_id)
            for event, result in zip(keyed, found, strict=True)
        ]
        for one, other in zip(expected, found, strict=True):
            self._answered(one, other)
        self._settle()

    def _keyed(self, event: SubmittedEvent) -> SubmittedEvent:
        self.submitted.append(replace(event, key=f"key-{len(self.submitted)}"))
        return self.submitted[-1]

    def _answered(self, expected: ExpectedResult, found: IngestResult) -> None:
        compare_result(self.model, expected, found)

    @rule(address=st.sampled_from(["e1@x.io", "e2@x.io", "boss@x.io"]))
    def an_address_is_suppressed(self, address: str) -> None:
        self.system.run(self.system.world.suppress(address))
        self.model.suppressed.add(address)

    # -- code ---------------------------------------------------------------------------------

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.is_sending = data.draw(st.booleans())
        for journey in JOURNEYS:
            self._write(data.draw(plans(journey)))
        self._load(restart=False)
        for event in data.draw(st.lists(generators.incoming_events(), max_size=5)):
            self._submit([event])

    @rule(plan=plans(), restart=st.booleans())
    def code_is_written(self, plan: JourneyPlan, restart: bool) -> None:
        self._write(plan)
        self._load(restart)

    @rule(data=st.data(), restart=st.booleans(), times=st.integers(0, 8))
    def code_changes(self, data: st.DataObject, restart: bool, times: int) -> None:
        """The code of a journey changes, mostly of one that somebody waits in."""
        waiting = {s.journey for s in self.model.enrollments if s.state in ("active", "waiting")}
        journeys = sorted(waiting & set(self.files)) or sorted(self.files)
        if journeys:
            journey = data.draw(st.sampled_from(journeys))
            self._write(data.draw(generators.edited_plans(self.files[journey])))
            self._load(restart)
            self.what_is_next_is_due(times)

    @rule(
        journey=st.sampled_from(IDS),
        several=st.lists(generators.incoming_events(), min_size=1, max_size=4),
        restart=st.booleans(),
        ends=st.booleans(),
    )
    def code_is_broken_for_a_while(
        self, journey: str, several: list[SubmittedEvent], restart: bool, ends: bool
    ) -> None:
        """Triggers are missed meanwhile, and replayed."""
        if journey in self.files:
            plan = self.files.pop(journey)
            self.system.write(plan, broken=True)
            self._load(restart)
            for event in several:
                self._submit([event])
            if ends and plan.exit_on:
                last = self.model.events[-1].person.survivor
                self._submit([generators.matching_event(last, plan.exit_on[-1])])
            self._write(plan)
            self._load(restart)
            self.missed_triggers_are_replayed(journey)

    @rule(journey=st.sampled_from(IDS), broken=st.booleans(), restart=st.booleans())
    def code_is_lost(self, journey: str, broken: bool, restart: bool) -> None:
        if journey in self.files:
            plan = self.files.pop(journey)
            if broken:
                self.system.write(plan, broken=True)
            else:
                self.system.world.remove(journey)
        self._load(restart)

    def _write(self, plan: JourneyPlan) -> None:
        self.files[plan.id] = plan
        self.system.write(plan)

    def _load(self, restart: bool) -> None:
        if restart:
            self.system.restart()
        else:
            self.system.load()
        self.model.use(self.files)
        self._settle()

    @rule(hours=st.sampled_from([0, 30]))
    def the_machine_is_off(self, hours: int) -> None:
        self.system.close()
        self._set(timedelta(hours=hours))
        self.system.open()
        self._settle()

    # -- operators ----------------------------------------------------------------------------

    @rule(journey=st.sampled_from(IDS))
    def a_journey_is_switched(self, journey: str) -> None:
        on = journey in self.model.off
        self.system.run(self.system.world.switch(journey, on))
        self.model.off ^= {journey}

    @rule(act=st.sampled_from(ACTIONS), which=st.integers(0, 7))
    def an_operator_acts(self, act: ActionName, which: int) -> None:
        wanted = {"continue": "drifted", "restart": "drifted", "retry": "failed"}
        fitting = [
            enrollment
            for enrollment in self.model.enrollments
            if (enrollment.state == wanted[act] if act in wanted else enrollment.is_live)
        ]
        chosen = fitting or self.model.enrollments
        if chosen:
            self._order(act, chosen[-1 - which % len(chosen)])
            self._settle()

    @rule(act=st.sampled_from(["continue", "continue", "restart"]), which=st.integers(0, 7))
    def who_is_stuck_is_helped(self, act: ActionName, which: int) -> None:
        stuck = [s for s in self.model.enrollments if s.state in ("drifted", "failed")]
        if stuck:
            enrollment = stuck[-1 - which % len(stuck)]
            self._order("retry" if enrollment.state == "failed" else act, enrollment)
            self._settle()

    def _order(self, act: ActionName, enrollment: ModelEnrollment) -> None:
        assert enrollment.id is not None
        after = self.model.order(act, enrollment)
        found: UUID | None = self.system.order(act, enrollment.id)
        assert (found is None) == (after is None), f"{act}: {found}, expected {after}"
        if after is not None and after.id is None:
            after.id = found

    @rule(journey=st.sampled_from(IDS))
    def missed_triggers_are_replayed(self, journey: str) -> None:
        if journey in self.model.code:
            self.system.run(
                replay_missed_triggers(self.system.world.runtime, operator_named("op"), journey)
            )
            self.model.replay(journey)
            self._settle()

    @rule()
    def mail_is_held_or_let_go(self) -> None:
        self.is_sending = not self.is_sending
        self._settle()

    # -- what must be the same ----------------------------------------------------------------

    @invariant()
    def both_are_the_same(self) -> None:
        compare(self.model, self.system)

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self._let_a_year_pass()
        finally:
            self.system.end()

    def _let_a_year_pass(self) -> None:
        """Everything that can end has ended."""
        self.is_sending = True
        for _ in range(12):
            self._set(YEAR / 12)
            self._settle()
        compare(self.model, self.system)
        self.system.run(self._counts())

    async def _counts(self) -> None:
        world = self.system.world
        assert await world.counter_drift() == {}
