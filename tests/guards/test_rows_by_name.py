"""Columns are read by name: only `store/rows.py` knows in which order they come."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from hogsend.compat.cpython import parse_source

APP = Path(__file__).parents[2] / "app" / "hogsend"
MAPPING = APP / "store" / "rows.py"
ROW = re.compile(r"^_?(db_|raw_)?(rows?|r)$")


def _name(node: ast.expr) -> str:
    """Return the name that an expression ends in, through any number of subscripts."""
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_integer(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def positions(source: str, where: str) -> list[str]:
    """Return the places where a row, or the first of several rows, is read by position."""
    return [
        f"{where}:{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(parse_source(source))
        if isinstance(node, ast.Subscript)
        and _is_integer(node.slice)
        and ROW.match(_name(node.value))
    ]


def test_rows_are_read_by_name_outside_the_row_mapping_module():
    files = [file for file in APP.rglob("*.py") if file != MAPPING]
    uses = [
        place for file in files for place in positions(file.read_text(), str(file.relative_to(APP)))
    ]
    assert not uses, "read the columns by name, with a mapper of store/rows.py"


def test_a_column_that_is_read_by_position_is_found():
    source = "lambda rows: {row[0]: rows[0][-1] for row in rows if found[3] or row['name']}"
    assert len(positions(source, "x")) == 2 + 1
