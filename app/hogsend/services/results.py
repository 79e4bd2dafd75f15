"""What a journey brings, for its page, the command line and the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..domain.assignment import identify_arms
from ..domain.graph import GraphStep, JourneyGraph
from ..domain.journey import Journey
from ..domain.results import (
    ChosenArm,
    Comparison,
    Figure,
    Group,
    GroupCount,
    JourneyResults,
    compare_arms,
    compare_holdout,
)
from ..store import counters
from ..store.counters import Gauge
from .actor import Actor, Permission
from .journey_context import JourneyContext
from .journeys import find_definition

__all__ = ["JourneyResults", "get_results"]

# The longest name of a variant in the journal.
_MAX_KEY_LENGTH = 180
_FIGURES: Sequence[Figure] = ("entered", "reached")
ArmCounts = Mapping[ChosenArm, GroupCount]


async def get_results(context: JourneyContext, actor: Actor, journey_id: str) -> JourneyResults:
    """Return what a journey brings.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no journey with this id.
    """
    actor.require(Permission.READ)
    journey = await find_definition(context, journey_id)
    if journey.goal is None or journey.measured_as is None:
        return JourneyResults(journey_id, None, journey.holdout)
    graph = context.registry.graphs.get(journey_id)
    variants = _find_variants(graph)
    groups, arms = await _read_counts(context, journey, journey.measured_as, variants)
    entered, held_out = groups["entered"], groups["held_out"]
    comparisons: list[Comparison] = []
    if journey.holdout or held_out.entered:
        comparisons.append(compare_holdout(entered, held_out))
    # A variant with a name that is put together is only known from its counts.
    keys = {arm.key for arm in arms} | {key for key, step in variants.items() if step.arms}
    steps = {key: _find_variant(variants, key) for key in sorted(keys)}
    has_unknown = _has_unknown_variant(graph)
    comparisons += [
        _compare(key, step, arms, is_gone=step is None and not has_unknown)
        for key, step in steps.items()
    ]
    return JourneyResults(journey_id, str(journey.goal), journey.holdout, entered, comparisons)


def _find_variants(graph: JourneyGraph | None) -> Mapping[str, GraphStep]:
    """Return the steps of the variants in the code, by the variant's key."""
    steps = graph.walk_steps() if graph else ()
    named: dict[str, GraphStep] = {}
    for step in steps:
        if step.kind == "variant" and step.key:
            named.setdefault(step.key.partition(":")[2], step)
    return named


def _has_unknown_variant(graph: JourneyGraph | None) -> bool:
    """Return whether the code has a variant whose key is only known when it runs."""
    steps = graph.walk_steps() if graph else ()
    return any(step.kind == "variant" and not step.key for step in steps)


def _find_variant(variants: Mapping[str, GraphStep], key: str) -> GraphStep | None:
    name = key[:_MAX_KEY_LENGTH]
    matching = (step for step in variants.values() if step.matches_key(f"variant:{name}"))
    return variants.get(name) or next(matching, None)


async def _read_counts(
    context: JourneyContext,
    journey: Journey,
    measured_as: str,
    variants: Mapping[str, GraphStep],
) -> tuple[Mapping[Group, GroupCount], ArmCounts]:
    names: dict[tuple[Group, Figure], Gauge] = {
        (group, figure): counters.name_result_gauge(journey.id, measured_as, group, figure)
        for group in ("entered", "held_out")
        for figure in _FIGURES
    }
    # An arm with a long name cannot be read from the name of its count.
    arm_names: dict[tuple[ChosenArm, Figure], Gauge] = {
        (chosen, figure): counters.name_arm_gauge(journey.id, measured_as, chosen, figure)
        for key, step in variants.items()
        for arm, _ in step.arms
        for chosen in [ChosenArm(key, identify_arms(dict(step.arms)), arm)]
        for figure in _FIGURES
    }
    gauges, by_arm = await context.database.read(
        counters.find_gauges([*names.values(), *arm_names.values()]),
        counters.find_arm_gauges(journey.id, measured_as, is_sqlite=context.database.is_sqlite),
    )
    by_arm |= {place: gauges[name] for place, name in arm_names.items() if name in gauges}

    def count(group: Group) -> GroupCount:
        return GroupCount(*(gauges.get(names[group, figure], 0) for figure in _FIGURES))

    return {"entered": count("entered"), "held_out": count("held_out")}, {
        arm: GroupCount(*(by_arm.get((arm, figure), 0) for figure in _FIGURES)) for arm, _ in by_arm
    }


def _compare(key: str, step: GraphStep | None, counts: ArmCounts, *, is_gone: bool) -> Comparison:
    """Compare the arms of one variant.

    Args:
        key: the variant's key.
        step: the variant in the code; None when the code has none whose key is known to be this.
        counts: the people of each arm.
        is_gone: whether no variant of the code can have the key.
    """
    arms = dict(step.arms) if step else {}
    present = identify_arms(arms) if arms else ""
    current: dict[str, GroupCount] = {}
    others: dict[str, GroupCount] = {}
    for arm, count in counts.items():
        if arm.key == key:
            counted = current if arm.arms == present else others
            counted[arm.arm] = counted.get(arm.arm, GroupCount()) + count
    are_past = is_gone or bool(arms)
    return compare_arms(key, list(arms), current, others, are_past=are_past)
