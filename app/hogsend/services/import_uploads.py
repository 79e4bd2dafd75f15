"""What comes before an import runs: a file is stored, its columns are mapped, the import starts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from uuid import UUID

from ..domain.ids import new_id
from ..domain.import_columns import ImportKind
from ..domain.import_job import ImportFormat, ImportJob, ImportOptions
from ..domain.import_presets import PRESETS
from ..domain.import_rows import ContactFacts
from ..errors import InvalidInput, TooLarge
from ..store import imports
from .actor import Actor, Permission
from .audit import build_audit_entry
from .import_choices import (
    ImportChoices,
    build_options,
    check_options,
    find_mapping_problem,
    to_choices,
)
from .import_files import create_file, get_file, inspect_file, remove_file
from .import_steps import ParsedRow, build_parser, read_sample
from .imports import TOPIC, build_gone_error, delete_remarks, find_job, require_idle
from .journey_context import JourneyContext

__all__ = [
    "PRESETS",
    "ContactFacts",
    "ImportChoices",
    "ImportFormat",
    "ImportKind",
    "ImportOptions",
    "SampleRow",
    "configure_import",
    "create_import",
    "find_mapping_problem",
    "preview_import",
    "start_import",
]

_MAX_FILE_NAME_LENGTH = 255


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One of the first rows of a file, with what would be imported.

    Args:
        line: the line on which it begins.
        facts: what it says about a contact; None when it is refused.
        problem: why it is refused; empty when it is not.
        cells: its values by column, as text.
    """

    line: int
    facts: ContactFacts | None
    problem: str
    cells: Mapping[str, str]


async def create_import(
    context: JourneyContext,
    actor: Actor,
    kind: ImportKind,
    file_name: str,
    chunks: AsyncIterable[bytes],
    *,
    format: ImportFormat | None = None,
    import_choices: ImportChoices | None = None,
    is_draft: bool = False,
) -> ImportJob:
    """Store a file and find out how to read it; nothing is imported yet.

    Args:
        context: where the contacts are imported to.
        actor: who imports.
        kind: what the rows are.
        file_name: the file's name.
        chunks: its content.
        format: its format; None to guess it.
        import_choices: what is decided already; None to guess everything.
        is_draft: whether its columns need not fit yet, because someone maps them later.

    Raises:
        Forbidden: the actor may not operate.
        InvalidInput: the file is not one that can be imported, or a choice does not fit.
        TooLarge: the file is larger than the limit.
    """
    actor.require(Permission.OPERATE)
    now, settings = context.clock.now(), context.settings
    import_id = new_id(now)
    limit = settings.max_import_size * 1024 * 1024
    try:
        await _write_file(create_file(settings, import_id), chunks, limit)
        name = PurePath(file_name.replace("\0", "")).name[:_MAX_FILE_NAME_LENGTH]
        job = ImportJob(import_id, kind, "draft", name, "csv", {}, actor.name, now, now)
        chosen = import_choices or ImportChoices()
        job = await _configure(context, job, format, chosen, is_draft=is_draft)
        async with context.database.transaction() as tx:
            await tx.apply([imports.insert(job)])
    except BaseException:
        remove_file(settings, import_id)
        raise
    context.change_feed.publish(TOPIC)
    return job


async def _write_file(descriptor: int, chunks: AsyncIterable[bytes], limit: int) -> None:
    """Write a file of at most `limit` bytes, and close it.

    Raises:
        InvalidInput: the disk does not take it.
        TooLarge: it has more bytes.
    """
    size = 0
    try:
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise TooLarge(
                    f"This file is larger than {limit // 1024 // 1024:,} MiB.",
                    "Split it, or raise HOGSEND_MAX_IMPORT_SIZE.",
                )
            view = memoryview(chunk)
            while view:
                view = view[await asyncio.to_thread(os.write, descriptor, view) :]
    except OSError as error:
        raise InvalidInput(
            f"The file could not be stored: {error.strerror}.", "Make space in the data folder."
        ) from None
    finally:
        os.close(descriptor)


async def configure_import(
    context: JourneyContext,
    actor: Actor,
    import_id: UUID,
    import_choices: ImportChoices,
    *,
    is_draft: bool = False,
) -> ImportJob:
    """Decide how the file of an import is read, and what is done with its rows.

    Args:
        context: where the contacts are imported to.
        actor: who imports.
        import_id: the import.
        import_choices: what is decided.
        is_draft: whether its columns need not fit yet, because someone maps them later.

    Raises:
        Conflict: the import has begun.
        Forbidden: the actor may not operate.
        InvalidInput: a choice does not fit the file.
        NotFound: there is no such import.
    """
    actor.require(Permission.OPERATE)
    job = await find_job(context, import_id)
    require_idle(job)
    job = await _configure(context, job, job.format, import_choices, is_draft=is_draft)
    await delete_remarks(context, import_id)
    async with context.database.transaction() as tx:
        require_idle(await tx.fetch_one(imports.lock(import_id, tx.dialect.lock_rows)))
        await tx.apply([imports.update(job), imports.delete_remarks(import_id)])
    context.change_feed.publish(TOPIC)
    return job


