"""Finds styles in the files of templates that are left out of mails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from ..domain.journey import BrokenFile
from .jinja_text import hide_jinja
from .markup import find_html_tokens, parse_attributes
from .template_files import BODIES

_EXTERNAL = "This style sheet is left out: no mail fetches one, and few mail programs do."
_NESTED = "This rule is inside another rule, where it is left out."
_UNREADABLE = "This is not CSS, and is left out: {}."


def find_dropped_styles(folder: Path) -> Iterator[BrokenFile]:
    """Yield the styles that are left out of the mails.

    Args:
        folder: the folder `emails/` of a journeys' folder.
    """
    for path in sorted(path for path in folder.glob("*") if path.suffix in BODIES):
        try:
            source = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue  # loading the templates reports it
        for line, problem, remedy in _find_in_file(hide_jinja(source)):
            yield BrokenFile(f"{folder.name}/{path.name}", line, problem, remedy)


def _find_in_file(source: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line of each problem, the problem, and what to do."""
    sheet_start: int | None = None
    for tag in find_html_tokens(source):
        if sheet_start is not None:
            first_line = source.count("\n", 0, sheet_start) + 1
            for line, problem, remedy in _find_in_sheet(source[sheet_start : tag.start]):
                yield first_line + line - 1, problem, remedy
        sheet_start = tag.end if tag.name in ("style", "mj-style") else None
        if tag.name == "link":
            relation = parse_attributes(source, tag).get("rel")
            if relation and "stylesheet" in relation.value.lower().split():
                line = source.count("\n", 0, tag.start) + 1
                yield line, _EXTERNAL, "Copy its rules into a <style>."


def _find_in_sheet(sheet: str) -> Iterator[tuple[int, str, str]]:
    # Only this check needs it, and it takes as long to load as most commands.
    import tinycss2

    for node in cast("list[Any]", tinycss2.parse_stylesheet(sheet, skip_comments=True)):
        if node.type == "error":
            yield node.source_line, _UNREADABLE.format(node.message.rstrip(".")), "Correct it."
        elif node.type == "qualified-rule":
            if any(part.type == "error" for part in node.prelude):
                yield (
                    node.source_line,
                    _UNREADABLE.format("its selector is not valid"),
                    "Correct it.",
                )
            for part in cast("list[Any]", tinycss2.parse_blocks_contents(node.content)):
                if part.type == "error":
                    reason = part.message.rstrip(".")
                    yield part.source_line, _UNREADABLE.format(reason), "Correct it."
                elif part.type == "qualified-rule":
                    yield part.source_line, _NESTED, "Write it as a rule of its own."
