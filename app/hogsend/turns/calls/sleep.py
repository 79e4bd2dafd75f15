"""`ctx.sleep` and `ctx.sleep_until`: wait for a time."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from ...domain.durations import describe_duration
from ...domain.enrollment import Wait
from ...domain.journal import Step
from ...domain.property_instant import PropertyInstant
from ..argument_checks import OPTIONAL_DURATION, ArgumentCheck, check_duration, in_utc
from ..turn_state import TurnState
from .description import Description, RecordedCall, Wording
from .following import describe_moves, read_moves
from .registry import register
from .wait import WaitCall
from .when import check_moment, describe_moment

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ..static_analysis.call_site import CallSite

# The label of a sleep without `label=`: the duration, or `until`.
_UNLABELLED = re.compile(r"(\d+ days?, )?\d+:\d\d:\d\d(\.\d+)?$|until$")
_INSTANT = "until"


@register
@dataclass(frozen=True, slots=True)
class Sleep(WaitCall):
    """Wait for a time.

    Args:
        until: a duration from the turn on, or an instant.
    """

    kind: ClassVar[str] = "sleep"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("sleep",), ("sleep_until",))
    argument_checks: ClassVar[Mapping[str, ArgumentCheck]] = {
        "duration": check_duration,
        "instant": check_moment,
        "timeout": OPTIONAL_DURATION,
    }

    until: timedelta | datetime

    def describe(self) -> str:
        return str(self.until)

    def start(self, turn: TurnState, key: str) -> Any:
        until = self.until
        instant = in_utc(until) if isinstance(until, datetime) else turn.compute_end(until)
        if instant <= turn.now:
            return self.record(turn, key, None, {"until": instant.isoformat()})
        return self.pause(turn, key, Wait(key, instant))

    def skip(self, turn: TurnState, key: str) -> Any:
        return None

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        follows = str((record.step.detail or {}).get("follows", ""))
        if not record.is_first:
            yield from describe_moves(read_moves(record.step), follows, wording)
            if record.step.answer is False:
                yield _describe_timeout(record.step)
            return
        at, until, ended = record.at, record.pause.until, record.pause.ended
        label = "" if _UNLABELLED.match(record.step.label) else record.step.label
        if until is None or until <= at:
            has_timed_out = record.step.answer is False
            reason = "timed out" if has_timed_out else "the time was past"
            yield Description("Did not sleep", "wait", notes=(label, reason))
            return
        length, end = (
            wording.format_duration(until - at),
            f"until {wording.format_time_beside(until, at)}",
        )
        problem = str((record.step.detail or {}).get("problem", ""))
        following = f"follows {follows}" if follows and follows != label else ""
        notes = (label, end, following, problem)
        if ended is None:
            yield Description(f"Sleeping {length}", "now", notes=notes)
        elif record.pause.was_cut_short:
            title = f"Slept {wording.format_duration(ended - at)} of {length}"
            yield Description(title, "wait", "woken", "run", notes=(label,))
        else:
            yield Description(f"Slept {length}", "wait", notes=notes)

    @classmethod
    def summarize(cls, step: Step) -> str:
        return ""

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        span, name = _read_until(site) if site.path == ("sleep_until",) else _read_duration(site)
        step = site.build_step(cls.kind, "", name, span=span)
        value = site.evaluate(0, "instant")
        return replace(
            step,
            title=span,
            caption=f"sleep · {step.label}" if step.label else "sleep",
            text=f"sleep {span}",
            is_wait=True,
            ends_turn=True,
            condition=f"{value} has come" if isinstance(value, PropertyInstant) else "",
        )

    @classmethod
    def list_drawn_arguments(cls, site: CallSite) -> list[ast.expr]:
        # The node of the sleep already shows the moment.
        return [node for node in site.arguments if describe_moment(node, site) is None]


def _read_duration(site: CallSite) -> tuple[str, str | None]:
    """Return the duration of a `ctx.sleep` as text, and its name in the journal."""
    duration = site.evaluate(0, "duration")
    name = describe_duration(duration) if isinstance(duration, timedelta) else None
    return site.format_argument(0, "duration"), name


def _read_until(site: CallSite) -> tuple[str, str]:
    """Return the end of a `ctx.sleep_until` as text, and its name in the journal."""
    node = site.find_argument(0, "instant")
    value = site.evaluate(0, "instant")
    if isinstance(value, PropertyInstant):
        return f"until {value}", str(value)
    moment = describe_moment(node, site) if node is not None else None
    if moment is None:
        return f"until {site.format_argument(0, 'instant')}".strip(), _INSTANT
    return moment, moment


def _describe_timeout(step: Step) -> Description:
    problem = str((step.detail or {}).get("problem", ""))
    return Description("No instant came in time", "wait", notes=(problem,))
