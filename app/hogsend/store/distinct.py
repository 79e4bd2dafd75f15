"""The distinct values of a column, by a skip scan of its index."""

from __future__ import annotations


def select_distinct(table: str, column: str, condition: str) -> str:
    """Return a statement that selects the distinct values of the first column of an index.

    `SELECT DISTINCT` would read every row; this statement reads one row for each value.

    Args:
        table: the table.
        column: the column; NULL is not among the values.
        condition: the condition of the partial index.
    """
    least = f"SELECT MIN({column}) FROM {table} WHERE {condition}"
    return (
        f"WITH RECURSIVE leap(one) AS ({least} UNION ALL "
        f"SELECT ({least} AND {column} > leap.one) FROM leap WHERE leap.one IS NOT NULL) "
        "SELECT one FROM leap WHERE one IS NOT NULL"
    )
