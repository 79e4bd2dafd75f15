"""Every screen answers when all that is kept for a time is gone, and says what it can."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain

from hogsend.clock import ManualClock
from hogsend.process.retention import Retention, RetentionPolicy
from hogsend.process.runtime import Runtime
from hogsend.store.db import Query
from tests.web.conftest import Browser, extract_text
from tests.web.sample_data import SampleData


async def ids(runtime: Runtime, table: str) -> list[str]:
    rows = await runtime.database.read_one(Query(f"SELECT id FROM {table}", [], list))  # noqa: S608
    return [str(row[0]) if not isinstance(row[0], bytes) else row[0].hex() for row in rows]


async def test_every_page_works_after_retention(
    owner: Browser, sample: SampleData, runtime: Runtime, clock: ManualClock
) -> None:
    later = ManualClock(clock.now() + timedelta(days=400))
    removed = await Retention(
        runtime.database, later, RetentionPolicy.from_settings(runtime.settings)
    ).apply()
    assert {"journals", "rendered mails", "captured mails"} <= set(removed)

    people = await ids(runtime, "contacts")
    paths = chain(
        ("/", "/emails", "/inbox", "/events", "/journeys/activation-welcome"),
        (f"/contacts/{contact_id}" for contact_id in people[:3]),
        (f"/enrollments/{enrollment_id}" for enrollment_id in await ids(runtime, "enrollments")),
        (f"/emails/{send_id}" for send_id in await ids(runtime, "sends")),
    )
    for path in paths:
        answer = await owner.get(path)
        assert answer.status_code == 200, path


async def test_an_enrollment_summarizes_steps_that_are_no_longer_stored(
    owner: Browser, sample: SampleData, runtime: Runtime, clock: ManualClock
) -> None:
    later = ManualClock(clock.now() + timedelta(days=400))
    await Retention(
        runtime.database, later, RetentionPolicy.from_settings(runtime.settings)
    ).apply()
    rows = await runtime.database.read_one(
        Query("SELECT id FROM enrollments WHERE state = 'failed' AND compacted_at > 0", [], list)
    )

    text = extract_text(await owner.read(f"/enrollments/{rows[0][0].hex()}"))

    assert "Ran 2 turns summary" in text
    assert "2 of them failed" in text
    assert "steps are kept for a limited time after the end" in text
