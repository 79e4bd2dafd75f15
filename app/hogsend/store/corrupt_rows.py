"""Corrupt rows: each fails on its own, and pages show the readable fields."""

from __future__ import annotations

import zlib
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from ..errors import CorruptRow
from .json_text import from_json

T = TypeVar("T")

# The exceptions of reading stored text or compressed bytes that Hogsend did not write.
CORRUPTION_ERRORS = (ValueError, TypeError, KeyError, AttributeError, zlib.error)
REMEDY = "Restore what it held from a backup, or correct it by hand."

_showing: ContextVar[bool] = ContextVar("_showing", default=False)


def show_corrupt_rows() -> None:
    """Show corrupt rows with fallbacks instead of raising, for the rest of the current task.

    Only requests for pages may call this, because they do not write the rows back.
    """
    _showing.set(True)


def raise_or_show(table: str, row: object, error: Exception, fallback: T) -> T:
    """Raise because of a corrupt row, or return the fallback if `show_corrupt_rows` was called.

    Args:
        table: the row's table.
        row: the row's id.
        error: the exception of reading the row.
        fallback: the value that pages show instead.

    Raises:
        CorruptRow: `show_corrupt_rows` was not called in this task.
    """
    if _showing.get():
        return fallback
    reason = " ".join(str(error).split())[:200]
    message = (
        f"The row {row} of the table {table} cannot be read: {type(error).__name__}: {reason}."
    )
    raise CorruptRow(message, REMEDY, table=table, row=str(row)) from error


def parse_object(stored: Any) -> dict[str, Any]:
    """Parse a JSON column that contains an object.

    Raises:
        ValueError: the column contains another kind of value.
    """
    value = from_json(stored)
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    return cast("dict[str, Any]", value)
