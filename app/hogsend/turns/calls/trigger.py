"""`ctx.trigger`: ingest an event of the contact, or of another person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from ...domain.addressee import Addressee
from ...domain.ids import new_id
from ...domain.incoming import MAX_NAME_LENGTH, IncomingEvent, check_properties, check_text
from ...domain.journal import Step, decode, encode, to_plain
from ...errors import JourneyCodeError
from ..argument_checks import ArgumentCheck, check_mapping, find_addressee_problem
from ..argument_checks import check_text as check_event_name
from ..turn_state import TurnState
from .call import Call
from .description import Description, RecordedCall, Wording, build_event_links, read_object
from .registry import register

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ..static_analysis.call_site import CallSite


@register
@dataclass(frozen=True, slots=True)
class Trigger(Call):
    """Ingest an event of the contact or of another person, when the turn is committed.

    Args:
        event: the event's name.
        properties: the event's properties.
        to: another person whose event it is; None for the contact.
    """

    kind: ClassVar[str] = "trigger"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("trigger",),)
    argument_checks: ClassVar[Mapping[str, ArgumentCheck]] = {
        "event": check_event_name,
        "properties": check_mapping,
    }

    event: str
    properties: Mapping[str, Any]
    to: Addressee | None = None

    def describe(self) -> str:
        return f"{self.event}, {dict(self.properties)}, {self.to}"

    def start(self, turn: TurnState, key: str) -> Any:
        event_id = new_id(turn.now)
        turn.result.triggered.append(self._build_event(turn, event_id))
        detail = {"to": str(self.to)} if self.to is not None else None
        return self.record(turn, key, str(event_id), detail)

    def skip(self, turn: TurnState, key: str) -> Any:
        return self.record_skipped(turn, key, str(new_id(turn.now)))

    def _build_event(self, turn: TurnState, event_id: UUID) -> IncomingEvent:
        """Return the event.

        Raises:
            JourneyCodeError: the name or the properties exceed a limit of events.
            ValueNotStorable: the properties are not JSON.
        """
        name = self.event
        properties = {n: to_plain(value) for n, value in decode(encode(self.properties)).items()}
        problem = check_text(name) or check_properties(properties, escapes=True)
        if not 0 < len(name) <= MAX_NAME_LENGTH:
            problem = f"has a name that is not 1 to {MAX_NAME_LENGTH} characters long"
        if problem:
            raise JourneyCodeError(f"The event {name[:60]!r} {problem}.")
        enrollment = turn.inputs.enrollment
        return IncomingEvent(
            name=name,
            contact_id=enrollment.contact_id if self.to is None else None,
            user_id=self.to.user_id if self.to else None,
            email=self.to.email if self.to else None,
            properties=properties,
            source="journey",
            cause_id=enrollment.id,
            depth=turn.depth + 1,
            event_id=event_id,
        )

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        answer = record.step.answer
        links = build_event_links(read_object(answer).get("id") or answer)
        to = (record.step.detail or {}).get("to")
        whose = f" for {to}" if to else ""
        yield Description(f"Triggered {record.step.label}{whose}", "act", links=links)

    @classmethod
    def summarize(cls, step: Step) -> str:
        return ""

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        return site.build_step(
            cls.kind, site.format_argument(0, "event"), site.evaluate_text(0, "event")
        )

    @classmethod
    def find_problem(cls, site: CallSite) -> JourneyCodeError | None:
        return find_addressee_problem(site)
