"""What someone decides about an import, and the options that follow from it for a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..domain.import_columns import (
    ImportKind,
    Target,
    check_columns,
    find_preset,
    guess_preset,
    map_columns,
    parse_target,
)
from ..domain.import_job import ImportOptions
from ..domain.import_presets import PRESETS
from ..domain.incoming import MAX_NAME_LENGTH, check_text
from ..errors import InvalidInput
from .import_files import InspectedFile
from .journey_context import JourneyContext


@dataclass(frozen=True, slots=True)
class ImportChoices:
    """What someone decides about an import.

    Args:
        columns: what columns are imported as, as text, by name; the others are guessed.
        preset: the product that the file comes from; `none` for no product, empty to guess it.
        encoding: the encoding of the file; empty to guess it.
        separator: what separates the cells of a CSV; empty to guess it.
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


def to_choices(options: ImportOptions) -> ImportChoices:
    """Return choices that lead to the same options."""
    return ImportChoices(
        columns=options.columns,
        preset=options.preset or "none",
        encoding=options.encoding,
        separator=options.separator,
        lists=options.lists,
        resubscribe=options.resubscribe,
        event=options.event,
    )


def build_options(
    kind: ImportKind, file: InspectedFile, import_choices: ImportChoices
) -> ImportOptions:
    """Return the options of an import: what is decided, and guesses for the rest.

    Raises:
        InvalidInput: a choice does not fit the file.
    """
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


def check_options(context: JourneyContext, kind: ImportKind, options: ImportOptions) -> None:
    """Refuse options with which the rows of a file cannot be imported.

    Raises:
        InvalidInput: no column names a contact, or a list does not exist.
    """
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
    """Parse what columns are imported as.

    Raises:
        InvalidInput: the file has no such column, or a text has no meaning.
    """
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
