"""Enrollments as a worker leaves them, for tests of commands, which have no worker."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from .conftest import Hogsend

SLEEPER = (
    "from hogsend import Contact, Context, days, journey\n\n\n"
    '@journey("sleeper", trigger="user.created")\n'
    "async def sleeper(user: Contact, ctx: Context) -> None:\n"
    '    await ctx.send("hello")\n'
    '    await ctx.sleep(days(2), label="rest")\n'
)
UNTIL = "2026-12-24T12:00:00+00:00"


def fall_asleep(journeys: Path, hogsend: Hogsend, *users: str) -> list[str]:
    """Enroll people in a journey with one wait and move them there; return the enrollments' ids."""
    (journeys / "sleeper.py").write_text(SLEEPER)
    ids = [
        hogsend("journeys", "enroll", "sleeper", "--user-id", user, "--json").json["stateId"]
        for user in users or ("ada",)
    ]
    answer = {"status": "queued", "reason": None, "sendId": "0" * 32}
    steps = [
        {"key": "send:hello", "kind": "send", "label": "hello", "answer": answer},
        {"key": "sleep:rest", "kind": "sleep", "label": "rest", "waiting": True},
    ]
    with connected(journeys) as database:
        database.execute(
            "UPDATE enrollments SET state = 'waiting', turn = 1, wait_key = 'sleep:rest', wait = ?",
            [json.dumps({"key": "sleep:rest", "until": UNTIL})],
        )
        database.execute(
            "INSERT INTO turns (enrollment_id, number, played_at, code_hash, outcome, steps) "
            "SELECT id, 1, entered_at, code_hash, 'waiting', ? FROM enrollments",
            [json.dumps(steps)],
        )
        database.execute("UPDATE counters SET name = 'state/sleeper/waiting' WHERE name LIKE 's%'")
        database.commit()
    return ids


def connected(journeys: Path) -> closing[sqlite3.Connection]:
    """Open the project's database."""
    return closing(sqlite3.connect(journeys.parent / "data" / "hogsend.db"))


def put_into(journeys: Path, state: str) -> None:
    """Move every enrollment into a state."""
    with connected(journeys) as database:
        ended = state == "failed"
        database.execute(
            "UPDATE enrollments SET state = ?, wake_at = NULL, error = ?, "
            "ended_at = CASE WHEN ? THEN entered_at END, "
            "wait_key = CASE WHEN ? THEN NULL ELSE wait_key END",
            [state, "Traceback\nKeyError: 'plan'" if ended else None, ended, ended],
        )
        database.execute(
            "UPDATE counters SET name = ? WHERE name LIKE 's%'", [f"state/sleeper/{state}"]
        )
        database.commit()


def states(journeys: Path) -> list[str]:
    """Return the state of every enrollment, oldest first."""
    with connected(journeys) as database:
        return [row[0] for row in database.execute("SELECT state FROM enrollments ORDER BY id")]
