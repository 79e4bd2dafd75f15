"""Counts what journeys bring: who entered, who chose which arm, and who reached the goal."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from ..domain.enrollment import Enrollment
from ..domain.results import ChosenArm, Group
from ..store import counters, results
from ..store.counters import Tally
from ..store.db import Transaction
from ..store.goals import GoalCandidate


def count_entry(enrollment: Enrollment, tally: Tally) -> None:
    """Count a new enrollment, if it counts for a goal."""
    if enrollment.measured_as is not None:
        group = _name_group(enrollment.state)
        tally.add_to_gauge(
            counters.name_result_gauge(
                enrollment.journey_id, enrollment.measured_as, group, "entered"
            ),
            1,
        )


def count_goal(candidate: GoalCandidate, tally: Tally) -> None:
    """Count that an enrollment has reached its journey's goal, and with which arms."""
    journey_id, measured_as = candidate.journey_id, candidate.measured_as
    group = _name_group(candidate.state)
    tally.add_today(counters.name_goal_total(journey_id, group))
    if measured_as is None:
        return
    tally.add_to_gauge(counters.name_result_gauge(journey_id, measured_as, group, "reached"), 1)
    for arm in candidate.arms:
        tally.add_to_gauge(counters.name_arm_gauge(journey_id, measured_as, arm, "reached"), 1)


async def count_arms(
    tx: Transaction, chosen: Mapping[UUID, Mapping[str, ChosenArm]], tally: Tally
) -> None:
    """Count the arms that turns have chosen, each once for an enrollment.

    An enrollment that has reached the goal before does not count for the arm, because the arm did
    not bring it there.

    Args:
        tx: the transaction, which holds the locks of the contacts.
        chosen: the arms by enrollment and key of the variant.
        tally: counts them.
    """
    changed: dict[UUID, results.Arms] = {}
    for enrollment in await tx.fetch_one(results.find_by_ids(list(chosen))):
        if enrollment.measured_as is None or enrollment.goal_at is not None:
            continue
        known = {arm.key for arm in enrollment.arms}
        new = [arm for key, arm in chosen[enrollment.id].items() if key not in known]
        for arm in new:
            tally.add_to_gauge(
                counters.name_arm_gauge(
                    enrollment.journey_id, enrollment.measured_as, arm, "entered"
                ),
                1,
            )
        if new:
            changed[enrollment.id] = (*enrollment.arms, *new)
    await tx.apply([results.record_arms(changed)])


def _name_group(state: str) -> Group:
    return "held_out" if state == "held_out" else "entered"
