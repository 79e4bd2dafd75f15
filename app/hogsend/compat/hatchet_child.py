"""Hatchet's SDK: the processes that its worker starts, and the log of the SDK.

The child process runs our own program, and so imports the program's first module. The SDK logs a
line to standard output for each task that it receives, and tracebacks during each outage. Only our
own lines may go there, of which the first begins with `Hogsend is ready at`; outages are logged
once, by the engine. The signs of such a child process are private to the standard library's
`multiprocessing`. Its resource tracker warns about semaphores of processes that were killed, which
it then removes.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from importlib import import_module

REQUIREMENT = "hatchet-sdk>=1.43.1,<1.44"

# The argument with which `multiprocessing` starts a frozen program again.
SPAWN_ARGUMENT = "--multiprocessing-fork"
_TRACKER = "from multiprocessing.resource_tracker import main"
_TRACKER_WARNING = "resource_tracker"
# The environment variables of gRPC's own log, which goes to standard error, and of the filters of
# warnings.
_GRPC_LEVEL, _WARNINGS = "GRPC_VERBOSITY", "PYTHONWARNINGS"


class SdkLog(logging.Filter):
    """Drops the records of the SDK's logger, and keeps the last error for our own messages.

    With the log level `debug` the records are logged at that level.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last_error = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log a record."""
        if record.levelno >= logging.ERROR:
            self._last_error = _describe(record)
        if not logging.getLogger("hogsend").isEnabledFor(logging.DEBUG):
            return False
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return True

    def pop_last_error(self) -> str:
        """Return the last error as one line, and forget it; empty if there was none."""
        error, self._last_error = self._last_error, ""
        return error


sdk_log = SdkLog()


def quiet_child_process() -> None:
    """Silence the SDK's child process, and the resource tracker; do nothing in another process.

    The engine notices by itself that the child has lost Hatchet, or has ended.
    """
    if any(argument.startswith(_TRACKER) for argument in sys.argv):
        warnings.filterwarnings("ignore", message=_TRACKER_WARNING)
        return
    process = sys.modules.get("multiprocessing.process")
    if SPAWN_ARGUMENT in sys.argv or (process and process.current_process().name != "MainProcess"):
        logging.disable(logging.CRITICAL)
        # Not only `sys.stderr`: gRPC writes to the descriptors.
        null = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            os.dup2(null, descriptor)
        os.close(null)


def quiet_sdk() -> None:
    """Keep the SDK's and gRPC's output out of the log; the SDK's set-up on import keeps this."""
    os.environ.setdefault(_GRPC_LEVEL, "NONE")
    logging.getLogger("hatchet").addFilter(sdk_log)
    logging.getLogger("urllib3.connectionpool").addFilter(_is_no_retry)


def start_quiet_tracker() -> None:
    """Start the resource tracker of `multiprocessing` with its warning filtered."""
    if os.name != "posix":
        return
    before = os.environ.get(_WARNINGS)
    ignore = f"ignore:{_TRACKER_WARNING}:UserWarning"
    os.environ[_WARNINGS] = f"{before},{ignore}" if before else ignore
    try:
        import_module("multiprocessing.resource_tracker").ensure_running()
    finally:
        if before is None:
            del os.environ[_WARNINGS]
        else:
            os.environ[_WARNINGS] = before


def _is_no_retry(record: logging.LogRecord) -> bool:
    """Return whether a record is about something else than a retry of a call of the API."""
    return not record.getMessage().startswith("Retrying (")


def _describe(record: logging.LogRecord) -> str:
    """Return a record as one line, with its exception's message."""
    lines = record.getMessage().splitlines() or [""]
    error = record.exc_info[1] if record.exc_info else None
    details = getattr(error, "details", None)
    reason = details() if callable(details) else error
    return " ".join(f"{lines[0]}: {reason}".split())[:300] if error else lines[0][:300]
