"""Runs the program's coroutine on the fastest loop that the machine has."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from importlib.util import find_spec
from typing import Any, TypeVar

from ..compat.cpython import threads_that_block_exit

R = TypeVar("R")


def run(main: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end: on uvloop where there is one, else on Python's own loop."""
    if find_spec("uvloop") is None:
        return asyncio.run(main)
    import uvloop

    return uvloop.run(main)


def leave(status: int) -> int:
    """Return an exit status, or leave with it at once when a thread would keep the process.

    Python waits at its end for threads, those of a pool even when they are daemons; one of a
    Hatchet worker that was ended by force may never come back. All of ours is closed by now.
    """
    if threads_that_block_exit():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
