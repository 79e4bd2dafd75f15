"""Exports of contacts and suppressions as CSV or JSON Lines, streamed page by page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from uuid import UUID

from ..domain.formula_text import escape_formula
from ..domain.import_job import ImportFormat, ImportRemark
from ..store import audit
from ..store.read_models import contact_export
from ..store.read_models.contact_export import ExportPage
from ..store.read_models.contacts import SuppressionRecord
from .actor import Actor, Permission
from .export_formats import (
    CsvWriter,
    can_be_column,
    encode_json,
    format_instant,
    format_json,
    write_rows,
)
from .imports import list_remarks
from .installation import Installation

__all__ = ["ImportFormat", "export_contacts", "export_remarks", "export_suppressions"]

PAGE_SIZE = 2000
# A remark may be long.
REMARKS_PAGE_SIZE = 500
# Further properties share one column, as JSON.
MAX_PROPERTY_COLUMNS = 1000


async def export_contacts(
    installation: Installation, actor: Actor, format: ImportFormat
) -> AsyncGenerator[bytes]:
    """Return the parts of a file with all contacts.

    JSON Lines loses nothing: its import makes the same contacts. CSV is for spreadsheets, which run
    none of its cells as a formula.

    Args:
        installation: whose contacts.
        actor: who exports them.
        format: the format of the file.

    Raises:
        Forbidden: the actor may not operate, and so may not see the links in properties.
    """
    actor.require(Permission.OPERATE)
    await _record(installation, actor, "export contacts", "/contacts", format)
    if format == "jsonl":
        return _stream_pages(installation, format_json)
    writer = await _prepare_csv(installation)
    return _stream_pages(installation, writer.format_page, writer.format_header())


async def export_suppressions(
    installation: Installation, actor: Actor, format: ImportFormat
) -> AsyncGenerator[bytes]:
    """Return the parts of a file with all suppressed addresses.

    Raises:
        Forbidden: the actor may not operate.
    """
    actor.require(Permission.OPERATE)
    await _record(installation, actor, "export suppressions", "suppressions", format)
    return _stream_suppressions(installation, format)


async def export_remarks(
    installation: Installation, actor: Actor, import_id: UUID
) -> AsyncGenerator[bytes]:
    """Return the parts of a CSV with the rows that an import refused, or imported with a remark.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such import.
    """
    first = await list_remarks(installation, actor, import_id, REMARKS_PAGE_SIZE)
    return _stream_remarks(installation, actor, import_id, first)


async def _stream_remarks(
    installation: Installation, actor: Actor, import_id: UUID, remarks: Sequence[ImportRemark]
) -> AsyncGenerator[bytes]:
    yield write_rows([["row", "line", "imported", "reason", "content"]])
    while remarks:
        yield write_rows(
            (
                remark.row,
                remark.line,
                "no" if remark.is_refused else "yes",
                escape_formula(remark.reason),
                escape_formula(remark.content),
            )
            for remark in remarks
        )
        if len(remarks) < REMARKS_PAGE_SIZE:
            return
        after = remarks[-1].row
        remarks = await list_remarks(installation, actor, import_id, REMARKS_PAGE_SIZE, after)


async def _record(
    installation: Installation, actor: Actor, action: str, subject: str, format: ImportFormat
) -> None:
    entry = audit.record(
        actor.name, action, subject, installation.clock.now(), after={"format": format}
    )
    async with installation.database.transaction() as tx:
        await tx.apply([entry])


async def _stream_pages(
    installation: Installation, format_page: Callable[[ExportPage], bytes], header: bytes = b""
) -> AsyncGenerator[bytes]:
    if header:
        yield header
    after: UUID | None = contact_export.FIRST
    while after is not None:
        page = await contact_export.load_page(installation.database, after, PAGE_SIZE)
        if page.rows:
            # In a thread: the server answers others meanwhile.
            yield await asyncio.to_thread(format_page, page)
        after = page.last_id


async def _stream_suppressions(
    installation: Installation, format: ImportFormat
) -> AsyncGenerator[bytes]:
    if format == "csv":
        yield write_rows([["email", "reason", "at"]])
    after = ""
    while True:
        records = await installation.database.read_one(
            contact_export.find_suppressions(after, PAGE_SIZE)
        )
        if records:
            yield _format_suppressions(records, format)
        if len(records) < PAGE_SIZE:
            return
        after = records[-1].address


def _format_suppressions(records: Sequence[SuppressionRecord], format: ImportFormat) -> bytes:
    rows = [(record.address, record.reason, format_instant(record.at)) for record in records]
    if format == "csv":
        return write_rows([[escape_formula(address), *rest] for address, *rest in rows])
    names = ("email", "reason", "at")
    return "".join(encode_json(dict(zip(names, row, strict=True))) + "\n" for row in rows).encode()


async def _prepare_csv(installation: Installation) -> CsvWriter:
    """Find the columns of a CSV: every property that a contact has."""
    database, names, checked = installation.database, set[str](), set[str]()
    after: UUID | None = contact_export.FIRST
    while after is not None:
        page_names, ends = await database.read(
            contact_export.find_property_names(after, PAGE_SIZE, is_sqlite=database.is_sqlite),
            contact_export.find_nth_id(after, PAGE_SIZE),
        )
        # Most pages have the same names.
        names.update(filter(can_be_column, set(page_names) - checked))
        checked.update(page_names)
        after = ends[0] if ends else None
    lists = await database.read_one(contact_export.find_list_ids())
    return CsvWriter(sorted(names)[:MAX_PROPERTY_COLUMNS], lists)
