"""Facts about this installation."""

from __future__ import annotations

from .db import Query, Write, only

FENCE = "fence"


def value(key: str) -> Query[str | None]:
    """Ask for one fact."""
    return Query("SELECT value FROM meta WHERE key = ?", [key], only)


def put(key: str, text: str) -> Write:
    """Record one fact."""
    return Write(
        "INSERT INTO meta (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [(key, text)],
    )


def drop(key: str) -> Write:
    """Forget one fact."""
    return Write("DELETE FROM meta WHERE key = ?", [(key,)])
