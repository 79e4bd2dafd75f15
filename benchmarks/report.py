"""Prints one line for each figure, and keeps it as JSON when asked to."""

from __future__ import annotations

import json
import os
from pathlib import Path


def report(what: str, value: str, goal: str, *, detail: str = "") -> None:
    """Print a figure.

    Args:
        what: which figure.
        value: what was measured.
        goal: what it should be.
        detail: how it came about.
    """
    print(f"{what}: {value} (goal {goal})" + (f"; {detail}" if detail else ""), flush=True)
    kept = os.environ.get("BENCH_RESULTS", "")
    if kept:
        with Path(kept).open("a") as file:
            row = {"what": what, "value": value, "goal": goal, "detail": detail}
            file.write(json.dumps(row) + "\n")
