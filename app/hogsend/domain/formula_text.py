"""Cells of CSV that a spreadsheet would run as formulas, made safe and read again."""

from __future__ import annotations

# A spreadsheet runs a cell that begins with one of these.
_STARTS = ("=", "+", "-", "@", "\t", "\r")


def escape_formula(text: str) -> str:
    """Return a text that a spreadsheet shows and does not run.

    A text that looks like one gets a further apostrophe, which reading it removes.
    """
    return f"'{text}" if text.lstrip("'").startswith(_STARTS) else text


def unescape_formula(text: str) -> str:
    """Return the text that `escape_formula` made safe; any other text is returned unchanged."""
    return text[1:] if text[:1] == "'" and text.lstrip("'").startswith(_STARTS) else text
