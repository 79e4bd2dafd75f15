"""CPython: raising an exception in another thread, and formatting another thread's stack.

Python has no public way to interrupt a thread that runs an author's code.
"""

from __future__ import annotations

import ctypes
import sys
import traceback

REQUIREMENT = "python>=3.11"


def raise_in_thread(thread_id: int, error: type[BaseException]) -> None:
    """Raise an exception in a thread, at the next step of its Python code.

    Args:
        thread_id: the thread's `threading.get_ident()`.
        error: the class of the exception.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(error))


def format_stack(thread_id: int) -> str:
    """Return the present stack of a thread as text; empty when the thread has ended.

    Args:
        thread_id: the thread's `threading.get_ident()`.
    """
    frame = sys._current_frames().get(thread_id)  # pyright: ignore[reportPrivateUsage]
    return "".join(traceback.format_stack(frame)) if frame else ""
