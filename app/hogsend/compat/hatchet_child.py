"""Hatchet's SDK: the process that it starts beside its worker, and what it logs.

That process is started again from our own program and imports the program's first module. The SDK
logs a line to standard output for each task it receives, where only our own lines may go: the first
of them begins with `Hogsend is ready at`. What marks such a process is private to the standard
library's `multiprocessing`; which lines are noise is known from the SDK's source.
"""

from __future__ import annotations

import logging
import sys

REQUIREMENT = "hatchet-sdk>=1.43.1,<1.44"

# The argument with which `multiprocessing` starts a frozen program again.
SPAWN_ARGUMENT = "--multiprocessing-fork"
# The first is logged for each of many runs that start at once; Hogsend reports late turns itself.
# The second is logged whenever a worker ends.
NOISE = ("THE TIME TO START THE TASK RUN", "interrupted read_with_interrupt")


def quiet_child_process() -> None:
    """Keep the SDK's child process off standard output; do nothing in any other process."""
    process = sys.modules.get("multiprocessing.process")
    if SPAWN_ARGUMENT in sys.argv or (process and process.current_process().name != "MainProcess"):
        quiet_sdk()
        # A supervisor may stop reading standard output after the first line, and a full pipe
        # would block the process.
        sys.stdout = sys.stderr


def quiet_sdk() -> None:
    """Let the SDK log only warnings that matter; its own set-up on import keeps this filter."""
    logging.getLogger("hatchet").addFilter(_is_relevant)


def _is_relevant(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING and not str(record.msg).startswith(NOISE)
