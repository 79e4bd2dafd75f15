"""Deterministic assignment: the same name always gets the same arm, or is always held out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def point_of(name: str) -> float:
    """Return a number from 0 up to 1, the same for the same name and spread evenly over names.

    Args:
        name: any text.
    """
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64


def arm_of(name: str, arms: Mapping[str, float]) -> str:
    """Choose an arm for a name.

    Args:
        name: any text; the same one always gets the same arm.
        arms: each arm with its weight, not all of them zero.
    """
    point = point_of(name) * sum(arms.values())
    for arm, weight in arms.items():
        point -= weight
        if point < 0:
            return arm
    return list(arms)[-1]
