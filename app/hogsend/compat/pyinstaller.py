"""PyInstaller: ending both processes of a one-file binary together, and removing their folder.

A one-file binary runs as two processes. The first unpacks the program into a folder `_MEI…` and
waits; the second runs the program from this folder. After a SIGKILL of the first process, the
second would keep the port and the lock of the data folder, and nothing would remove the unpacked
folder. The folder's name and the two processes are details of PyInstaller's bootloader.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

REQUIREMENT = "pyinstaller>=6.22,<7"

_PR_SET_PDEATHSIG = 1
# A process that runs from an unpacked folder holds a lock on this file in the folder.
_LOCK_FILE = "hogsend.lock"


def follow_parent() -> None:
    """Let the kernel kill this process when the first process dies; exit if it has died already.

    Does nothing outside the one-file binary, and on systems other than Linux.
    """
    if sys.platform != "linux" or _find_unpacked_folder() is None:
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # If the first process has died, the parent is a process that runs another program.
    with suppress(OSError):
        if os.readlink(f"/proc/{os.getppid()}/exe") == os.readlink("/proc/self/exe"):
            return
    os._exit(128 + signal.SIGKILL)


def remove_abandoned_folders() -> None:
    """Lock the folder that this process runs from, and remove folders whose process has died.

    Only folders that belong to this account and contain this program's lock file are removed.
    """
    own = _find_unpacked_folder()
    if own is None:
        return
    with suppress(OSError):
        _lock(own)
    for lock_file in own.parent.glob(f"_MEI*/{_LOCK_FILE}"):
        with suppress(OSError):
            _remove_if_dead(lock_file)


def _find_unpacked_folder() -> Path | None:
    folder = Path(getattr(sys, "_MEIPASS", ""))
    return folder if folder.name.startswith("_MEI") else None


def _lock(folder: Path) -> None:
    # The file gets its name only after it is locked, so that no other process finds it unlocked.
    # The descriptor stays open, and the lock is held, until the process ends.
    unnamed = folder / f"{_LOCK_FILE}.{os.getpid()}"
    descriptor = os.open(unnamed, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.rename(unnamed, folder / _LOCK_FILE)


def _remove_if_dead(lock_file: Path) -> None:
    folder = lock_file.parent
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        return
    descriptor = os.open(lock_file, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)
