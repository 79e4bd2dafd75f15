"""Suppressed addresses for pages, in the order of the addresses."""

from __future__ import annotations

from ..db import Query
from ..rows import read_scalar
from .contacts import SUPPRESSIONS, SuppressionRecord

__all__ = ["SuppressionRecord", "count", "find_page"]


def find_page(limit: int, after: str = "") -> Query[list[SuppressionRecord]]:
    """Query suppressed addresses.

    Args:
        limit: how many at most.
        after: only addresses after this one; empty for the first page.
    """
    return Query(
        f"SELECT {SUPPRESSIONS.columns} FROM suppressions WHERE address > ? "
        "ORDER BY address LIMIT ?",
        [after, limit],
        SUPPRESSIONS.read_all,
    )


def count(limit: int) -> Query[int]:
    """Query how many addresses are suppressed; the count stops at `limit`."""
    return Query(
        "SELECT COUNT(*) FROM (SELECT address FROM suppressions LIMIT ?) counted",
        [limit],
        read_scalar,
    )