async def _configure(
    context: JourneyContext,
    job: ImportJob,
    format: ImportFormat | None,
    import_choices: ImportChoices,
    *,
    is_draft: bool,
) -> ImportJob:
    """Return an import as a draft of these choices, with all counts back at zero.

    Raises:
        InvalidInput: a choice does not fit the file.
        NotFound: the file is gone.
    """
    path = get_file(context.settings, job.id)
    try:
        file = await asyncio.to_thread(
            inspect_file, path, format, import_choices.encoding, import_choices.separator
        )
    except FileNotFoundError:
        raise build_gone_error() from None
    options = build_options(job.kind, file, import_choices)
    if not is_draft:
        check_options(context, job.kind, options)
    return replace(
        job,
        status="draft",
        format=file.source.format,
        options=options.to_json(),
        size=file.size,
        position=file.position,
        line=file.line,
        updated_at=context.clock.now(),
        is_dry_run=False,
        **dict.fromkeys(("rows", "created", "updated", "unchanged", "refused", "noted"), 0),
        **dict.fromkeys(("problem", "started_at", "ended_at", "holder", "held_until"), None),
    )


async def preview_import(
    context: JourneyContext, actor: Actor, job: ImportJob, limit: int = 10
) -> list[SampleRow]:
    """Return the first rows of an import's file, and what would be imported of each.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: the file is gone.
    """
    actor.require(Permission.OPERATE)
    path, options = get_file(context.settings, job.id), ImportOptions.from_json(job.options)
    parser = build_parser(job, context.clock.now())

    def read() -> Sequence[ParsedRow]:
        file = inspect_file(path, job.format, options.encoding, options.separator)
        # After a dry run, the position of the import is the end of the file.
        first = replace(job, position=file.position, line=file.line)
        return read_sample(path, first, parser, limit)

    try:
        rows = await asyncio.to_thread(read)
    except FileNotFoundError:
        raise build_gone_error() from None
    names = list(options.columns)
    return [
        SampleRow(
            row.record.line,
            row.facts,
            row.problem,
            dict(zip(names, value, strict=False))
            if isinstance(value := row.record.value, list)
            else {name: str(value) for name, value in (value or {}).items()},
        )
        for row in rows
    ]


async def start_import(
    context: JourneyContext,
    actor: Actor,
    import_id: UUID,
    *,
    dry_run: bool = False,
    background: bool = True,
    total_rows: int | None = None,
) -> ImportJob:
    """Queue an import, which then runs from its first row.

    Args:
        context: where the contacts are imported to.
        actor: who starts it.
        import_id: the import.
        dry_run: whether to count only what would be imported.
        background: whether a server runs it; otherwise the caller does.
        total_rows: how many rows the file has; None when that is unknown.

    Raises:
        Conflict: the import has begun.
        Forbidden: the actor may not operate.
        NotFound: there is no such import, or its file is gone.
    """
    actor.require(Permission.OPERATE)
    job = await find_job(context, import_id)
    require_idle(job)
    options = ImportOptions.from_json(job.options)
    draft = await _configure(context, job, job.format, to_choices(options), is_draft=False)
    job = replace(
        draft,
        status="pending",
        is_dry_run=dry_run,
        is_background=background,
        total_rows=total_rows,
    )
    await delete_remarks(context, import_id)
    entry = build_audit_entry(
        context,
        actor,
        f"{'check' if dry_run else 'start'} import",
        f"/imports/{import_id}",
        after={"file": job.file_name, "kind": job.kind, **_describe_options(options)},
    )
    async with context.database.transaction() as tx:
        # Someone else may have started it in the meantime.
        require_idle(await tx.fetch_one(imports.lock(import_id, tx.dialect.lock_rows)))
        await tx.apply([imports.delete_remarks(import_id), imports.update(job), entry])
    context.change_feed.publish(TOPIC)
    return job


def _describe_options(options: ImportOptions) -> dict[str, object]:
    """Return what the audit log tells about the options."""
    described = {
        "lists": list(options.lists),
        "event": options.event,
        "resubscribe": options.resubscribe,
    }
    return {name: value for name, value in described.items() if value}
