"""Rows that cannot be read: each fails alone, and pages show what can be read of it."""

from __future__ import annotations

import zlib
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from ..errors import CorruptRow
from .json_text import from_json

T = TypeVar("T")

# What is raised when stored text or compressed bytes were not written by us.
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, zlib.error)
REMEDY = "Restore what it held from a backup, or correct it by hand."

_showing: ContextVar[bool] = ContextVar("_showing", default=False)


def show_corrupt_rows() -> None:
    """Read corrupt rows as far as they can be read, for the rest of the current task.

    A request for a page calls this: it writes nothing back.
    """
    _showing.set(True)


def raise_or_show(table: str, row: object, error: Exception, left: T) -> T:
    """Refuse a row that cannot be read; on a page return what is shown in its place.

    Args:
        table: the row's table.
        row: the row's id.
        error: what reading it raised.
        left: what pages show in place of what cannot be read.

    Raises:
        CorruptRow: unless rows are read to be shown.
    """
    if _showing.get():
        return left
    reason = " ".join(str(error).split())[:200]
    message = (
        f"The row {row} of the table {table} cannot be read: {type(error).__name__}: {reason}."
    )
    raise CorruptRow(message, REMEDY, table=table, row=str(row)) from error


def parse_object(stored: Any) -> dict[str, Any]:
    """Read a JSON column that holds an object.

    Raises:
        ValueError: it holds something else.
    """
    value = from_json(stored)
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    return cast("dict[str, Any]", value)
