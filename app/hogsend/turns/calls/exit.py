"""`ctx.exit`: end the journey."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ..turn_state import TurnState
from .call import Call, Suspension
from .registry import register

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ..static_analysis.call_site import CallSite


@register
@dataclass(frozen=True, slots=True)
class Exit(Call):
    """End the journey here; the label is the reason, which the enrollment records."""

    kind: ClassVar[str] = "exit"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("exit",),)
    is_journalled: ClassVar[bool] = False

    def start(self, turn: TurnState, key: str) -> Any:
        turn.end_journey("exited", self.label)
        return Suspension.TURN_OVER

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        reason = site.format_argument(0, "reason") or "exited"
        step = site.build_step(cls.kind, reason, None)
        return replace(step, caption="exits", text=f"exit: {reason}", ends_flow=True)
