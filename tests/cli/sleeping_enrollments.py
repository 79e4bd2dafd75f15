"""Sleeping enrollments in a project's database, for tests of commands, which have no worker."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

from .conftest import Hogsend

SLEEPER_SOURCE = (
    "from hogsend import Contact, Context, days, journey\n\n\n"
    '@journey("sleeper", trigger="user.created")\n'
    "async def sleeper(user: Contact, ctx: Context) -> None:\n"
    '    await ctx.send("hello")\n'
    '    await ctx.sleep(days(2), label="rest")\n'
)
WAKES_AT = "2026-12-24T12:00:00+00:00"


def enroll_sleepers(journeys_folder: Path, hogsend: Hogsend, *user_ids: str) -> list[str]:
    """Write the journey `sleeper` and put contacts into its sleep, as if a worker had run a turn.

    Args:
        journeys_folder: the project's folder of journeys.
        hogsend: runs commands.
        user_ids: the contacts to enroll.

    Returns:
        The enrollments' ids.
    """
    (journeys_folder / "sleeper.py").write_text(SLEEPER_SOURCE)
    enrollment_ids = [
        hogsend("journeys", "enroll", "sleeper", "--user-id", user_id, "--json").json["stateId"]
        for user_id in user_ids
    ]
    answer = {"status": "queued", "reason": None, "sendId": "0" * 32}
    steps = [
        {"key": "send:hello", "kind": "send", "label": "hello", "answer": answer},
        {"key": "sleep:rest", "kind": "sleep", "label": "rest", "waiting": True},
    ]
    with open_database(journeys_folder) as database:
        database.execute(
            "UPDATE enrollments SET state = 'waiting', turn = 1, wait_key = 'sleep:rest', wait = ?",
            [json.dumps({"key": "sleep:rest", "until": WAKES_AT})],
        )
        database.execute(
            "INSERT INTO turns (enrollment_id, number, played_at, code_hash, outcome, steps) "
            "SELECT id, 1, entered_at, code_hash, 'waiting', ? FROM enrollments",
            [json.dumps(steps)],
        )
        _move_counter(database, "waiting")
        database.commit()
    return enrollment_ids


def open_database(journeys_folder: Path) -> closing[sqlite3.Connection]:
    """Open the project's database."""
    return closing(sqlite3.connect(journeys_folder.parent / "data" / "hogsend.db"))


def set_every_state(journeys_folder: Path, state: Literal["drifted", "failed"]) -> None:
    """Set the state of every enrollment; a failed one has an error, has ended and does not wait."""
    with open_database(journeys_folder) as database:
        has_failed = state == "failed"
        database.execute(
            "UPDATE enrollments SET state = ?, wake_at = NULL, error = ?, "
            "ended_at = CASE WHEN ? THEN entered_at END, "
            "wait_key = CASE WHEN ? THEN NULL ELSE wait_key END",
            [
                state,
                "Traceback\nKeyError: 'plan'" if has_failed else None,
                has_failed,
                has_failed,
            ],
        )
        _move_counter(database, state)
        database.commit()


def list_states(journeys_folder: Path) -> list[str]:
    """Return the state of every enrollment, oldest first."""
    with open_database(journeys_folder) as database:
        return [row[0] for row in database.execute("SELECT state FROM enrollments ORDER BY id")]


def _move_counter(database: sqlite3.Connection, state: str) -> None:
    # All enrollments of the only journey are in one state, so one counter begins with `state/`.
    database.execute(
        "UPDATE counters SET name = ? WHERE name LIKE 'state/%'", [f"state/sleeper/{state}"]
    )
