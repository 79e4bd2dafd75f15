"""What a turn starts from, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment, LookBack, Wait
from ..domain.event import Event
from ..domain.incoming import IncomingEvent
from ..domain.journal import PendingStep, Step, as_text
from ..domain.journey import MailList
from ..domain.send_policy import Send, SendFacts


class TurnInterrupted(BaseException):
    """Raised inside an author's code that has used up its turn's time."""


@dataclass(frozen=True, slots=True)
class TurnInput:
    """What a turn starts from.

    Args:
        enrollment: the enrollment before the turn.
        contact: the contact as of now.
        trigger: the event that started the enrollment.
        steps: the journal; a later entry completes an earlier one of the same key.
        send_facts: what decides whether mail may go to the contact.
        depth: the number of causes between the trigger and the outside.
        pending_steps: effects that have been tried and are not in the journal yet, by key.
    """

    enrollment: Enrollment
    contact: Contact
    trigger: Event
    steps: Sequence[Step]
    send_facts: SendFacts
    depth: int = 0
    pending_steps: Mapping[str, PendingStep] = field(default_factory=dict[str, PendingStep])


@dataclass
class TurnResult:
    """What a turn comes to, before it is committed.

    Args:
        outcome: `waiting completed exited failed drifted`, or `early` when its wait is not over.
        steps: what it adds to the journal.
        wait: the wait that it ends in, when `waiting`.
        look_back: from where the next wait looks back.
        sends: rows to add to the ledger.
        triggered: events to ingest, in order.
        seen: the number of the newest event that a new digest has counted already.
        done_steps: keys of effects that are in the journal now.
        reason: why it exited or drifted.
        error: the traceback, when it failed.
    """

    outcome: str = ""
    steps: list[Step] = field(default_factory=list[Step])
    wait: Wait | None = None
    look_back: LookBack = field(default_factory=lambda: LookBack(0))
    sends: list[Send] = field(default_factory=list[Send])
    triggered: list[IncomingEvent] = field(default_factory=list[IncomingEvent])
    seen: int = 0
    done_steps: list[str] = field(default_factory=list[str])
    reason: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class TurnEnvironment:
    """What all turns of a batch share.

    Args:
        lists: the mail lists, by id.
        templates: the keys of the mails that can be sent, each with its list if it names one.
        now: the instant of the turns.
        max_calls: how many `ctx` calls one turn may make.
        checks_determinism: whether turns run twice, and note the arguments of their calls.
    """

    lists: Mapping[str, MailList]
    templates: Mapping[str, str | None]
    now: datetime
    max_calls: int = 10_000
    checks_determinism: bool = False


def failed_result(look_back: LookBack, error: str) -> TurnResult:
    """Return the result of a turn that failed.

    Args:
        look_back: from where the next wait looks back, as before the turn.
        error: the traceback or the reason.
    """
    return TurnResult("failed", look_back=look_back, error=as_text(error)[-8000:])
