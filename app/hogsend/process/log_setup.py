"""The log: short lines for people, or one JSON object a line for machines; always to stderr.

No address, key or token gets into it: whatever looks like one is taken out of every line, also
out of tracebacks, whose texts come from servers and libraries.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

from ..config.settings import Settings
from ..errors import StoreUnavailable

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_COLOURS = {"DEBUG": "2", "INFO": "36", "WARNING": "33", "ERROR": "31", "CRITICAL": "31;1"}
_PRIVATE = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+]*://)[^\s/@]+@"
    r"|[^\s@<>\"'(),;:=\[\]{}]+@[^\s@<>\"'(),;:=\[\]{}]*[^\s@<>\"'(),;:=\[\]{}.]"
    r"|\b(?:hsk|pk)_[A-Za-z0-9_-]{8,}"
    r"|(?P<path>/(?:u|p|m|c|o|sign-in)/)[A-Za-z0-9._~-]{16,}"
)
# What every record has; anything else on it was given as `extra`.
_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send the log of the whole process to one place, replacing what was set up before.

    Libraries are heard from `warning` on, Hogsend itself from `HOGSEND_LOG_LEVEL` on.

    Args:
        settings: `log_format` and `log_level` count.
        stream: where to write; standard error when None.
    """
    chosen: TextIO = sys.stderr if stream is None else stream
    on_terminal = chosen.isatty()
    as_text = settings.log_format == "console" or (settings.log_format == "auto" and on_terminal)
    handler = logging.StreamHandler(chosen)
    handler.setFormatter(ConsoleFormat(colour=on_terminal) if as_text else JsonFormat())
    handler.addFilter(_is_not_logged_yet)
    level = _LEVELS[settings.log_level]
    root = logging.getLogger()
    for earlier in list(root.handlers):
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger("hogsend").setLevel(level)


def _is_not_logged_yet(record: logging.LogRecord) -> bool:
    """Return whether a record is new: a failure of the database is logged once, where it is met.

    Everything else that uses the database fails as well and would log the same again.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], StoreUnavailable))


def without_private(text: str) -> str:
    """Return a text without the addresses, keys, tokens and credentials in it."""
    return _PRIVATE.sub(_masked, text)


def _masked(match: re.Match[str]) -> str:
    if match["scheme"]:
        return f"{match['scheme']}…@"
    return f"{match['path'] or ''}…"


def _facts(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _ORDINARY}


class ConsoleFormat(logging.Formatter):
    """`09:30:12 warning  delivery.mailer: The mail server is away.`

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
        text += "".join(f" {name}={value}" for name, value in _facts(record).items())
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        name = record.name.removeprefix("hogsend.")
        return f"{at:%H:%M:%S} {level} {name}: {without_private(text)}"


class JsonFormat(logging.Formatter):
    """`{"at": "…", "level": "warning", "logger": "…", "message": "…"}` and the record's facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line of JSON."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_private(record.getMessage()),
        }
        for name, value in _facts(record).items():
            plain = value if isinstance(value, bool | int | float) else without_private(str(value))
            line.setdefault(name, plain)
        if record.exc_info:
            line["error"] = without_private(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)
