"""Loads what turns start from: enrollments, contacts, triggers, journals, consents."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment
from ..domain.journey import Journey
from ..domain.send_policy import Consents, SendFacts
from ..store import consents, contacts, enrollments, events, sends, steps, turns
from ..store.db import Database
from .commit import Played
from .execution import TurnExecution
from .registry import Registry
from .turn import TurnEnvironment, TurnInput, failed


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """What one turn may use up.

    Args:
        time: how long it may keep its thread.
        steps: how many `ctx` calls it may make.
    """

    time: timedelta = timedelta(seconds=60)
    steps: int = 10_000


@dataclass(frozen=True, slots=True)
class JourneyCode:
    """The authors' code as of now.

    Args:
        registry: journeys and lists.
        templates: the keys of the mails that can be sent, each with its list if it names one.
    """

    registry: Registry
    templates: Mapping[str, str | None]

    def world(
        self, now: datetime, limits: TurnLimits, *, compares: bool = False
    ) -> TurnEnvironment:
        """Return what turns of this code share.

        Args:
            now: their instant.
            limits: what each may use up.
            compares: whether they are played twice.
        """
        return TurnEnvironment(self.registry.lists, self.templates, now, limits.steps, compares)


@dataclass
class LoadedInputs:
    """What became of enrollments when they were loaded.

    Args:
        plays: turns that can be driven.
        failed: turns that failed before they began.
        lost: enrollments whose journey cannot be played.
    """

    plays: list[TurnExecution] = field(default_factory=list[TurnExecution])
    failed: list[Played] = field(default_factory=list[Played])
    lost: list[Enrollment] = field(default_factory=list[Enrollment])


async def load_plays(
    database: Database,
    ids: Sequence[UUID],
    code: JourneyCode,
    world: TurnEnvironment,
    *,
    chosen: Callable[[Enrollment], bool],
    playable: Callable[[Journey], bool] = lambda journey: True,
    rehearsal: bool = False,
) -> LoadedInputs:
    """Load turns of enrollments.

    Args:
        database: where they are.
        ids: the enrollments.
        code: what is played.
        world: what the turns share.
        chosen: which of the enrollments are meant, as they stand now.
        playable: which journeys may be played.
        rehearsal: whether nothing is to be done by the turns.
    """
    due, people, triggers, journals, kept, said, suppressed = await database.read(
        enrollments.by_ids(ids),
        contacts.of_enrollments(ids),
        events.triggers_of(ids),
        turns.of_enrollments(ids),
        steps.of_enrollments(ids),
        consents.of_enrollments(ids),
        consents.suppressed_of_enrollments(ids),
    )
    last = await _last_sent(database, due.values(), code)
    loaded = LoadedInputs()
    for enrollment in due.values():
        if not chosen(enrollment):
            continue
        journey = code.registry.journeys.get(enrollment.journey_id)
        contact = people.get(enrollment.contact_id)
        if journey is None or not playable(journey):
            loaded.lost.append(enrollment)
            continue
        if contact is None:
            # Merged while this was read; the next look finds the survivor.
            continue
        last_sent_at = last.get((contact.id, journey.id))
        sending = _sending(contact, said.get(contact.id), suppressed, last_sent_at)
        journal = [step for turn in journals.get(enrollment.id, ()) for step in turn.steps]
        try:
            cause = triggers[enrollment.trigger_event_id]
            tried = kept.get(enrollment.id, {})
            facts = TurnInput(
                enrollment, contact, cause.event, journal, sending, cause.depth, tried
            )
            function = code.registry.functions[journey.id]
            play = TurnExecution(journey, function, facts, world, rehearsal=rehearsal)
        except Exception:
            fault = failed(enrollment.look_back, traceback.format_exc())
            loaded.failed.append(Played(journey, enrollment, contact.event_seq, fault))
        else:
            loaded.plays.append(play)
    return loaded


def _sending(
    contact: Contact,
    said: Consents | None,
    suppressed: Mapping[str, str],
    last_sent_at: datetime | None,
) -> SendFacts:
    return SendFacts(
        email=contact.email,
        consents=said or Consents(),
        suppression=suppressed.get(contact.email) if contact.email else None,
        last_sent_at=last_sent_at,
    )


def rehearsal_of(
    play: TurnExecution, world: TurnEnvironment, now_waits: Enrollment
) -> TurnExecution:
    """Return the same turn again, with what it came to in its journal.

    Args:
        play: a turn that is over and did not fail.
        world: what the turns share.
        now_waits: the enrollment as the turn leaves it.
    """
    facts = replace(play.facts, enrollment=now_waits, steps=[*play.facts.steps, *play.result.steps])
    return TurnExecution(play.journey, play.function, facts, world, rehearsal=True)


async def _last_sent(
    database: Database, due: Iterable[Enrollment], code: JourneyCode
) -> dict[tuple[UUID, str], datetime]:
    """Ask when journeys that keep a gap between their mails last sent one."""
    gaps = [e for e in due if (j := code.registry.journeys.get(e.journey_id)) and j.suppress]
    if not gaps:
        return {}
    return await database.read_one(
        sends.last_of_journeys([e.contact_id for e in gaps], sorted({e.journey_id for e in gaps}))
    )
