"""`ctx.history` of journeys and mails, and `ctx.throttle`: reads by contact."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from ...domain.durations import words
from ...domain.history import EmailPast, JourneyPast
from ...domain.journal import encode
from ...errors import JourneyCodeError
from ..turn_state import TurnState
from .call import Resource, Suspension
from .description import Description, RecordedCall, Wording, pairs_of
from .read import Read, ReadCall
from .registry import register

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ...store.db import Query
    from ..static_analysis.call_site import CallSite


@dataclass(frozen=True, slots=True)
class PastInJourney(Read):
    """A contact's past in one journey."""

    contact_id: UUID
    journey_id: str

    @property
    def group(self) -> Hashable:
        return None

    @classmethod
    def query(cls, reads: Sequence[PastInJourney]) -> Query[Any]:
        from ...store import history

        journey_ids = sorted({read.journey_id for read in reads})
        return history.journeys_of([read.contact_id for read in reads], journey_ids)

    @classmethod
    def answers(
        cls, reads: Sequence[PastInJourney], result: Mapping[tuple[UUID, str], JourneyPast]
    ) -> Iterable[Any]:
        for read in reads:
            yield result.get((read.contact_id, read.journey_id), JourneyPast()).to_stored()


@register
@dataclass(frozen=True, slots=True)
class ReadJourney(ReadCall):
    """Whether and when the contact was in a journey."""

    kind: ClassVar[str] = "journey"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("history", "journey"),)

    journey_id: str

    def describe(self) -> str:
        return self.journey_id

    def read(self, turn: TurnState, key: str, contact_ids: Sequence[UUID]) -> Read:
        return PastInJourney(turn.contact.id, self.journey_id)

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        entered = pairs_of(record.step.answer).get("entered")
        tag = "entered before" if entered else "never entered"
        yield Description(f"Checked the journey {record.step.label}", tag=tag)

    @classmethod
    def graph_step(cls, site: CallSite) -> GraphStep:
        return site.question(cls.kind, site.words(0, "journey_id"), site.text(0, "journey_id"))


@dataclass(frozen=True, slots=True)
class PastWithTemplate(Read):
    """A contact's past with one template."""

    contact_id: UUID
    template: str

    @property
    def group(self) -> Hashable:
        return None

    @classmethod
    def query(cls, reads: Sequence[PastWithTemplate]) -> Query[Any]:
        from ...store import history

        templates = sorted({read.template for read in reads})
        return history.emails_of([read.contact_id for read in reads], templates)

    @classmethod
    def answers(
        cls, reads: Sequence[PastWithTemplate], result: Mapping[tuple[UUID, str], EmailPast]
    ) -> Iterable[Any]:
        for read in reads:
            yield result.get((read.contact_id, read.template), EmailPast()).to_stored()


@register
@dataclass(frozen=True, slots=True)
class ReadEmail(ReadCall):
    """Whether and when the contact got a mail, opened it, clicked it."""

    kind: ClassVar[str] = "email"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("history", "email"),)

    template: str

    def describe(self) -> str:
        return self.template

    def read(self, turn: TurnState, key: str, contact_ids: Sequence[UUID]) -> Read:
        return PastWithTemplate(turn.contact.id, self.template)

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        tag = "sent before" if pairs_of(record.step.answer).get("sent") else "never sent"
        yield Description(f"Checked the email {record.step.label}", tag=tag)

    @classmethod
    def graph_step(cls, site: CallSite) -> GraphStep:
        return site.question(cls.kind, site.words(0, "template"), site.text(0, "template"))


@dataclass(frozen=True, slots=True)
class SentMails(Read):
    """How many mails a contact was sent, of one list or of all.

    Args:
        contact_id: the contact.
        since: only mails from this instant on.
        list_id: only mails of this list; None for all.
    """

    contact_id: UUID
    since: datetime
    list_id: str | None

    @property
    def group(self) -> Hashable:
        return self.since, self.list_id

    @classmethod
    def query(cls, reads: Sequence[SentMails]) -> Query[Any]:
        from ...store import history

        first = reads[0]
        return history.sent_since([read.contact_id for read in reads], first.since, first.list_id)

    @classmethod
    def answers(cls, reads: Sequence[SentMails], result: Mapping[UUID, int]) -> Iterable[int]:
        return [result[read.contact_id] for read in reads]


@register
@dataclass(frozen=True, slots=True)
class CheckThrottle(ReadCall):
    """Whether the contact may be sent another mail.

    Args:
        window: how far back mails are counted.
        limit: how many may be sent within the window.
        list_id: only mails of this list are counted.
    """

    kind: ClassVar[str] = "throttle"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("throttle",),)

    window: timedelta
    limit: int
    list_id: str | None

    def describe(self) -> str:
        return f"{self.list_id}, since {self.window}, {self.limit}"

    def start(self, turn: TurnState, key: str) -> Any:
        if self.list_id is not None:
            check_list(self.list_id, turn)
        return Suspension.NEEDS_INPUT

    def read(self, turn: TurnState, key: str, contact_ids: Sequence[UUID]) -> Read:
        return SentMails(turn.contact.id, turn.now - self.window, self.list_id)

    def settle(self, turn: TurnState, key: str, value: int) -> Any:
        """Record whether another mail is allowed, those of this turn counted too."""
        sent = value + sum(
            send.status == "queued" and self.list_id in (None, send.list_id)
            for send in turn.result.sends
        )
        answer = {"allowed": sent < self.limit, "sent": sent, "limit": self.limit}
        return self.record(turn, key, encode(answer))

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        tag = "allowed" if pairs_of(record.step.answer).get("allowed") else "limit reached"
        yield Description(f"Checked the limit of {record.step.label}", tag=tag)

    @classmethod
    def graph_step(cls, site: CallSite) -> GraphStep:
        limit, window = site.value(0, "limit"), site.value(1, "window")
        is_known = isinstance(limit, int) and isinstance(window, timedelta)
        what = f"{site.words(0, 'limit')} in {site.words(1, 'window')}"
        name = f"{limit} in {words(window)}" if is_known else None
        return replace(site.step(cls.kind, what, name), is_question=True)

    @classmethod
    def resources(cls, site: CallSite) -> Iterable[Resource]:
        yield Resource("list", site.value(-1, "list"))


def check_list(list_id: str, turn: TurnState) -> None:
    """Raise unless the journeys' folder defines a list.

    Raises:
        JourneyCodeError: it does not.
    """
    if list_id not in turn.environment.lists:
        raise JourneyCodeError(f"There is no list {list_id!r}.", "Define it in lists.py.")
