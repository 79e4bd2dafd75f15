"""The input, the environment and the result of a turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ..domain.addressee import Addressee
from ..domain.contact import Contact
from ..domain.enrollment import Enrollment, LookBack, Wait
from ..domain.event import Event
from ..domain.following import Following
from ..domain.incoming import IncomingEvent
from ..domain.journal import PendingStep, Step, to_storable_text
from ..domain.journey import MailList
from ..domain.results import ChosenArm
from ..domain.send_policy import Send, SendFacts
from ..errors import JourneyCodeError

MAX_ERROR_LENGTH = 8000


class TurnInterrupted(BaseException):
    """Raised in an author's code that has kept its thread for too long."""


@dataclass(frozen=True, slots=True)
class TurnInput:
    """The rows that a turn starts from.

    Args:
        enrollment: the enrollment before the turn.
        contact: the contact as of now.
        trigger: the event that started the enrollment.
        steps: the journal; a later entry completes an earlier entry of the same key.
        send_facts: the facts that decide whether email may go to the contact.
        depth: the number of events in the chain of causes that led to the trigger.
        pending_steps: attempts of effects that are not in the journal yet, by key.
    """

    enrollment: Enrollment
    contact: Contact
    trigger: Event
    steps: Sequence[Step]
    send_facts: SendFacts
    depth: int = 0
    pending_steps: Mapping[str, PendingStep] = field(default_factory=dict[str, PendingStep])


@dataclass(frozen=True, slots=True)
class AddresseeFacts:
    """A person whom the author names with `to=`, when the turn decides about an email.

    Args:
        addressee: the person, as named.
        contact: the person's contact; None when there is none yet.
        send_facts: the facts that decide whether email may go to the person.
    """

    addressee: Addressee
    contact: Contact | None
    send_facts: SendFacts

    @property
    def key(self) -> object:
        """What identifies the person within a turn."""
        return self.contact.id if self.contact else self.addressee


@dataclass
class TurnResult:
    """The result of a turn, before it is committed.

    Args:
        outcome: `waiting`, `completed`, `exited`, `failed`, `drifted`; `early` when the wait is not
            over; `reached` when a dry run has come to the contact's wait.
        steps: entries to add to the journal.
        wait: the wait that the turn ends in, when `waiting`.
        look_back: the point that the next wait looks back to.
        sends: rows to add to the ledger.
        addressees: the people whom sends go to, by send, where that is not the contact.
        triggered: events to ingest, in order.
        last_counted_seq: the number of the newest event that a new digest has counted already.
        followed: what the turn has read of the contact's properties for waits that follow them.
        done_steps: keys of effects that this turn adds to the journal.
        arms: the arms that this turn has chosen, by the key of the variant.
        reason: why the enrollment exited or drifted.
        error: the traceback, when `failed`.
    """

    outcome: str = ""
    steps: list[Step] = field(default_factory=list[Step])
    wait: Wait | None = None
    look_back: LookBack = field(default_factory=lambda: LookBack(0))
    sends: list[Send] = field(default_factory=list[Send])
    addressees: dict[UUID, AddresseeFacts] = field(default_factory=dict[UUID, AddresseeFacts])
    triggered: list[IncomingEvent] = field(default_factory=list[IncomingEvent])
    last_counted_seq: int = 0
    followed: list[Following] = field(default_factory=list[Following])
    done_steps: list[str] = field(default_factory=list[str])
    arms: dict[str, ChosenArm] = field(default_factory=dict[str, ChosenArm])
    reason: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class TurnEnvironment:
    """The values that all turns of a batch share.

    Args:
        lists: the lists, by id.
        templates: the templates' keys, each with the list that the template names, if any.
        now: the instant of the turns.
        max_calls: how many `ctx` calls one turn may make.
        checks_determinism: whether turns run twice, and record the arguments of their calls.
    """

    lists: Mapping[str, MailList]
    templates: Mapping[str, str | None]
    now: datetime
    max_calls: int = 10_000
    checks_determinism: bool = False

    def check_list(self, list_id: str) -> None:
        """Raise unless a list exists.

        Raises:
            JourneyCodeError: the list does not exist.
        """
        if list_id not in self.lists:
            raise JourneyCodeError(
                f"There is no list {list_id!r}.", "Define it in journeys/lists.py."
            )


def build_failed_result(look_back: LookBack, error: str) -> TurnResult:
    """Return the result of a turn that failed.

    Args:
        look_back: the point that the next wait looks back to, as before the turn.
        error: the traceback or the reason.
    """
    return TurnResult(
        "failed", look_back=look_back, error=to_storable_text(error)[-MAX_ERROR_LENGTH:]
    )
