"""Named values of this installation, such as its id, in the table `meta`."""

from __future__ import annotations

from .db import Query, Write
from .rows import first_value

# The key under which the first release stored the reason of a send hold.
SEND_HOLD = "fence"


def value(key: str) -> Query[str | None]:
    """Query a value; None when there is none."""
    return Query("SELECT value FROM meta WHERE key = ?", [key], first_value(str))


def put(key: str, text: str) -> Write:
    """Set a value."""
    return Write(
        "INSERT INTO meta (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [(key, text)],
    )


def delete(key: str) -> Write:
    """Delete a value."""
    return Write("DELETE FROM meta WHERE key = ?", [(key,)])
