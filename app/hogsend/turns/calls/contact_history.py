"""`ctx.history` of journeys and emails."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from ...domain.history import EmailPast, JourneyPast
from ..argument_checks import ArgumentCheck, check_text
from ..turn_state import TurnState
from .description import Description, RecordedCall, Wording, read_object
from .read import Read, ReadCall
from .registry import register

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ...store.db import Query
    from ..static_analysis.call_site import CallSite


@dataclass(frozen=True, slots=True)
class JourneyRead(Read):
    """A contact's enrollments in one journey, summarised."""

    contact_id: UUID
    journey_id: str

    @property
    def group(self) -> Hashable:
        return None

    @classmethod
    def build_query(cls, reads: Sequence[JourneyRead]) -> Query[Any]:
        from ...store import history

        journey_ids = sorted({read.journey_id for read in reads})
        return history.find_journey_histories([read.contact_id for read in reads], journey_ids)

    @classmethod
    def extract_answers(
        cls, reads: Sequence[JourneyRead], result: Mapping[tuple[UUID, str], JourneyPast]
    ) -> Iterable[Any]:
        for read in reads:
            yield result.get((read.contact_id, read.journey_id), JourneyPast()).to_stored()


@register
@dataclass(frozen=True, slots=True)
class ReadJourney(ReadCall):
    """Whether and when the contact was in a journey."""

    kind: ClassVar[str] = "journey"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("history", "journey"),)
    argument_checks: ClassVar[Mapping[str, ArgumentCheck]] = {
        "journey_id": check_text,
    }

    journey_id: str

    def describe(self) -> str:
        return self.journey_id

    def build_read(self, turn: TurnState, key: str, contact_ids: Sequence[UUID]) -> Read:
        return JourneyRead(turn.contact.id, self.journey_id)

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        entered = read_object(record.step.answer).get("entered")
        tag = "entered before" if entered else "never entered"
        yield Description(f"Checked the journey {record.step.label}", tag=tag)

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        return site.build_question(
            cls.kind, site.format_argument(0, "journey_id"), site.evaluate_text(0, "journey_id")
        )


@dataclass(frozen=True, slots=True)
class EmailRead(Read):
    """A contact's emails of one template, summarised."""

    contact_id: UUID
    template: str

    @property
    def group(self) -> Hashable:
        return None

    @classmethod
    def build_query(cls, reads: Sequence[EmailRead]) -> Query[Any]:
        from ...store import history

        templates = sorted({read.template for read in reads})
        return history.find_email_histories([read.contact_id for read in reads], templates)

    @classmethod
    def extract_answers(
        cls, reads: Sequence[EmailRead], result: Mapping[tuple[UUID, str], EmailPast]
    ) -> Iterable[Any]:
        for read in reads:
            yield result.get((read.contact_id, read.template), EmailPast()).to_stored()


@register
@dataclass(frozen=True, slots=True)
class ReadEmail(ReadCall):
    """Whether and when the contact got an email, opened it or clicked in it."""

    kind: ClassVar[str] = "email"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("history", "email"),)
    argument_checks: ClassVar[Mapping[str, ArgumentCheck]] = {
        "template": check_text,
    }

    template: str

    def describe(self) -> str:
        return self.template

    def build_read(self, turn: TurnState, key: str, contact_ids: Sequence[UUID]) -> Read:
        return EmailRead(turn.contact.id, self.template)

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        tag = "sent before" if read_object(record.step.answer).get("sent") else "never sent"
        yield Description(f"Checked the email {record.step.label}", tag=tag)

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        return site.build_question(
            cls.kind, site.format_argument(0, "template"), site.evaluate_text(0, "template")
        )
