"""Facts about this installation: named texts, such as its id."""

from __future__ import annotations

from .db import Query, Write
from .rows import first_value

FENCE = "fence"


def value(key: str) -> Query[str | None]:
    """Query a fact."""
    return Query("SELECT value FROM meta WHERE key = ?", [key], first_value(str))


def put(key: str, text: str) -> Write:
    """Record a fact."""
    return Write(
        "INSERT INTO meta (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [(key, text)],
    )


def drop(key: str) -> Write:
    """Delete a fact."""
    return Write("DELETE FROM meta WHERE key = ?", [(key,)])
