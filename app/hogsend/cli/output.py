"""How commands show data: tables and fields for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click

from ..errors import HogsendError

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
# The width of a table that is not shown on a terminal: no row is ever wrapped.
_UNLIMITED_WIDTH = 100_000


def json_option(command: CommandT) -> CommandT:
    """Add the option `--json` to a command, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def make_printable(text: str) -> str:
    """Replace every unprintable character but the newline, as a terminal may act on it."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def format_count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, such as `1 person` or `2,000 people`.

    Args:
        number: how many.
        noun: the noun in the singular.
        plural: the noun in the plural, where it is not the singular with an `s`.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def confirm(question: str) -> bool:
    """Ask a question that `--yes` answers, on standard error, and return whether to go on.

    Raises:
        HogsendError: there is nobody to answer, because standard input is closed or empty.
    """
    # Interrupted while the question is shown, the command is aborted.
    try:
        answer = click.confirm(question, err=True) if sys.stdin else None
    except click.Abort as abort:
        if isinstance(abort.__context__, KeyboardInterrupt):
            raise
        click.echo(err=True)
        answer = None
    if answer is None:
        raise HogsendError(
            "This needs a confirmation, and nobody can answer.", "Repeat it with `--yes`."
        )
    return answer


def print_json(value: object) -> None:
    """Print a value as JSON: instants in ISO form, ids and paths as strings."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_to_json_value))


def _to_json_value(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID | Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], empty_message: str
) -> None:
    """Print a table, or a sentence when the table has no rows.

    Args:
        columns: the headers.
        rows: the cells; None is shown as an empty cell, an instant in local time.
        empty_message: the sentence to print instead of an empty table, with the next step.
    """
    if not rows:
        click.echo(empty_message)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(format_value(value)) for value in row))
    console = Console(width=None if sys.stdout.isatty() else _UNLIMITED_WIDTH, highlight=False)
    with console.capture() as captured:
        console.print(table, crop=False)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def print_fields(fields: Mapping[str, object]) -> None:
    """Print at least one named value, one per line; indent the further lines of a value."""
    width = max(len(name) for name in fields)
    for name, value in fields.items():
        lines = format_value(value).splitlines() or [""]
        click.echo(f"{name:<{width}}  {lines[0]}".rstrip())
        for line in lines[1:]:
            click.echo(f"{'':<{width}}  {line}")


def format_value(value: object) -> str:
    """Return a value as printable text: None as empty, a bool as yes or no, times in local time."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M}"
    return make_printable(str(value))
