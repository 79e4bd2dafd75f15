"""Whatever happens, in any order, the real thing decides and sends as the model says."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from .machine import Machine

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "0"))
# By default always the same few examples; a long run looks for others each time.
SETTINGS = settings(
    max_examples=EXAMPLES or 25,
    stateful_step_count=30,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)


def test_on_sqlite_all_goes_as_the_model_says(sqlite_template: Path, tmp_path: Path):
    numbers = itertools.count()

    def fresh() -> tuple[str, Path]:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        shutil.copy(sqlite_template, folder / "hogsend.db")
        return f"sqlite://{folder / 'hogsend.db'}", folder

    run(fresh)


def run(fresh) -> None:
    machine = type("Machine", (Machine,), {"fresh": staticmethod(fresh)})
    run_state_machine_as_test(machine, settings=SETTINGS)
