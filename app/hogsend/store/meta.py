"""Named values of this installation, such as its id, in the table `meta`."""

from __future__ import annotations

from .db import Query, Write
from .rows import read_first

# The key under which the first release stored the reason of a send hold.
SEND_HOLD = "fence"
# The key of the installation's id, which a restored copy does not share.
INSTALLATION = "installation"


def find_value(key: str) -> Query[str | None]:
    """Query a value; None when it is not set."""
    return Query("SELECT value FROM meta WHERE key = ?", [key], read_first(str))


def set_value(key: str, text: str) -> Write:
    """Set a value."""
    return Write(
        "INSERT INTO meta (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [(key, text)],
    )


def delete_value(key: str) -> Write:
    """Delete a value."""
    return Write("DELETE FROM meta WHERE key = ?", [(key,)])


def set_default(key: str, text: str) -> Write:
    """Set a value unless it is set."""
    return Write(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING", [(key, text)]
    )
