"""A folder in memory: what tests write there costs no time of a disk."""

from __future__ import annotations

import shutil
from pathlib import Path

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only the root of folders with random names
# The databases of a whole run fit in this. A container may have as little as 64 MB.
_NEEDED_BYTES = 2_000_000_000


def ram_disk() -> Path | None:
    """Return the root of a file system in memory, or None if this machine has none with room."""
    try:
        has_room = shutil.disk_usage(_SHARED_MEMORY).free >= _NEEDED_BYTES
    except OSError:
        return None
    return _SHARED_MEMORY if has_room else None
