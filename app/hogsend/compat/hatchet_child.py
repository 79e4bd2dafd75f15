"""What the process needs that Hatchet's SDK starts beside its worker: to say little.

It is started anew from our own program, and imports its first module again. The SDK logs a line to
standard output for each task that it hears of; ours begins with `Hogsend is ready at`.
"""

from __future__ import annotations

import logging
import sys

REQUIREMENT = "hatchet-sdk>=1.43.1,<1.44"

_FROZEN = "--multiprocessing-fork"
# Of a crowd it says this for each run: that turns are late is ours to tell. And this at every end.
_NOISE = ("THE TIME TO START THE TASK RUN", "interrupted read_with_interrupt")


def be_quiet_if_spawned() -> None:
    """In such a process, let the SDK log warnings only, and not as our output; else do nothing."""
    process = sys.modules.get("multiprocessing.process")
    if _FROZEN in sys.argv or (process and process.current_process().name != "MainProcess"):
        quiet_sdk()
        # Whoever has read our line may read no further, and a full pipe would halt the process.
        sys.stdout = sys.stderr


def quiet_sdk() -> None:
    """Let the SDK log only what matters; its own set-up, when it is imported, changes no filter."""
    logging.getLogger("hatchet").addFilter(_matters)


def _matters(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING and not str(record.msg).startswith(_NOISE)
