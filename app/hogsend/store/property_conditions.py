"""Conditions on the properties of contacts as SQL.

The SQL finds every contact that a condition matches, and a few more: how instants and numbers are
compared is decided by `Condition.matches`, for the rows that were found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..domain.conditions import Compare, Condition, Not

_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_MAX_INTEGER = 2**63 - 1
# What a text that is an instant begins with, at least.
_DATE_LENGTH = len("2026-01-01")


class PropertySql:
    """The SQL of conditions on `c.properties`, for one dialect.

    Args:
        is_sqlite: whether the SQL is for SQLite.
    """

    def __init__(self, *, is_sqlite: bool) -> None:
        self._is_sqlite = is_sqlite

    def build(self, conditions: Sequence[Condition]) -> tuple[str, list[Any]]:
        """Return the SQL of conditions that all hold, which begins with AND, and its values."""
        parts: list[str] = []
        values: list[Any] = []
        for condition in conditions:
            sql, condition_values = self._build(condition)
            parts.append(f" AND {sql}")
            values += condition_values
        return "".join(parts), values

    def _build(self, condition: Condition) -> tuple[str, list[Any]]:
        if isinstance(condition, Not) and isinstance(condition.part, Compare):
            return f"({self._value(condition.part.path)}) IS NULL", []
        if not isinstance(condition, Compare):
            raise TypeError(f"no filter: {condition!r}")
        value = self._value(condition.path)
        exists = f"({value}) IS NOT NULL"
        if condition.operator in ("exists", "neq") or _may_be_instant(condition.value):
            return exists, []
        if condition.operator == "contains":
            return self._contains(condition)
        sign = _SIGNS.get(condition.operator, "=")
        if isinstance(condition.value, bool):
            # A truth value has no order, and SQLite returns it as a number.
            return exists, []
        return self._compare(value, sign, condition.value)

    def _value(self, path: str) -> str:
        """Return the SQL of a property's value, NULL when it is missing or null.

        A property whose own name is the path precedes the nested one. The names have no quotes
        (`domain/property_filter.py`).
        """
        names = [path.split(".")] if "." not in path else [[path], path.split(".")]
        if self._is_sqlite:
            paths = ["$" + "".join(f'."{part}"' for part in parts) for parts in names]
            values = [f"json_extract(c.properties, '{path}')" for path in paths]
        else:
            arrows = ["".join(f" -> '{part}'" for part in parts) for parts in names]
            values = [f"NULLIF(c.properties{arrow}, 'null'::jsonb)" for arrow in arrows]
        return values[0] if len(values) == 1 else f"COALESCE({', '.join(values)})"

    def _compare(self, value: str, sign: str, operand: Any) -> tuple[str, list[Any]]:
        is_text = isinstance(operand, str)
        if self._is_sqlite:
            if isinstance(operand, int) and abs(operand) > _MAX_INTEGER:
                # SQLite has no such integer, and reads one from JSON as a rounded number.
                return f"typeof({value}) IN ('integer', 'real')", []
            kinds = "'text'" if is_text else "'integer', 'real'"
            return f"({value} {sign} ? AND typeof({value}) IN ({kinds}))", [operand]
        kind = "string" if is_text else "number"
        # CASE keeps Postgres from casting values of other kinds.
        cast = "" if is_text else "::numeric"
        column = f"(({value}) #>> '{{}}'){cast}"
        collation = ' COLLATE "C"' if is_text else ""
        return (
            f"CASE jsonb_typeof({value}) WHEN '{kind}' THEN "
            f"{column}{collation} {sign} ({'?::text' if is_text else '?::text::numeric'}) "
            "ELSE FALSE END",
            [operand if is_text else repr(operand)],
        )

    def _contains(self, condition: Compare) -> tuple[str, list[Any]]:
        value, operand = self._value(condition.path), condition.value
        if not isinstance(operand, str):
            return f"({value}) IS NOT NULL", []
        if self._is_sqlite:
            # The JSON of a list has its texts with escapes.
            return f"(instr({value}, ?) > 0 OR substr({value}, 1, 1) = '[')", [operand]
        return (
            f"(strpos(({value}) #>> '{{}}', ?::text) > 0 OR jsonb_typeof({value}) = 'array')",
            [operand],
        )


def _may_be_instant(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= _DATE_LENGTH and value[:4].isdigit()
