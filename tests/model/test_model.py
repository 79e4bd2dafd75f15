"""The system decides and sends as the reference model predicts, for events in any order.

The same few examples run each time; `MODEL_EXAMPLES=1000 pytest tests/model` tries more.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.databases import run_in_thread

from .state_machine import HogsendStateMachine

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "0"))
ON_SQLITE, ON_POSTGRES = 30, 15
STEPS = 30
# The tables that are not emptied between two examples.
_MIGRATION_TABLES = ("aerich",)


def test_sqlite_agrees_with_the_reference_model(sqlite_template: Path, tmp_path: Path):
    folders = _folders(tmp_path)

    def create_database() -> tuple[str, Path]:
        folder = next(folders)
        shutil.copy(sqlite_template, folder / "hogsend.db")
        return f"sqlite://{folder / 'hogsend.db'}", folder

    _run(create_database, ON_SQLITE)


def test_postgres_agrees_with_the_reference_model(postgres_url: str, tmp_path: Path):
    folders = _folders(tmp_path)

    def create_database() -> tuple[str, Path]:
        run_in_thread(_delete_rows(postgres_url))
        return postgres_url, next(folders)

    _run(create_database, ON_POSTGRES)


def _folders(parent: Path) -> Iterator[Path]:
    """Yield empty folders, and delete each folder before the next."""
    for number in itertools.count():
        folder = parent / str(number)
        folder.mkdir()
        yield folder
        shutil.rmtree(folder)


async def _delete_rows(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for row in rows:
            if row[0] not in _MIGRATION_TABLES:
                await connection.execute(f'DELETE FROM "{row[0]}"')  # noqa: S608
    finally:
        await connection.close()


def _run(create_database: Callable[[], tuple[str, Path]], default_examples: int) -> None:
    machine = type(
        "HogsendStateMachine",
        (HogsendStateMachine,),
        {"create_database": staticmethod(create_database)},
    )
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES or default_examples,
            stateful_step_count=STEPS,
            derandomize=not EXAMPLES,
            database=None,
            deadline=None,
            # The default examples are always the same, so a failure needs no shrinking, which would
            # take minutes.
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]
        ),
    )
