"""How commands show data: a table for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click

Command = TypeVar("Command", bound=Callable[..., Any])
_WIDE = 100_000


def json_option(command: Command) -> Command:
    """Give a command the option `--json`, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def plain(text: str) -> str:
    """Return a text without characters that a terminal would act on."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def show_json(value: object) -> None:
    """Print a value as JSON; instants in ISO form, ids and paths as text."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_json_form))


def _json_form(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID | Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Print a table, or a sentence when it has no rows.

    Args:
        columns: the headings.
        rows: the cells; None is empty, an instant is shown in local time.
        empty: what to say instead of an empty table, with the next step.
    """
    if not rows:
        click.echo(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    console = Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
    with console.capture() as captured:
        console.print(table, crop=False)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def show_facts(facts: Mapping[str, object]) -> None:
    """Print named facts, one a line."""
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        lines = cell(value).splitlines() or [""]
        click.echo(f"{name:<{width}}  {lines[0]}".rstrip())
        for line in lines[1:]:
            click.echo(f"{'':<{width}}  {line}")


def cell(value: object) -> str:
    """Return a value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M}"
    return plain(str(value))
