"""Hatchet's SDK: the child process that its worker starts, and the log lines of the SDK.

The child process runs our own program, and so imports the program's first module. The SDK logs a
line to standard output for each task that it receives. Only our own lines may go there, of which
the first begins with `Hogsend is ready at`. The signs of such a child process are private to the
standard library's `multiprocessing`; the unwanted log lines are taken from the SDK's source.
"""

from __future__ import annotations

import logging
import sys

REQUIREMENT = "hatchet-sdk>=1.43.1,<1.44"

# The argument with which `multiprocessing` starts a frozen program again.
SPAWN_ARGUMENT = "--multiprocessing-fork"
# The SDK logs the first for each of many runs that start together; Hogsend itself reports late
# turns.
# The SDK logs the second whenever a worker ends.
UNWANTED_LINES = ("THE TIME TO START THE TASK RUN", "interrupted read_with_interrupt")


def quiet_child_process() -> None:
    """Keep the SDK's child process off standard output; do nothing in any other process."""
    process = sys.modules.get("multiprocessing.process")
    if SPAWN_ARGUMENT in sys.argv or (process and process.current_process().name != "MainProcess"):
        quiet_sdk()
        # A supervisor may stop reading standard output after the first line, and a full pipe
        # would block the process.
        sys.stdout = sys.stderr


def quiet_sdk() -> None:
    """Let the SDK log only relevant warnings; its own set-up on import keeps this filter."""
    logging.getLogger("hatchet").addFilter(_is_relevant)


def _is_relevant(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING and not str(record.msg).startswith(UNWANTED_LINES)
