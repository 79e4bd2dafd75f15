"""What only the one-file binary needs: to die with its first process, and to leave no litter.

The binary is two processes: the first unpacks the program into a folder `_MEI…` and waits, the
second runs it from there. SIGKILL of the first would leave the second behind with the port and
the data folder's lock, and the folder with it.
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
# An unpacked folder in which this file is locked has a living process.
_MARK = "hogsend.lock"


def follow_parent() -> None:
    """Arrange to be killed when the first process dies; leave at once when it is dead already.

    Does nothing outside the one-file binary and on other systems than Linux.
    """
    if sys.platform != "linux" or _unpacked() is None:
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The first process is the same program; another one is who inherits orphans.
    with suppress(OSError):
        if os.readlink(f"/proc/{os.getppid()}/exe") == os.readlink("/proc/self/exe"):
            return
    os._exit(128 + signal.SIGKILL)


def sweep_unpacked() -> None:
    """Mark the folder that we run from as ours and alive, and remove those whose process died.

    Only folders of this account with the mark of this program in them are touched.
    """
    ours = _unpacked()
    if ours is None:
        return
    with suppress(OSError):
        _mark(ours)
    for mark in ours.parent.glob(f"_MEI*/{_MARK}"):
        with suppress(OSError):
            _remove_if_dead(mark)


def _unpacked() -> Path | None:
    folder = Path(getattr(sys, "_MEIPASS", ""))
    return folder if folder.name.startswith("_MEI") else None


def _mark(folder: Path) -> None:
    # Locked before it has its name: nobody sees a mark of a living process that is not locked.
    # The descriptor stays open, and the lock is held, until the process ends.
    unnamed = folder / f"{_MARK}.{os.getpid()}"
    held = os.open(unnamed, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    os.rename(unnamed, folder / _MARK)


def _remove_if_dead(mark: Path) -> None:
    folder = mark.parent
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        return
    opened = os.open(mark, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(opened)
