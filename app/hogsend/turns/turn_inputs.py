"""Loads the rows that turns start from: enrollments, contacts, triggers, journals, consents."""

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
from ..store import consents, contacts, enrollments, events, last_mails, steps, turns
from ..store.db import Database
from .commit import FinishedTurn
from .execution import TurnExecution
from .registry import Registry
from .turn import TurnEnvironment, TurnInput, build_failed_result


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """The limits of one turn.

    Args:
        time: how long the turn may occupy its thread.
        calls: how many `ctx` calls the turn may make.
    """

    time: timedelta = timedelta(seconds=60)
    calls: int = 10_000


@dataclass(frozen=True, slots=True)
class JourneyCode:
    """The authors' code as of now.

    Args:
        registry: journeys and lists.
        templates: the templates' keys, each with the list that the template names, if any.
    """

    registry: Registry
    templates: Mapping[str, str | None]

    def build_environment(
        self, now: datetime, limits: TurnLimits, *, checks_determinism: bool = False
    ) -> TurnEnvironment:
        """Return the values that a batch of turns of this code shares.

        Args:
            now: the instant of the turns.
            limits: the limits of each turn.
            checks_determinism: whether each turn runs twice.
        """
        return TurnEnvironment(
            self.registry.lists, self.templates, now, limits.calls, checks_determinism
        )


@dataclass
class LoadedTurns:
    """The turns of the loaded enrollments.

    Args:
        executions: turns that can run.
        failed: turns that have failed before they began.
        without_code: enrollments whose journey is not in the code or may not run.
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
    is_dry_run: bool = False,
) -> LoadedTurns:
    """Load the next turns of enrollments.

    Args:
        database: where the enrollments are.
        ids: the enrollments.
        code: the authors' code.
        environment: the values that the turns share.
        is_selected: decides by an enrollment's present state whether its turn is loaded.
        can_run: decides whether the turns of a journey may run.
        is_dry_run: whether the turns have no effects, see `Replay`.
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
            # The contact was merged between the queries; the next batch finds the survivor.
            continue
        try:
            function = code.registry.functions[journey.id]
            inputs = rows.build_input(enrollment, contact)
            execution = TurnExecution(journey, function, inputs, environment, is_dry_run=is_dry_run)
        except Exception:
            result = build_failed_result(enrollment.look_back, traceback.format_exc())
            loaded.failed.append(
                FinishedTurn(journey, enrollment, contact.revision, contact.event_seq, result)
            )
        else:
            loaded.executions.append(execution)
    return loaded


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows that a batch of turns starts from, by the id of their enrollment or contact."""

    enrollments: Mapping[UUID, Enrollment]
    contacts: Mapping[UUID, Contact]
    triggers: Mapping[UUID, events.Cause]
    journals: Mapping[UUID, Sequence[turns.Turn]]
    pending_steps: Mapping[UUID, Mapping[str, PendingStep]]
    consents: Mapping[UUID, Consents]
    # The reasons, by address.
    suppressed: Mapping[str, str]
    last_sent: Mapping[tuple[UUID, str], datetime]

    def build_input(self, enrollment: Enrollment, contact: Contact) -> TurnInput:
        """Return the input of an enrollment's next turn.

        Raises:
            KeyError: the enrollment's trigger does not exist.
        """
        trigger = self.triggers[enrollment.trigger_event_id]
        facts = SendFacts(
            email=contact.email,
            consents=self.consents.get(contact.id) or Consents(),
            suppression=self.suppressed.get(contact.email) if contact.email else None,
            last_sent_at=self.last_sent.get((contact.id, enrollment.journey_id)),
        )
        journal = [step for turn in self.journals.get(enrollment.id, ()) for step in turn.steps]
        pending = self.pending_steps.get(enrollment.id, {})
        return TurnInput(enrollment, contact, trigger.event, journal, facts, trigger.depth, pending)


async def _load_rows(database: Database, ids: Sequence[UUID], code: JourneyCode) -> _Rows:
    (
        enrollments_by_id,
        contacts_by_id,
        triggers,
        journals,
        pending_steps,
        consents_by_id,
        suppressed,
    ) = await database.read(
        enrollments.find_by_ids(ids),
        contacts.find_by_enrollments(ids),
        events.find_triggers(ids),
        turns.find_by_enrollments(ids),
        steps.find_by_enrollments(ids),
        consents.find_by_enrollments(ids),
        consents.find_suppressed_by_enrollments(ids),
    )
    return _Rows(
        enrollments=enrollments_by_id,
        contacts=contacts_by_id,
        triggers=triggers,
        journals=journals,
        pending_steps=pending_steps,
        consents=consents_by_id,
        suppressed=suppressed,
        last_sent=await _load_last_sent(database, enrollments_by_id.values(), code),
    )


def build_dry_run(execution: TurnExecution, enrollment: Enrollment) -> TurnExecution:
    """Return a dry run of a turn, whose journal already has the turn's own entries.

    Args:
        execution: a turn that is over and has not failed.
        enrollment: the enrollment as the turn leaves it.
    """
    steps = [*execution.inputs.steps, *execution.result.steps]
    inputs = replace(execution.inputs, enrollment=enrollment, steps=steps)
    environment = execution.turn.environment
    return TurnExecution(
        execution.journey, execution.function, inputs, environment, is_dry_run=True
    )


async def _load_last_sent(
    database: Database, selected: Iterable[Enrollment], code: JourneyCode
) -> dict[tuple[UUID, str], datetime]:
    """Return when journeys with `suppress` last sent an email, by contact and journey."""
    journeys = code.registry.journeys
    suppressing = [
        enrollment
        for enrollment in selected
        if (journey := journeys.get(enrollment.journey_id)) and journey.suppress
    ]
    if not suppressing:
        return {}
    contact_ids = [enrollment.contact_id for enrollment in suppressing]
    journey_ids = sorted({enrollment.journey_id for enrollment in suppressing})
    return await database.read_one(last_mails.find_last_queued(contact_ids, journey_ids))
