"""The Hypothesis state machine: applies each rule to the system and the model, and compares."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hogsend.domain.incoming import IngestResult
from hogsend.ingest.operator_action import ActionName
from hogsend.services.bulk_actions import replay_missed_triggers
from hogsend.services.merging import unmerge_contact
from tests.actors import operator_named

from . import generators
from .comparison import compare, compare_result, find_enrollment
from .generators import IDS, JOURNEYS, plans
from .journey_plans import JourneyPlan
from .model_merge import list_undoable, merge, undo
from .model_turn import run_turn
from .model_values import ExpectedResult, ModelEnrollment, SubmittedEvent
from .reference_model import ReferenceModel
from .system_under_test import START, SystemUnderTest

YEAR = timedelta(days=366)
TICK = timedelta(seconds=1)
ACTIONS: tuple[ActionName, ...] = ("wake", "continue", "restart", "exit", "retry")


class HogsendStateMachine(RuleBasedStateMachine):
    """Applies the rules in any order; a subclass sets `create_database`."""

    @staticmethod
    def create_database() -> tuple[str, Path]:
        """Return the URL of an empty database, and a data folder."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.system = SystemUnderTest(*type(self).create_database())
        self.model = ReferenceModel(START, self.system.holdouts, merge)
        self.files: dict[str, JourneyPlan] = {}
        self.is_sending = True
        self.submitted: list[SubmittedEvent] = []

    # -- time ---------------------------------------------------------------------------------

    def _advance(self, duration: timedelta) -> None:
        self.model.now += duration
        self.system.clock.set(self.model.now)

    def _run_due_work(self) -> None:
        """Run all due work; the model runs the turns in the order of the system."""
        self._follow_turns(self.system.run_due_turns())

    def _follow_turns(self, enrollment_ids: Sequence[UUID]) -> None:
        rows = self.system.run(self.system.world.all_enrollments())
        for enrollment_id in enrollment_ids:
            enrollment = find_enrollment(self.model, enrollment_id, rows)
            if enrollment is not None and enrollment in self.model.due:
                run_turn(self.model, enrollment)
        assert not self.model.due, f"the system has not run {self.model.due}"
        if self.is_sending:
            self.system.deliver()
            self.model.deliver()

    @rule(hours=st.sampled_from([0, 1, 5, 24, 72, 1000]))
    def time_passes(self, hours: int) -> None:
        self._advance(timedelta(hours=hours))
        self._run_due_work()

    @rule(times=st.integers(1, 8))
    def time_passes_to_the_next_due_work(self, times: int) -> None:
        for _ in range(times):
            self._advance_to_next()
            self._run_due_work()

    def _advance_to_next(self) -> None:
        wakes = [
            enrollment.wake
            for enrollment in self.model.enrollments
            if enrollment.state in ("active", "waiting") and enrollment.wake
        ]
        sends = [mail.due for mail in self.model.mails if mail.status == "queued" and mail.due]
        later = [at for at in wakes + sends if at > self.model.now]
        if later:
            self._advance(min(later) - self.model.now)

    @rule(hours=st.sampled_from([1, 30]))
    def the_clock_is_set_back(self, hours: int) -> None:
        self._advance(-timedelta(hours=hours))
        self._run_due_work()

    # -- events -------------------------------------------------------------------------------

    @rule(event=generators.incoming_events(), pause=generators.pauses)
    def a_contact_acts(self, event: SubmittedEvent, pause: timedelta) -> None:
        """An event arrives before the turns that are due have run."""
        self._advance(pause)
        self._submit([event])

    @rule(
        arrivals=st.lists(
            st.tuples(generators.incoming_events(), generators.pauses), min_size=2, max_size=5
        )
    )
    def some_days_pass(self, arrivals: list[tuple[SubmittedEvent, timedelta]]) -> None:
        for event, pause in arrivals:
            self._submit([event])
            self._advance(pause)
            self._run_due_work()

    @rule(event=generators.incoming_events())
    def a_contact_acts_at_a_deadline(self, event: SubmittedEvent) -> None:
        self._advance_to_next()
        self._submit([event], tick=timedelta())

    @rule(events=st.lists(generators.incoming_events(), min_size=2, max_size=5))
    def several_contacts_act_at_the_same_time(self, events: list[SubmittedEvent]) -> None:
        self._submit(events)

    @rule(
        event=st.none() | generators.incoming_events(),
        change=generators.changes(),
        which=st.integers(0, 7),
        suppressed=st.sampled_from([False, False, False, True]),
    )
    def a_contact_changes_while_turns_run(
        self, event: SubmittedEvent | None, change: SubmittedEvent, which: int, suppressed: bool
    ) -> None:
        """The turns of a contact that has changed run again, as if the change had come first."""
        if event is not None:
            self._submit_only([event])
        elif not self.model.due:
            self._advance_to_next()
        if any(self.model.code[due.journey].has_failing_step for due in self.model.due):
            self._run_due_work()
            return
        if self.model.due and which < 6:
            person = self.model.due[which % len(self.model.due)].person.survivor
            change = generators.move_to(change, person)
        if suppressed and change.email:
            self._suppress_while_turns_run(change.email)
        else:
            self._submit_while_turns_run(self._add_key(change))

    def _submit_while_turns_run(self, event: SubmittedEvent) -> None:
        results: list[IngestResult] = []

        async def submit() -> None:
            results.extend(await self.system.submit_together([event]))

        enrollment_ids = self.system.run_due_turns(submit)
        (result,) = results
        assert result.contact_id is not None
        compare_result(self.model.submit(event, result.contact_id), result)
        self._follow_turns(enrollment_ids)

    def _suppress_while_turns_run(self, address: str) -> None:
        suppress = self.system.world.suppress
        enrollment_ids = self.system.run_due_turns(lambda: suppress(address))
        self.model.suppressed.add(address)
        self._follow_turns(enrollment_ids)

    @rule(which=st.integers(0, 7), pause=generators.pauses, at_once=st.booleans())
    def an_awaited_event_arrives(self, which: int, pause: timedelta, at_once: bool) -> None:
        """The event arrives in time or late, before the turn of a timeout has run."""
        waiting = [
            enrollment
            for enrollment in self.model.enrollments
            if enrollment.is_live and enrollment.wait and enrollment.wait.rules
        ]
        if waiting:
            enrollment = waiting[-1 - which % len(waiting)]
            assert enrollment.wait is not None
            event = generators.matching_event(
                enrollment.person.survivor,
                enrollment.wait.rules[which % len(enrollment.wait.rules)],
                enrollment.trigger,
            )
            if not at_once:
                self._advance_to_next()
            self._advance(pause)
            self._submit([event])

    @rule(
        which=st.integers(0, 7),
        change=generators.changes(),
        properties=generators.followed_properties,
        pause=generators.pauses,
    )
    def a_followed_property_changes(
        self,
        which: int,
        change: SubmittedEvent,
        properties: dict[str, str | None],
        pause: timedelta,
    ) -> None:
        """The property that a wait follows changes, with an event that may merge the contact."""
        following = [
            enrollment
            for enrollment in self.model.enrollments
            if enrollment.is_live and enrollment.wait and enrollment.wait.offset is not None
        ]
        if following:
            person = following[-1 - which % len(following)].person.survivor
            event = generators.move_to(change, person)
            self._advance(pause)
            self._submit([replace(event, contact_properties=properties)])

    @rule(which=st.integers(0, 7))
    def an_exit_event_arrives(self, which: int) -> None:
        """The event arrives, whether the contact is still in the journey or not."""
        with_exits = [
            enrollment
            for enrollment in self.model.enrollments
            if self.model.known_code[enrollment.journey].exit_on
        ]
        if with_exits:
            enrollment = with_exits[-1 - which % len(with_exits)]
            rules = self.model.known_code[enrollment.journey].exit_on
            person, rule = enrollment.person.survivor, rules[which % len(rules)]
            self._submit([generators.matching_event(person, rule, enrollment.trigger)])

    @rule(which=st.integers(0, 5), other=st.booleans())
    def a_key_is_repeated(self, which: int, other: bool) -> None:
        if self.submitted:
            event = self.submitted[-1 - which % len(self.submitted)]
            self._submit([replace(event, digest=b"other") if other else event])

    def _submit(self, events: list[SubmittedEvent], tick: timedelta = TICK) -> None:
        self._submit_only(events, tick)
        self._run_due_work()

    def _submit_only(self, events: list[SubmittedEvent], tick: timedelta = TICK) -> None:
        self._advance(tick)
        keyed = [event if event.key else self._add_key(event) for event in events]
        results = self.system.submit(keyed)
        expected_results: list[ExpectedResult] = []
        for event, result in zip(keyed, results, strict=True):
            assert result.contact_id is not None
            expected_results.append(self.model.submit(event, result.contact_id))
        for expected, result in zip(expected_results, results, strict=True):
            compare_result(expected, result)

    def _add_key(self, event: SubmittedEvent) -> SubmittedEvent:
        self.submitted.append(replace(event, key=f"key-{len(self.submitted)}"))
        return self.submitted[-1]

    @rule(address=generators.addresses)
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
        """The code of a journey changes, preferably of a journey with contacts."""
        waiting = {
            enrollment.journey
            for enrollment in self.model.enrollments
            if enrollment.state in ("active", "waiting")
        }
        journeys = sorted(waiting & set(self.files)) or sorted(self.files)
        if journeys:
            journey = data.draw(st.sampled_from(journeys))
            self._write(data.draw(generators.edited_plans(self.files[journey])))
            self._load(restart)
            self.time_passes_to_the_next_due_work(times)

    @rule(
        journey=st.sampled_from(IDS),
        events=st.lists(generators.incoming_events(), min_size=1, max_size=4),
        restart=st.booleans(),
        ends=st.booleans(),
    )
    def code_is_broken_for_a_while(
        self, journey: str, events: list[SubmittedEvent], restart: bool, ends: bool
    ) -> None:
        """Triggers that arrive meanwhile are replayed afterwards."""
        if journey in self.files:
            plan = self.files.pop(journey)
            self.system.write(plan, broken=True)
            self._load(restart)
            for event in events:
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
        self.model.load_code(self.files)
        self._run_due_work()

    @rule(hours=st.sampled_from([0, 30]))
    def the_machine_is_off(self, hours: int) -> None:
        self.system.close()
        self._advance(timedelta(hours=hours))
        self.system.open()
        self._run_due_work()

    # -- operators ----------------------------------------------------------------------------

    @rule(journey=st.sampled_from(IDS))
    def a_journey_is_switched(self, journey: str) -> None:
        on = journey in self.model.disabled
        self.system.run(self.system.world.switch(journey, on))
        self.model.disabled ^= {journey}

    @rule(act=st.sampled_from(ACTIONS), which=st.integers(0, 7))
    def an_operator_acts(self, act: ActionName, which: int) -> None:
        states = {"continue": "drifted", "restart": "drifted", "retry": "failed"}
        suitable = [
            enrollment
            for enrollment in self.model.enrollments
            if (enrollment.state == states[act] if act in states else enrollment.is_live)
            or (act == "retry" and enrollment.is_retrying)
        ]
        candidates = suitable or self.model.enrollments
        if candidates:
            self._run_action(act, candidates[-1 - which % len(candidates)])
            self._run_due_work()

    @rule(act=st.sampled_from(["continue", "continue", "restart"]), which=st.integers(0, 7))
    def an_operator_helps_a_stuck_contact(self, act: ActionName, which: int) -> None:
        stuck = [
            enrollment
            for enrollment in self.model.enrollments
            if enrollment.state in ("drifted", "failed")
        ]
        if stuck:
            enrollment = stuck[-1 - which % len(stuck)]
            self._run_action("retry" if enrollment.state == "failed" else act, enrollment)
            self._run_due_work()

    def _run_action(self, action: ActionName, enrollment: ModelEnrollment) -> None:
        assert enrollment.id is not None
        expected = self.model.run_action(action, enrollment)
        actual_id: UUID | None = self.system.run_action(action, enrollment.id)
        is_same = (actual_id is None) == (expected is None)
        assert is_same, f"{action}: {actual_id}, expected {expected}"
        if expected is not None and expected.id is None:
            expected.id = actual_id

    @rule(which=st.integers(0, 7))
    def a_merge_is_undone(self, which: int) -> None:
        merges = list_undoable(self.model)
        if merges:
            record = merges[-1 - which % len(merges)]
            self.system.run(
                unmerge_contact(self.system.world.runtime, operator_named("op"), record.merged.id)
            )
            undo(self.model, record)
            self._run_due_work()

    @rule(journey=st.sampled_from(IDS))
    def missed_triggers_are_replayed(self, journey: str) -> None:
        if journey in self.model.code:
            self.system.run(
                replay_missed_triggers(self.system.world.runtime, operator_named("op"), journey)
            )
            self.model.replay(journey)
            self._run_due_work()

    @rule()
    def sending_is_paused_or_resumed(self) -> None:
        self.is_sending = not self.is_sending
        self._run_due_work()

    # -- comparison ---------------------------------------------------------------------------

    @invariant()
    def the_system_and_the_model_agree(self) -> None:
        compare(self.model, self.system)

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self._let_a_year_pass()
        finally:
            self.system.shut_down()

    def _let_a_year_pass(self) -> None:
        """Let a year pass, so that everything that can end has ended."""
        self.is_sending = True
        for _ in range(12):
            self._advance(YEAR / 12)
            self._run_due_work()
        compare(self.model, self.system)
        self.system.run(self._check_counters())

    async def _check_counters(self) -> None:
        world = self.system.world
        assert await world.counter_drift() == {}
