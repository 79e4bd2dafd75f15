"""The archive of a person has everything that is stored about them, and nothing about others."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from hogsend.compat.tortoise import list_columns
from hogsend.errors import Forbidden
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.archive import open_archive
from hogsend.store import personal_data
from hogsend.store.data_migration.tables import list_tables
from tests.actors import operator_named
from tests.ingest.test_erasing import EMAIL, MARK, MARKED, live_through
from tests.world import World

# Tables without rows about a person, apart from their id.
NOT_PERSONAL = {
    # What was uploaded, of anybody: kept for a few days, and erased with a person.
    "import_remarks",
    "imports",
    "api_keys",
    "counters",
    "dkim_keys",
    "erased_addresses",
    "erasures",
    "hatchet_runs",
    "hatchet_waits",
    "journeys",
    "link_totals",
    "meta",
    "operators",
    "sending_stops",
    "sessions",
    "sign_in_links",
    "workers",
}


async def read_archive(world: World, contact_id: UUID) -> zipfile.ZipFile:
    archive = await open_archive(world.runtime, COMMAND_LINE, contact_id)
    data = b"".join([chunk async for chunk in archive.chunks])
    opened = zipfile.ZipFile(io.BytesIO(data))
    assert opened.testzip() is None
    return opened


async def test_an_archive_has_everything_about_a_person_and_nothing_about_others(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    contact_id = await live_through(world)
    await world.submit("seen", user_id="bob", email="bob@example.com", properties={"x": "private"})
    archive = await read_archive(world, contact_id)

    data: dict[str, list[dict[str, Any]]] = json.loads(archive.read("data.json"))
    models = {part.name: list_columns(part.model)[0] for part in personal_data.PARTS}
    marked = {
        f"{models[name]}.{column}"
        for name, rows in data.items()
        for row in rows
        for column, value in row.items()
        if MARK in json.dumps(value)
    }
    # A mail is a file of its own, and an audit entry about nobody in particular is left out.
    assert marked == MARKED - {"messages.mail", "inbox.mail", "audit.subject", "audit.before"}
    html = archive.read("data.html").decode()
    assert f"<td>{EMAIL}" in html and "<script" not in html
    mails = [name for name in archive.namelist() if name.startswith("emails/")]
    assert len(mails) == 3 and MARK in archive.read(mails[0]).decode()
    assert "bob@example.com" not in json.dumps(data) + html
    assert [e["name"] for e in data["events"]].count("seen") == 2
    # However small the pages are in which the rows are read.
    parts = [replace(part, page_size=1) for part in personal_data.PARTS]
    monkeypatch.setattr("hogsend.services.archive.PARTS", parts)
    assert (await read_archive(world, contact_id)).namelist() == archive.namelist()
    again = json.loads((await read_archive(world, contact_id)).read("data.json"))
    assert {**again, "audit": None} == {**data, "audit": None}
    assert again["audit"][-1]["action"] == "download archive"
    with pytest.raises(Forbidden):
        await open_archive(world.runtime, operator_named("vera", "viewer"), contact_id)


def test_every_table_is_in_archives_or_known_to_hold_nothing_personal():
    """A new table belongs into `PARTS`, and into the erasure, or here."""
    in_archives = {list_columns(part.model)[0] for part in personal_data.PARTS}
    assert in_archives | NOT_PERSONAL == {table.name for table in list_tables()}
