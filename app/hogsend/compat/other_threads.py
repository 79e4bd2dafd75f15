"""Reaches into another thread of the interpreter: raises an exception in it, shows its stack.

Python has no public way to interrupt a thread that runs code of somebody else.
"""

from __future__ import annotations

import ctypes
import sys
import traceback

REQUIREMENT = "python>=3.11"


def raise_in_thread(thread_id: int, error: type[BaseException]) -> None:
    """Raise an exception in a thread, at the next step of its Python code.

    Args:
        thread_id: its `threading.get_ident()`.
        error: the class of the exception.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(error))


def format_stack(thread_id: int) -> str:
    """Return where a thread is now, as the lines of a traceback; empty when it has ended.

    Args:
        thread_id: its `threading.get_ident()`.
    """
    frame = sys._current_frames().get(thread_id)  # pyright: ignore[reportPrivateUsage]
    return "".join(traceback.format_stack(frame)) if frame else ""
