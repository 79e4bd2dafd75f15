"""A contact with 10,000 events is erased while other events come in; on SQLite and on Postgres.

The events of the contact lie between those of others, so that nearly each is on a page of its own.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from report import report

from hogsend.config.settings import load_settings
from hogsend.domain.incoming import IncomingEvent
from hogsend.process.runtime import Runtime, open_runtime
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.contacts import find_contact
from hogsend.services.privacy import erase_contact
from hogsend.store.migrations import apply_pending
from tests.postgres import running_postgres

OTHERS, BATCH = 4, 500
PROPERTIES = {"plan": "professional", "seats": 12, "referrer": "https://example.com/pricing"}


async def ingest(runtime: Runtime, user: str, n: int) -> None:
    await runtime.ingest.submit(
        IncomingEvent(
            "feature.used",
            user_id=user,
            email=f"{user}@example.com",
            properties=PROPERTIES | {"n": n},
            idempotency_key=f"{user}-{n}",
        )
    )


async def keep_ingesting(runtime: Runtime, durations: list[float]) -> None:
    """Submit an event of somebody every two milliseconds, and measure how long each takes."""
    n = 0
    while True:
        start = time.perf_counter()
        await ingest(runtime, f"busy{n % 10}", n)
        durations.append(time.perf_counter() - start)
        n += 1
        await asyncio.sleep(0.002)


async def measure(url: str, folder: Path, events: int) -> tuple[float, list[float]]:
    settings = load_settings(
        {"HOGSEND_DATA": str(folder), "HOGSEND_DATABASE_URL": url, "HOGSEND_SECRET": "s" * 43},
        folder,
    )
    await apply_pending(url, backups=None)
    async with open_runtime(settings, with_worker=False) as runtime:
        for first in range(0, events, BATCH // (OTHERS + 1)):
            await asyncio.gather(
                *(
                    ingest(runtime, user, n)
                    for n in range(first, first + BATCH // (OTHERS + 1))
                    for user in ("ada", *(f"other{first % 997}-{i}" for i in range(OTHERS)))
                )
            )
        contact = await find_contact(runtime, COMMAND_LINE, "ada")
        durations: list[float] = []
        busy = asyncio.create_task(keep_ingesting(runtime, durations))
        await asyncio.sleep(0.5)
        durations.clear()
        start = time.perf_counter()
        result = await erase_contact(runtime, COMMAND_LINE, contact.id)
        duration = time.perf_counter() - start
        busy.cancel()
        assert result.is_finished
        assert result.counts.events >= events
        return duration, sorted(durations)


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name, running_postgres() as postgres:
        folder = Path(name)
        for kind, url in (("SQLite", f"sqlite://{folder / 'hogsend.db'}"), ("Postgres", postgres)):
            duration, events_during = asyncio.run(measure(url, folder, events))
            slowest = f"{events_during[-1] * 1000:.0f} ms" if events_during else "none"
            report(
                f"erasure of a contact with {events:,} events, {kind}",
                f"{duration * 1000:.0f} ms",
                "≤ 200 ms",
                detail=f"{len(events_during)} events ingested meanwhile, the slowest in {slowest}",
            )


if __name__ == "__main__":
    main()
