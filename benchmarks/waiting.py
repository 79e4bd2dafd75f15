"""100,000 people asleep: what they cost in memory and on disk, and how soon a restart is ready."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from report import report
from server import running
from start import proportional_memory
from turns import make_project

from hogsend.clock import SystemClock
from hogsend.config import load_settings, prepare_data
from hogsend.domain.contact import Contact
from hogsend.domain.enrollment import Enrollment, LookBack, Wait
from hogsend.domain.event import Event
from hogsend.domain.ids import new_id
from hogsend.domain.journal import Step
from hogsend.store import contacts, enrollments, events, turns
from hogsend.store.db import Database
from hogsend.store.events import NewEvent
from hogsend.store.migrations import bring_up_to_date
from hogsend.store.turns import Turn

SET = 2_000


async def fill(folder: Path, people: int) -> tuple[int, int]:
    """Write people who sleep; return the bytes of the database before and after."""
    settings = prepare_data(load_settings(dict(os.environ), folder))
    await bring_up_to_date(settings.database_url, backups=None)
    path = settings.data / "hogsend.db"
    before = path.stat().st_size
    database, now = Database(settings.database_url), SystemClock().now()
    await database.open()
    until = now + timedelta(days=30)
    for start in range(0, people, SET):
        crowd = [
            Contact(new_id(now), user_id=f"w{n}", email=f"w{n}@example.com", event_seq=1)
            for n in range(start, min(start + SET, people))
        ]
        caused = [
            Event(new_id(now), "bench.started", {}, 1, now, now, "api", one.id) for one in crowd
        ]
        asleep = [
            Enrollment(
                id=new_id(now),
                contact_id=one.id,
                journey_id="bench",
                entry_key="",
                state="waiting",
                trigger_event_id=event.id,
                code_hash="0" * 8,
                entered_at=now,
                turn=1,
                wake_at=until,
                wait=Wait("sleep:rest", until),
                look_back=LookBack(1),
            )
            for one, event in zip(crowd, caused, strict=True)
        ]
        step = Step("sleep:rest", "sleep", "rest", None, {"until": until.isoformat()}, waiting=True)
        async with database.transaction() as tx:
            await tx.apply(
                [
                    contacts.insert(crowd, now),
                    contacts.name([(f"u:{one.user_id}", one.id) for one in crowd]),
                    contacts.name([(f"e:{one.email}", one.id) for one in crowd]),
                    events.insert(NewEvent(event, {}) for event in caused),
                    enrollments.insert(asleep),
                    enrollments.update(asleep, now),
                    *turns.insert(
                        Turn(one.id, 1, now, one.code_hash, "waiting", [step]) for one in asleep
                    ),
                ]
            )
    await database.close()
    return before, path.stat().st_size


def settled_memory(folder: Path) -> tuple[float, float]:
    """Return the memory of the idle server in MB, and the seconds until it was ready."""
    with running(folder, settings={"HOGSEND_JOURNEYS": str(folder / "journeys")}) as server:
        time.sleep(3.0)
        return proportional_memory(server.pid), server.ready_after


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as full:
        make_project(Path(empty))
        make_project(Path(full))
        settled_memory(Path(empty))
        none, _ = settled_memory(Path(empty))
        before, after = asyncio.run(fill(Path(full), people))
        many, ready = settled_memory(Path(full))
    report(
        f"{people:,} waiting enrollments, memory more than none",
        f"{many - none:.0f} MB",
        "≤ 20 MB",
        detail=f"{many:.0f} against {none:.0f} MB; {(after - before) / people:,.0f} bytes of disk "
        "each, contact and trigger event included",
    )
    report(f"ready after a restart with {people:,} waiting", f"{ready:.2f} s", "≤ 2 s")


if __name__ == "__main__":
    main()
