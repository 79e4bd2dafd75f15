"""Loads what turns start from: enrollments, contacts, triggers, journals, consents."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment
from ..domain.journal import PendingStep
from ..domain.journey import Journey
from ..domain.send_policy import Consents, SendFacts
from ..store import consents, contacts, enrollments, events, sends, steps, turns
from ..store.db import Database
from .commit import FinishedTurn
from .execution import TurnExecution
from .registry import Registry
from .turn import TurnEnvironment, TurnInput, build_failed_result


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """What one turn may use up.

    Args:
        time: how long it may keep its thread.
        calls: how many `ctx` calls it may make.
    """

    time: timedelta = timedelta(seconds=60)
    calls: int = 10_000


@dataclass(frozen=True, slots=True)
class JourneyCode:
    """The authors' code as of now.

    Args:
        registry: journeys and lists.
        templates: the keys of the mails that can be sent, each with its list if it names one.
    """

    registry: Registry
    templates: Mapping[str, str | None]

    def environment(
        self, now: datetime, limits: TurnLimits, *, checks_determinism: bool = False
    ) -> TurnEnvironment:
        """Return what a batch of turns of this code shares.

        Args:
            now: the instant of the turns.
            limits: what each may use up.
            checks_determinism: whether they run twice.
        """
        return TurnEnvironment(
            self.registry.lists, self.templates, now, limits.calls, checks_determinism
        )


@dataclass
class LoadedTurns:
    """The results of loading enrollments.

    Args:
        executions: turns that can run.
        failed: turns that failed before they began.
        without_code: enrollments whose journey cannot run.
    """

    executions: list[TurnExecution] = field(default_factory=list[TurnExecution])
    failed: list[FinishedTurn] = field(default_factory=list[FinishedTurn])
    without_code: list[Enrollment] = field(default_factory=list[Enrollment])


async def load_turns(
    database: Database,
    ids: Sequence[UUID],
    code: JourneyCode,
    environment: TurnEnvironment,
    *,
    is_selected: Callable[[Enrollment], bool],
    can_run: Callable[[Journey], bool] = lambda journey: True,
    is_rehearsal: bool = False,
) -> LoadedTurns:
    """Load the next turns of enrollments.

    Args:
        database: where the enrollments are.
        ids: the enrollments.
        code: the authors' code.
        environment: what the turns share.
        is_selected: decides by its present state whether an enrollment is loaded.
        can_run: decides whether the turns of a journey may run.
        is_rehearsal: whether the turns do nothing, see `Replay`.
    """
    rows = await _load_rows(database, ids, code)
    loaded = LoadedTurns()
    for enrollment in rows.enrollments.values():
        if not is_selected(enrollment):
            continue
        journey = code.registry.journeys.get(enrollment.journey_id)
        contact = rows.contacts.get(enrollment.contact_id)
        if journey is None or not can_run(journey):
            loaded.without_code.append(enrollment)
            continue
        if contact is None:
            # Merged while this was read; the next batch finds the survivor.
            continue
        try:
            function = code.registry.functions[journey.id]
            inputs = rows.input_of(enrollment, contact)
            execution = TurnExecution(
                journey, function, inputs, environment, is_rehearsal=is_rehearsal
            )
        except Exception:
            result = build_failed_result(enrollment.look_back, traceback.format_exc())
            loaded.failed.append(FinishedTurn(journey, enrollment, contact.event_seq, result))
        else:
            loaded.executions.append(execution)
    return loaded


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows that a batch of turns starts from, by the ids of what they belong to."""

    enrollments: Mapping[UUID, Enrollment]
    contacts: Mapping[UUID, Contact]
    triggers: Mapping[UUID, events.Cause]
    journals: Mapping[UUID, Sequence[turns.Turn]]
    pending_steps: Mapping[UUID, Mapping[str, PendingStep]]
    consents: Mapping[UUID, Consents]
    suppressed: Mapping[str, str]
    last_sent: Mapping[tuple[UUID, str], datetime]

    def input_of(self, enrollment: Enrollment, contact: Contact) -> TurnInput:
        """Return what the next turn of an enrollment starts from.

        Raises:
            KeyError: its trigger does not exist.
        """
        trigger = self.triggers[enrollment.trigger_event_id]
        facts = SendFacts(
            email=contact.email,
            consents=self.consents.get(contact.id) or Consents(),
            suppression=self.suppressed.get(contact.email) if contact.email else None,
            last_sent_at=self.last_sent.get((contact.id, enrollment.journey_id)),
        )
        journal = [s for turn in self.journals.get(enrollment.id, ()) for s in turn.steps]
        pending = self.pending_steps.get(enrollment.id, {})
        return TurnInput(enrollment, contact, trigger.event, journal, facts, trigger.depth, pending)


async def _load_rows(database: Database, ids: Sequence[UUID], code: JourneyCode) -> _Rows:
    selected, people, triggers, journals, pending, consents_of, suppressed = await database.read(
        enrollments.find_by_ids(ids),
        contacts.find_by_enrollments(ids),
        events.find_triggers(ids),
        turns.find_by_enrollments(ids),
        steps.find_by_enrollments(ids),
        consents.find_by_enrollments(ids),
        consents.find_suppressed_by_enrollments(ids),
    )
    last_sent = await _load_last_sent(database, selected.values(), code)
    return _Rows(selected, people, triggers, journals, pending, consents_of, suppressed, last_sent)


def build_dry_run(execution: TurnExecution, enrollment: Enrollment) -> TurnExecution:
    """Return the same turn again, with its own results in its journal.

    Args:
        execution: a turn that is over and did not fail.
        enrollment: the enrollment as the turn leaves it.
    """
    steps = [*execution.inputs.steps, *execution.result.steps]
    inputs = replace(execution.inputs, enrollment=enrollment, steps=steps)
    environment = execution.turn.environment
    return TurnExecution(
        execution.journey, execution.function, inputs, environment, is_rehearsal=True
    )


async def _load_last_sent(
    database: Database, selected: Iterable[Enrollment], code: JourneyCode
) -> dict[tuple[UUID, str], datetime]:
    """Return when journeys that keep a gap between their mails last sent one, by contact."""
    journeys = code.registry.journeys
    gaps = [e for e in selected if (j := journeys.get(e.journey_id)) and j.suppress]
    if not gaps:
        return {}
    return await database.read_one(
        sends.find_last_queued([e.contact_id for e in gaps], sorted({e.journey_id for e in gaps}))
    )
