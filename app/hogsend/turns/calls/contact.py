"""`ctx.contact` and `ctx.is_subscribed`: the contact as it is now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ...domain.contact import to_snapshot
from ...domain.journal import encode
from ..turn_state import TurnState
from .call import Call, Resource
from .description import Description, RecordedCall, Wording, format_answer
from .registry import register

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ..static_analysis.call_site import CallSite


@register
@dataclass(frozen=True, slots=True)
class ReadContact(Call):
    """The contact as it is now."""

    kind: ClassVar[str] = "contact"
    default_label: ClassVar[str] = "now"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("contact",),)
    runs_behind: ClassVar[bool] = True

    def start(self, turn: TurnState, key: str) -> Any:
        return self.record(turn, key, encode(to_snapshot(turn.contact)))

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        yield Description("Read the contact")


@register
@dataclass(frozen=True, slots=True)
class CheckSubscription(Call):
    """Whether email of a list may go to the contact now.

    Args:
        list_id: the list; None for the journey's list.
    """

    kind: ClassVar[str] = "is_subscribed"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("is_subscribed",),)
    runs_behind: ClassVar[bool] = True

    list_id: str | None

    def describe(self) -> str:
        return str(self.list_id)

    def start(self, turn: TurnState, key: str) -> Any:
        list_id = self.list_id or turn.journey.list_id
        turn.environment.check_list(list_id)
        consents = turn.send_facts.consents
        return self.record(turn, key, consents.allows(turn.environment.lists[list_id]))

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        title = f"Checked the subscription to {record.step.label}"
        notes = ("recorded, so a replay sees the same",)
        yield Description(title, tag=format_answer(record.step.answer, wording), notes=notes)

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        what = f"subscribed to {site.format_argument(0, 'list') or 'its list'}"
        return site.build_question(
            cls.kind, what, site.evaluate_text(0, "list") or "journey's list"
        )

    @classmethod
    def find_resources(cls, site: CallSite) -> Iterable[Resource]:
        yield Resource("list", site.evaluate(0, "list"))
