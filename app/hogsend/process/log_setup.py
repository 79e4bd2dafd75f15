"""Configures the log: short lines for a terminal, or one JSON object per line; always to stderr.

Email addresses, keys, tokens and cookies are masked in every line, and in tracebacks, whose
messages come from servers and libraries (`redaction.py`).
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from ..config.settings import Settings
from ..errors import StoreUnavailable
from .redaction import mask_secrets

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_COLOURS = {"DEBUG": "2", "INFO": "36", "WARNING": "33", "ERROR": "31", "CRITICAL": "31;1"}
# The attributes of every record; any other attribute was passed as `extra`.
_STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
}


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send the log of the whole process to one stream, in place of any earlier handlers.

    Libraries log from `warning` on, Hogsend itself from `HOGSEND_LOG_LEVEL` on.

    Args:
        settings: `log_format` and `log_level` are used.
        stream: where to write; standard error when None.
    """
    target: TextIO = sys.stderr if stream is None else stream
    is_terminal = target.isatty()
    is_text = settings.log_format == "console" or (settings.log_format == "auto" and is_terminal)
    handler = logging.StreamHandler(target)
    handler.setFormatter(ConsoleFormat(colour=is_terminal) if is_text else JsonFormat())
    handler.addFilter(_is_logged_here)
    level = _LEVELS[settings.log_level]
    root = logging.getLogger()
    for earlier in list(root.handlers):
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger("hogsend").setLevel(level)


def _is_logged_here(record: logging.LogRecord) -> bool:
    """Return whether to log a record: not when its error is that the database is unavailable.

    The database's health logs that once. Everything that uses the database fails with it, and would
    log it again and again.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], StoreUnavailable))


def _collect_extra(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD_ATTRIBUTES}


class ConsoleFormat(logging.Formatter):
    """`09:30:12 warning  delivery.mailer: The mail server is unreachable.`

    Args:
        colour: whether the level is coloured.
    """

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line, with its traceback below it."""
        at = datetime.fromtimestamp(record.created, UTC).astimezone()
        level = f"{record.levelname.lower():<7}"
        if self._colour:
            level = f"\x1b[{_COLOURS.get(record.levelname, '0')}m{level}\x1b[0m"
        text = record.getMessage()
        text += "".join(f" {name}={value}" for name, value in _collect_extra(record).items())
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        name = record.name.removeprefix("hogsend.")
        return f"{at:%H:%M:%S} {level} {name}: {mask_secrets(text)}"


class JsonFormat(logging.Formatter):
    """`{"at": "…", "level": "warning", "logger": "…", "message": "…"}`, and what `extra` has."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line of JSON."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": mask_secrets(record.getMessage()),
        }
        for name, value in _collect_extra(record).items():
            safe = value if isinstance(value, bool | int | float) else mask_secrets(str(value))
            line.setdefault(name, safe)
        if record.exc_info:
            line["error"] = mask_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)
