"""Calls that return a value which a replay must repeat: time, random numbers, ids, variants."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ...domain.assignment import choose_arm, identify_arms
from ...domain.journal import Step, encode
from ...domain.results import ChosenArm
from ..argument_checks import ArgumentCheck, check_text
from ..turn_state import TurnState
from .call import Call
from .description import Description, RecordedCall, Wording, format_answer
from .registry import register

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ..static_analysis.call_site import CallSite


class ValueCall(Call):
    """A call whose answer needs neither a read nor an effect."""

    __slots__ = ()
    runs_behind: ClassVar[bool] = True
    # The title on the timeline; `{}` stands for the label.
    title: ClassVar[str]

    def start(self, turn: TurnState, key: str) -> Any:
        return self.record(turn, key, encode(self.compute_value(turn, key)))

    def compute_value(self, turn: TurnState, key: str) -> Any:
        """Return the value to record in the journal."""
        raise NotImplementedError

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        tag = format_answer(record.step.answer, wording)
        yield Description(cls.title.format(record.step.label), tag=tag)


@register
@dataclass(frozen=True, slots=True)
class Now(ValueCall):
    """The instant of the turn."""

    kind: ClassVar[str] = "now"
    default_label: ClassVar[str] = "now"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("now",),)
    title: ClassVar[str] = "Read the clock"

    def compute_value(self, turn: TurnState, key: str) -> Any:
        return turn.now


@register
@dataclass(frozen=True, slots=True)
class Random(ValueCall):
    """A random number.

    Args:
        draw: returns the number, from 0 up to 1.
    """

    kind: ClassVar[str] = "random"
    default_label: ClassVar[str] = "random"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("random",),)
    title: ClassVar[str] = "Drew a random number"

    draw: Callable[[], float] = random.random

    def compute_value(self, turn: TurnState, key: str) -> Any:
        return self.draw()


@register
@dataclass(frozen=True, slots=True)
class RandomId(ValueCall):
    """A random id."""

    kind: ClassVar[str] = "uuid"
    default_label: ClassVar[str] = "uuid"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("uuid",),)
    title: ClassVar[str] = "Created an ID"

    def compute_value(self, turn: TurnState, key: str) -> Any:
        return str(uuid.uuid4())


@register
@dataclass(frozen=True, slots=True)
class ChooseVariant(ValueCall):
    """An arm of an experiment, always the same for a contact; the label is the experiment.

    Args:
        arms: each arm with its weight.
    """

    kind: ClassVar[str] = "variant"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("variant",),)
    argument_checks: ClassVar[Mapping[str, ArgumentCheck]] = {
        "key": check_text,
    }
    title: ClassVar[str] = "Chose a variant of {}"

    arms: Mapping[str, float]

    def describe(self) -> str:
        return f"{self.arms}"

    def compute_value(self, turn: TurnState, key: str) -> Any:
        arm = choose_arm(f"{self.label}:{turn.inputs.enrollment.contact_id}", self.arms)
        turn.result.arms[self.label] = ChosenArm(self.label, identify_arms(self.arms), arm)
        return arm

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        step = site.build_step(
            cls.kind, site.format_argument(0, "key"), site.evaluate_text(0, "key")
        )
        arms = site.evaluate(1, "arms")
        return replace(step, arms=_list_arms(arms))


def _list_arms(value: Any) -> tuple[tuple[str, float], ...]:
    """Return the arms of a variant with their weights; nothing when they are not known."""
    arms = cast("dict[object, object]", value) if isinstance(value, dict) else {}
    known = [
        (arm, weight)
        for arm, weight in arms.items()
        if isinstance(arm, str) and isinstance(weight, int | float)
    ]
    return tuple(known) if len(known) == len(arms) else ()


@register
@dataclass(frozen=True, slots=True)
class Checkpoint(ValueCall):
    """An entry on the timeline without an effect."""

    kind: ClassVar[str] = "checkpoint"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("checkpoint",),)
    title: ClassVar[str] = "Checkpoint: {}"

    def compute_value(self, turn: TurnState, key: str) -> Any:
        return None

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        yield Description(cls.title.format(record.step.label), "act")

    @classmethod
    def summarize(cls, step: Step) -> str:
        return ""

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        what, name = site.format_argument(0, "label"), site.evaluate_text(0, "label")
        return site.build_step(cls.kind, what, name, has_label=False)
