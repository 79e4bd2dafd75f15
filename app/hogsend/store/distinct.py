"""The distinct values of a column, found by leaping through its index."""

from __future__ import annotations


def select_distinct(table: str, column: str, condition: str) -> str:
    """Return the statement that asks for the values of a column that is first in an index.

    `SELECT DISTINCT` would walk over every row; this takes one step for each value.

    Args:
        table: the table.
        column: the column; null is not among the answers.
        condition: which rows count.
    """
    least = f"SELECT MIN({column}) FROM {table} WHERE {condition}"
    return (
        f"WITH RECURSIVE leap(one) AS ({least} UNION ALL "
        f"SELECT ({least} AND {column} > leap.one) FROM leap WHERE leap.one IS NOT NULL) "
        "SELECT one FROM leap WHERE one IS NOT NULL"
    )
