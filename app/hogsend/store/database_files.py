"""The files of an open SQLite database: whether they are still those at their paths.

SQLite goes on writing to a file that was deleted, moved or replaced, and whatever it writes there
is lost with the process.
"""

from __future__ import annotations

import os
from pathlib import Path

# The device and the inode of a file.
_Identity = tuple[int, int]
# Of a path without a file.
_NO_FILE: _Identity = (0, 0)
# Beside the database: the write-ahead log, and its index in shared memory.
_SUFFIXES = ("-wal", "-shm")


class DatabaseFiles:
    """The files that a process has opened, to be compared with those at the same paths.

    Args:
        file: the database's path, which may lead through symbolic links.
    """

    def __init__(self, file: Path) -> None:
        self._file = str(file)
        self._identities: dict[str, _Identity] = {}

    def record(self) -> None:
        """Record which files are open; call it once SQLite has opened all of them."""
        # SQLite follows symbolic links, and puts the other files beside the target.
        target = os.path.realpath(self._file)
        # On a file system that cannot share memory, SQLite runs without these files.
        logs = [target + suffix for suffix in _SUFFIXES if os.path.exists(target + suffix)]
        self._identities = {path: _identify(path) for path in (self._file, *logs)}

    def forget(self) -> None:
        """Record that the files are closed."""
        self._identities = {}

    def find_lost(self) -> str | None:
        """Return the path of an open file that was deleted, moved or replaced, if there is one.

        Raises:
            OSError: a path cannot be checked.
        """
        for path, identity in self._identities.items():
            if _identify(path) != identity or identity == _NO_FILE:
                return path
        return None


def _identify(path: str) -> _Identity:
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return _NO_FILE
    return status.st_dev, status.st_ino
