"""Deterministic assignment of contacts to the arms of an experiment and to holdout groups."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping


def compute_point(name: str) -> float:
    """Hash a name to a number from 0 up to 1; the numbers of many names are spread evenly."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64


def identify_arms(arms: Mapping[str, float]) -> str:
    """Return a short digest of arms and their weights; their order does not matter."""
    weights = sorted((arm, float(weight)) for arm, weight in arms.items())
    return hashlib.sha256(json.dumps(weights).encode()).hexdigest()[:8]


def choose_arm(name: str, arms: Mapping[str, float]) -> str:
    """Choose an arm for a name; a name always gets the same arm.

    Args:
        name: any text.
        arms: the weight of each arm; at least one weight is greater than zero.
    """
    point = compute_point(name) * sum(arms.values())
    for arm, weight in arms.items():
        point -= weight
        if point < 0:
            return arm
    return list(arms)[-1]
