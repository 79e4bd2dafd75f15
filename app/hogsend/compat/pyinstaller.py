"""PyInstaller: a one-file binary that ends with its first process and removes its files.

The binary is two processes. The first unpacks the program into a folder `_MEI…` and waits; the
second runs it from there. After a SIGKILL of the first, the second would keep running with the port
and the data folder's lock, and the folder would stay. The folder's name and the two processes are
details of PyInstaller's bootloader.
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
# The process of an unpacked folder holds a lock on this file in it.
_LOCK_FILE = "hogsend.lock"


def follow_parent() -> None:
    """Let the kernel kill this process when the first one dies; exit if it is dead already.

    Does nothing outside the one-file binary, or on systems other than Linux.
    """
    if sys.platform != "linux" or _find_unpacked_folder() is None:
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The first process runs the same program; the process that adopts orphans runs another.
    with suppress(OSError):
        if os.readlink(f"/proc/{os.getppid()}/exe") == os.readlink("/proc/self/exe"):
            return
    os._exit(128 + signal.SIGKILL)


def remove_abandoned_folders() -> None:
    """Lock the folder that this process runs from, and remove those whose process has died.

    Only folders of this account that hold this program's lock file are removed.
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
    # The file is locked before it gets its name, so that no other process sees it unlocked.
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
