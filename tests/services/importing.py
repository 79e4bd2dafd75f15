"""Imports files into the instance of a test, and exports its contacts again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from hogsend.domain.ids import new_id
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.exports import ImportFormat, export_contacts
from hogsend.services.import_runs import run_import
from hogsend.services.import_uploads import (
    ImportChoices,
    ImportKind,
    create_import,
    start_import,
)
from hogsend.services.imports import ImportJob, ImportRemark, list_remarks
from tests.world import World


async def upload(
    world: World,
    content: str | bytes,
    kind: ImportKind = "contacts",
    format: ImportFormat | None = None,
    **choices: Any,
) -> ImportJob:
    """Upload a file whose import waits for its start."""

    async def chunks() -> AsyncIterator[bytes]:
        yield content.encode() if isinstance(content, str) else content

    return await create_import(
        world.runtime,
        COMMAND_LINE,
        kind,
        "people.csv",
        chunks(),
        format=format,
        choices=ImportChoices(**choices),
    )


async def run(
    world: World, job: ImportJob, on_progress: Callable[[ImportJob], None] | None = None
) -> ImportJob:
    """Run an import in a process of its own name."""
    return await run_import(world.runtime, job.id, new_id(world.clock.now()), on_progress)


async def import_text(
    world: World, content: str | bytes, *, dry_run: bool = False, **options: Any
) -> ImportJob:
    """Import a file to its end."""
    job = await upload(world, content, **options)
    await start_import(world.runtime, COMMAND_LINE, job.id, dry_run=dry_run, background=False)
    return await run(world, job)


def count(job: ImportJob) -> dict[str, int]:
    """Return what the rows of an import did, without zeros."""
    names = ("rows", "created", "updated", "unchanged", "refused", "noted")
    return {name: getattr(job, name) for name in names if getattr(job, name)}


async def remarks(world: World, job: ImportJob) -> list[ImportRemark]:
    return await list_remarks(world.runtime, COMMAND_LINE, job.id, 1000)


async def export_text(world: World, format: ImportFormat) -> str:
    chunks = await export_contacts(world.runtime, COMMAND_LINE, format)
    return b"".join([chunk async for chunk in chunks]).decode()


async def export_objects(world: World) -> list[dict[str, Any]]:
    """Return the exported contacts without our ids, by user id or address."""
    lines = (await export_text(world, "jsonl")).splitlines()
    contacts = [json.loads(line) for line in lines]
    for contact in contacts:
        del contact["contactId"]
    return sorted(contacts, key=lambda contact: contact["userId"] or contact["email"] or "")
