"""Builds a large installation in minutes, for benchmarks: contacts, events, enrollments and mails.

`large_site.py FOLDER [CONTACTS]` builds one with so many contacts (1,000,000 by default), five
times as many events, and an enrollment, a turn and an email for each contact. It stays in the
folder, where later runs of the same size use it again. With `HOGSEND_DATABASE_URL`, the Postgres
database of that address is filled instead of a SQLite file.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

from project import make_project, opened, server_environment
from server import Server, running
from site_rows import JOURNEYS, Row, SiteRows, Size

from hogsend.config.secret import prepare_data
from hogsend.config.settings import load_settings
from hogsend.store.migrations import apply_pending

# To be raised when the rows change: an installation of another version is refused.
VERSION = 1
CONTACTS = 1_000_000
# Where installations are kept by default.
FOLDER = Path(tempfile.gettempdir()) / "hogsend-sites"
JOURNEY = """
@journey("{id}", trigger="{id}.started", goal="paid", holdout=0)
async def {name}(user: Contact, ctx: Context) -> None:
    await ctx.send("hello")
    await ctx.sleep(days(30), label="rest")
"""
TABLES: dict[str, str] = {
    "contacts": "id external_id email anonymous_id properties event_seq revision first_seen_at "
    "last_seen_at created_at updated_at",
    "identities": "identity contact_id",
    "events": "id contact_id seq name properties decisions occurred_at received_at source value "
    "currency depth",
    "enrollments": "id contact_id journey_id entry_key state trigger_event_id code_hash turn "
    "attempt wake_at wait_key wait since_seq since_at sends fence error end_reason entered_at "
    "updated_at ended_at unaddressed_sends",
    "turns": "enrollment_id number played_at code_hash outcome steps error",
    "sends": "id contact_id enrollment_id journey_id step_key template list_id subject props "
    "to_email status reason due_at created_at updated_at handed_at sent_at opened_at provider "
    "provider_id attempts",
    "hits": "id send_id kind position verdict agent network at",
    "refusals": "id journey_id reason contact_id event_id at",
    "consents": "contact_id list_id subscribed changed_at source",
    "suppressions": "address reason at",
    "audit": "id at who action subject before after",
    "counters": "name day value",
}


def prepare(folder: Path, contacts: int = CONTACTS) -> Path:
    """Build an installation, or bring the schema of the one in the folder up to date.

    Args:
        folder: where it is kept; created when it is missing.
        contacts: how many contacts.

    Returns:
        The folder of the project, in which a server is started.

    Raises:
        SystemExit: the folder has an installation that is not complete, or of another version.
    """
    url = os.environ.get("HOGSEND_DATABASE_URL", "")
    site = folder / f"{'postgres' if url else 'sqlite'}-{contacts}"
    record = site / "built.json"
    wanted = {"version": VERSION, "contacts": contacts, "url": url}
    environment = {"HOGSEND_DATABASE_URL": url} if url else {}
    if record.exists() and json.loads(record.read_text()) == wanted:
        settings = prepare_data(load_settings(environment, site))
        asyncio.run(apply_pending(settings.database_url, backups=None))
        return site
    if site.exists():
        raise SystemExit(f"{site} is not complete, or of another version. Delete it and try again.")
    site.mkdir(parents=True)
    make_project(site, _write_journeys())
    begun = time.monotonic()
    size = Size(contacts, contacts * 5, contacts)
    asyncio.run(_fill(site, size, url))
    record.write_text(json.dumps(wanted))
    print(f"built {site} in {time.monotonic() - begun:.0f} s", flush=True)
    return site


@contextmanager
def serve(site: Path) -> Generator[Server]:
    """Start a server of an installation, without the worker, whose work would be measured too.

    Args:
        site: the folder of the project, from `prepare`.
    """
    settings = {**server_environment(site), "HOGSEND_ADMIN_RATE_LIMIT": "0"}
    if url := os.environ.get("HOGSEND_DATABASE_URL"):
        settings["HOGSEND_DATABASE_URL"] = url
    with running(site, settings=settings, with_worker=False) as server:
        yield server


def _write_journeys() -> str:
    source = "from hogsend import Contact, Context, days, journey\n"
    for name in JOURNEYS:
        source += JOURNEY.format(id=name, name=name.replace("-", "_"))
    return source


async def _fill(site: Path, size: Size, url: str) -> None:
    async with opened(site) as project:
        journeys = project.code.registry.journeys.values()
        code_hashes = {journey.id: journey.code_hash for journey in journeys}
        file = project.file
    rows = SiteRows(size, time.time_ns() // 1000, code_hashes)
    if url:
        await _fill_postgres(url, rows)
    else:
        _fill_sqlite(file, rows)


def _list_rows(rows: SiteRows) -> Iterator[tuple[str, Iterable[Row]]]:
    """Yield each table with its rows; the counters come last, because making rows counts them."""
    yield "contacts", rows.list_contacts()
    yield "identities", rows.list_identities()
    yield "events", rows.list_events()
    yield "enrollments", rows.list_enrollments()
    yield "turns", rows.list_turns()
    yield "sends", rows.list_sends()
    yield "hits", rows.list_engagement()
    yield "refusals", rows.list_refusals()
    yield "consents", rows.list_consents()
    yield "suppressions", rows.list_suppressions()
    yield "audit", rows.list_audit()
    yield "counters", rows.list_counters()


def _fill_sqlite(file: Path, rows: SiteRows) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        # Quick instead of safe: after a crash, the database is built again.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -524288"):
            database.execute(f"PRAGMA {pragma}")
        # Building an index from all rows takes less time than adding each row to it.
        names = ", ".join(f"'{table}'" for table in TABLES)
        indexes = database.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
            f"AND tbl_name IN ({names})"
        ).fetchall()
        for name, _ in indexes:
            database.execute(f'DROP INDEX "{name}"')
        for table, table_rows in _list_rows(rows):
            columns = TABLES[table].split()
            database.execute("BEGIN")
            database.execute(f"DELETE FROM {table}")
            database.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) "
                f"VALUES ({', '.join('?' * len(columns))})",
                table_rows,
            )
            database.execute("COMMIT")
        for _, sql in indexes:
            database.execute(sql)
        database.execute("PRAGMA journal_mode = WAL")


async def _fill_postgres(url: str, rows: SiteRows) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        for table, table_rows in _list_rows(rows):
            await connection.execute(f"DELETE FROM {table}")
            await connection.copy_records_to_table(
                table,
                records=([_to_postgres(value) for value in row] for row in table_rows),
                columns=TABLES[table].split(),
            )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _to_postgres(value: object) -> object:
    return UUID(bytes=value) if isinstance(value, bytes) else value


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else CONTACTS)
