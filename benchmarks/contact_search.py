"""How long a request takes that searches contacts, or filters them by properties.

`contact_search.py 1000000` is the figure; without a number there are 100,000 contacts. With an
address of an empty Postgres database as the second argument, Postgres is measured.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from report import report

from hogsend.clock import SystemClock
from hogsend.config.settings import load_settings
from hogsend.domain.contact import Contact
from hogsend.domain.ids import IdGenerator
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.contact_search import ContactQuery, search_contacts
from hogsend.services.installation import Installation, open_installation
from hogsend.store import contacts
from hogsend.store.db import Write
from hogsend.store.fields import to_micros
from hogsend.store.migrations import apply_pending

START = datetime(2024, 1, 1, tzinfo=UTC)
BATCH = 5_000
REQUESTS = 60
QUERIES = {
    "search by the beginning of an address": ContactQuery(text="user12"),
    "filter that one in ten matches": ContactQuery(where=["plan=pro"]),
    "filter that one in 5,000 matches": ContactQuery(where=["city=city77"]),
    "two filters, nested": ContactQuery(where=["plan=team", "company.size>490"], sort="-created"),
    "filter that nobody matches": ContactQuery(where=["missing=1"]),
    "filter that looks into texts": ContactQuery(where=["name~Person 77"], sort="lastSeen"),
}


async def fill(installation: Installation, count: int) -> None:
    """Store contacts with seven properties each, seen last at random times."""
    new_id, chance = IdGenerator(), random.Random(1)  # noqa: S311
    for first in range(0, count, BATCH):
        people: list[Contact] = []
        for number in range(first, min(first + BATCH, count)):
            properties = {
                "plan": chance.choice(["free"] * 8 + ["pro", "team"]),
                "seats": chance.randint(1, 100),
                "city": f"city{chance.randint(1, 5000)}",
                "name": f"Person {number}",
                "company": {"name": "A company", "size": chance.randint(1, 500)},
            }
            at = START + timedelta(seconds=30 * number)
            email = f"user{number}@example.com"
            people.append(Contact(new_id(at), f"u{number}", email, properties))
        names = [
            (name, person.id)
            for person in people
            for name in contacts.to_identities(person.user_id, person.email, None)
        ]
        seen = [
            (
                to_micros(person.first_seen_at + timedelta(seconds=chance.randint(0, 9_000_000))),
                person.id,
            )
            for person in people
        ]
        async with installation.database.transaction() as tx:
            await tx.apply(
                [
                    contacts.insert(people, START),
                    contacts.add_identities(names),
                    Write("UPDATE contacts SET last_seen_at = ? WHERE id = ?", seen),
                ]
            )


async def measure(installation: Installation) -> None:
    """Follow the pages of each query, and report the 95th percentile of a request."""
    kind = "SQLite" if installation.database.is_sqlite else "Postgres"
    for name, query in QUERIES.items():
        times: list[float] = []
        cursor = ""
        for _ in range(REQUESTS):
            began = time.perf_counter()
            page = await search_contacts(
                installation,
                COMMAND_LINE,
                ContactQuery(query.text, "all", query.where, query.sort, 50, cursor),
            )
            times.append((time.perf_counter() - began) * 1000)
            cursor = page.next_cursor
        percentile = statistics.quantiles(times, n=20)[-1]
        report(f"{name}, {kind}", f"{percentile:.0f} ms", "≤ 50 ms", detail="p95 of a request")


async def main(count: int, url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = url or f"sqlite://{folder}/hogsend.db"
        names = {"HOGSEND_DATA": folder, "HOGSEND_DATABASE_URL": url}
        await apply_pending(url, backups=None)
        async with open_installation(load_settings(names, Path(folder))) as installation:
            assert isinstance(installation.clock, SystemClock)
            await fill(installation, count)
            await measure(installation)


if __name__ == "__main__":
    asyncio.run(
        main(int(sys.argv[1]) if sys.argv[1:] else 100_000, sys.argv[2] if sys.argv[2:] else "")
    )
