"""`ctx.trigger`: let an event happen to the contact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from ...domain.ids import new_id
from ...domain.incoming import MAX_NAME_LENGTH, IncomingEvent, check_properties, check_text
from ...domain.journal import Step, decode, encode, plain
from ...errors import JourneyCodeError
from ..turn_state import TurnState
from .call import Call
from .description import Description, RecordedCall, Wording, event_link, pairs_of
from .registry import register

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ..static_analysis.call_site import CallSite


@register
@dataclass(frozen=True, slots=True)
class Trigger(Call):
    """Let an event happen to the contact.

    Args:
        event: its name.
        properties: its properties.
    """

    kind: ClassVar[str] = "trigger"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("trigger",),)

    event: str
    properties: Mapping[str, Any]

    def describe(self) -> str:
        return f"{self.event}, {dict(self.properties)}"

    def start(self, turn: TurnState, key: str) -> Any:
        event_id = new_id(turn.now)
        turn.result.triggered.append(self._make_event(turn, event_id))
        return self.record(turn, key, str(event_id))

    def skip(self, turn: TurnState, key: str) -> Any:
        return self.record_skipped(turn, key, str(new_id(turn.now)))

    def _make_event(self, turn: TurnState, event_id: UUID) -> IncomingEvent:
        """Return the event, within the limits of every event.

        Raises:
            JourneyCodeError: its name or properties exceed a limit.
            ValueNotStorable: its properties are not JSON.
        """
        name = self.event
        properties = {n: plain(value) for n, value in decode(encode(self.properties)).items()}
        problem = check_text(name) or check_properties(properties, escapes=True)
        if not 0 < len(name) <= MAX_NAME_LENGTH:
            problem = f"has a name that is not 1 to {MAX_NAME_LENGTH} characters long"
        if problem:
            raise JourneyCodeError(f"The event {name[:60]!r} {problem}.")
        enrollment = turn.inputs.enrollment
        return IncomingEvent(
            name=name,
            contact_id=enrollment.contact_id,
            properties=properties,
            source="journey",
            cause_id=enrollment.id,
            depth=turn.depth + 1,
            event_id=event_id,
        )

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        answer = record.step.answer
        links = event_link(pairs_of(answer).get("id") or answer)
        yield Description(f"Triggered {record.step.label}", "act", links=links)

    @classmethod
    def summarize(cls, step: Step) -> str:
        return ""

    @classmethod
    def graph_step(cls, site: CallSite) -> GraphStep:
        return site.step(cls.kind, site.words(0, "event"), site.text(0, "event"))
