"""The beginning of an import: a file is stored, its columns are mapped, and the import starts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from uuid import UUID

from ..domain.ids import new_id
from ..domain.import_columns import (
    ImportKind,
    Target,
    check_columns,
    find_preset,
    guess_preset,
    map_columns,
    parse_target,
)
from ..domain.import_job import ImportFormat, ImportJob, ImportOptions
from ..domain.import_presets import PRESETS
from ..domain.import_rows import ContactFacts
from ..domain.incoming import MAX_NAME_LENGTH, check_text
from ..errors import InvalidInput, TooLarge
from ..store import imports
from .actor import Actor, Permission
from .audit import build_audit_entry
from .import_files import InspectedFile, create_file, get_file, inspect_file, remove_file
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
class ImportChoices:
    """What someone decides about an import; what is empty is found out or left out.

    Args:
        columns: what columns are imported as, as text, by name.
        preset: the product that the file comes from; `none` for no product.
        encoding: the encoding of the file.
        separator: what separates the cells of a CSV.
        lists: lists that every contact is subscribed to.
        resubscribe: whether contacts who have unsubscribed are subscribed again.
        event: an event to submit for each imported contact, which may start journeys.
    """

    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    preset: str = ""
    encoding: str = ""
    separator: str = ""
    lists: Sequence[str] = ()
    resubscribe: bool = False
    event: str = ""


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
        format: its format; None to find that out.
        import_choices: what is decided already.
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
    is_draft: bool = False,
) -> ImportJob:
    """Return a draft with these import_choices."""
    path = get_file(context.settings, job.id)
    try:
        file = await asyncio.to_thread(
            inspect_file, path, format, import_choices.encoding, import_choices.separator
        )
    except FileNotFoundError:
        raise build_gone_error() from None
    options = _build_options(job.kind, file, import_choices)
    if not is_draft:
        _check_options(context, job.kind, options)
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


def _build_options(
    kind: ImportKind, file: InspectedFile, import_choices: ImportChoices
) -> ImportOptions:
    preset = guess_preset(file.columns)
    if import_choices.preset:
        preset = find_preset(import_choices.preset)
        if preset is None and import_choices.preset != "none":
            names = ", ".join(PRESETS)
            raise InvalidInput(
                f"There is no preset {import_choices.preset!r}.", f"Use one of: {names}."
            )
    columns = map_columns(kind, file.columns, preset, _parse_columns(file, import_choices.columns))
    if problem := check_text(import_choices.event):
        raise InvalidInput(f"The name of the event {problem}.")
    return ImportOptions(
        encoding=file.source.encoding,
        separator=file.source.separator,
        columns={name: str(target) for name, target in columns.items()},
        preset=preset.name if preset else "",
        lists=tuple(dict.fromkeys(import_choices.lists)),
        resubscribe=import_choices.resubscribe,
        event=import_choices.event.strip()[:MAX_NAME_LENGTH],
    )


def _check_options(context: JourneyContext, kind: ImportKind, options: ImportOptions) -> None:
    """Refuse options with which the rows of a file cannot be imported."""
    if problem := find_mapping_problem(kind, options):
        known = ", ".join(list(options.columns)[:20])
        raise InvalidInput(f"{problem}.", f"Map one of the columns: {known}.")
    targets = map(parse_target, options.columns.values())
    mapped = [target.name for target in targets if target.field == "list"]
    for list_id in [*options.lists, *mapped]:
        if list_id not in context.registry.lists:
            known = ", ".join(context.registry.lists) or "there are none"
            raise InvalidInput(f"There is no list {list_id!r}.", f"Lists: {known}.")


def find_mapping_problem(kind: ImportKind, options: ImportOptions) -> str | None:
    """Return why rows with these columns cannot be imported; None when they can."""
    columns = {name: parse_target(text) for name, text in options.columns.items()}
    return check_columns(kind, columns)


def _parse_columns(file: InspectedFile, chosen: Mapping[str, str]) -> dict[str, Target]:
    columns: dict[str, Target] = {}
    for name, text in chosen.items():
        if name not in file.columns and file.source.format == "csv":
            known = ", ".join(file.columns[:20])
            raise InvalidInput(f"The file has no column {name!r}.", f"Its columns are: {known}.")
        try:
            columns[name] = parse_target(text)
        except ValueError as error:
            raise InvalidInput(f"The column {name!r} cannot be mapped: {error}") from None
    return columns


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
        # A dry run has come to the end of the file.
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
    """Let an import run from its first row.

    Args:
        context: where the contacts are imported to.
        actor: who starts it.
        import_id: the import.
        dry_run: whether to count only what would be imported.
        background: whether servers run it; else the caller does.
        total_rows: how many rows there are, if that is known.

    Raises:
        Conflict: the import has begun.
        Forbidden: the actor may not operate.
        NotFound: there is no such import, or its file is gone.
    """
    actor.require(Permission.OPERATE)
    job = await find_job(context, import_id)
    require_idle(job)
    options = ImportOptions.from_json(job.options)
    fresh = await _configure(context, job, job.format, _to_choices(options))
    job = replace(
        fresh,
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
        after={"file": job.file_name, "kind": job.kind, **_describe(options)},
    )
    async with context.database.transaction() as tx:
        # Someone else may have started it meanwhile.
        require_idle(await tx.fetch_one(imports.lock(import_id, tx.dialect.lock_rows)))
        await tx.apply([imports.delete_remarks(import_id), imports.update(job), entry])
    context.change_feed.publish(TOPIC)
    return job


def _to_choices(options: ImportOptions) -> ImportChoices:
    return ImportChoices(
        columns=options.columns,
        preset=options.preset or "none",
        encoding=options.encoding,
        separator=options.separator,
        lists=options.lists,
        resubscribe=options.resubscribe,
        event=options.event,
    )


def _describe(options: ImportOptions) -> dict[str, object]:
    described = {
        "lists": list(options.lists),
        "event": options.event,
        "resubscribe": options.resubscribe,
    }
    return {name: value for name, value in described.items() if value}
