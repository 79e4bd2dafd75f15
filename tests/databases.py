"""An open database for a test, and the people in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from hogsend.domain.enrollment import Enrollment
from hogsend.domain.ids import new_id
from hogsend.store.db import Database


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """Open a database, and close it at the end."""
    database = Database(url)
    await database.open()
    yield database
    await database.close()


def enrollment_of(now: datetime, **given: Any) -> Enrollment:
    """Return an enrollment of a person of its own, due at an instant unless said otherwise."""
    facts: dict[str, Any] = {
        "id": new_id(now),
        "contact_id": new_id(now),
        "journey_id": "j",
        "entry_key": "",
        "state": "active",
        "trigger_event_id": new_id(now),
        "code_hash": "abc",
        "entered_at": now,
        "wake_at": now,
    }
    return Enrollment(**{**facts, **given})
