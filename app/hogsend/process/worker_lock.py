"""The lock file that keeps a second worker off a data folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ..errors import StartError


class WorkerLock:
    """Keeps a second worker off the same data folder; the system frees it when the process ends.

    Args:
        folder: the data folder.

    Raises:
        StartError: another process has a worker on this folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "worker.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise StartError(
                f"Another worker already uses {folder}.",
                "Stop it first, or start this one without --with-worker.",
            ) from None

    def release(self) -> None:
        """Let another process have a worker on the folder."""
        os.close(self._file)
