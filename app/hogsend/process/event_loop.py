"""Runs the program on the fastest event loop there is, and tunes the interpreter for it."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Coroutine
from importlib.util import find_spec
from typing import Any, TypeVar

from ..compat.cpython import list_threads_that_block_exit

R = TypeVar("R")

# The threads that run turns and the database's share one interpreter lock with the event loop: a
# short switch interval keeps a request from waiting 5 ms behind each of them.
SWITCH_INTERVAL = 0.0002
# How many more objects are made than freed before the collector looks for cycles. Turns and events
# make hundreds of objects each, hardly ever in cycles; with the default of 700 the collector took a
# fifth of a turn's time.
_COLLECT_AFTER = 50_000


def run(main: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end: on uvloop when it is installed, else on Python's own loop."""
    if find_spec("uvloop") is None:
        return asyncio.run(main)
    import uvloop

    return uvloop.run(main)


def tune_interpreter() -> None:
    """Set the interpreter up for a server; call it once, when everything is imported."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    # What exists by now stays to the end: the collector need not visit it again.
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 50, 50)


def exit_with(status: int) -> int:
    """Return an exit status, or exit with it at once when a thread would keep the process alive.

    Python waits at its end for threads, even for daemon threads of a pool, and the thread of a
    Hatchet worker that was stopped by force may never end. The caller has closed everything by now.
    """
    if list_threads_that_block_exit():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
