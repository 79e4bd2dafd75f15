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
    """End the journey here; the label is the reason. The enrollment's end records it."""

    kind: ClassVar[str] = "exit"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("exit",),)
    is_journalled: ClassVar[bool] = False

    def start(self, turn: TurnState, key: str) -> Any:
        turn.leave("exited", self.label)
        return Suspension.TURN_OVER

    @classmethod
    def graph_step(cls, site: CallSite) -> GraphStep:
        reason = site.words(0, "reason") or "exited"
        step = site.step(cls.kind, reason, None)
        return replace(step, caption="exits", text=f"exit: {reason}", ends_flow=True)
