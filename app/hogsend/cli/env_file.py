"""A `.env` file that is completed: what people have written in it stays as it is."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from ..config.settings import read_env_file
from ..errors import ConfigError, StartError

# What needs no quotes, neither for us nor for Docker.
_PLAIN = re.compile(r"[\w.:/@%+,=?&~*-]*")


class EnvFile:
    """The settings of a folder, to be looked at and added to. Nothing is written before `save`.

    Args:
        path: the file; it need not exist.

    Raises:
        ConfigError: it cannot be read, or a line is not `NAME=value`.
    """

    def __init__(self, path: Path) -> None:
        # Where a link leads to is written, so that it stays a link.
        self.path = path.resolve()
        self._values = {name: text.strip() for name, text in read_env_file(self.path).items()}
        exists = self.path.exists()
        self._lines = self.path.read_text("utf-8-sig").splitlines() if exists else []
        self._changed = not exists

    def get(self, name: str) -> str:
        """Return a value; an empty text when there is none."""
        return self._values.get(name, "")

    def add(self, name: str, text: str) -> bool:
        """Give a name its value, unless it has one; say whether it was given."""
        if self.get(name):
            return False
        self.put(name, text)
        return True

    def put(self, name: str, text: str) -> None:
        """Give a name a value, in the place of the one that it has.

        Raises:
            ConfigError: the value cannot be written in a line.
        """
        if self.get(name) == text:
            return
        line = f"{name}={_quoted(name, text)}"
        places = [number for number, one in enumerate(self._lines) if _names(one, name)]
        if places:
            # Of several lines with one name the last one counts.
            self._lines[places[-1]] = line
        else:
            self._lines.append(line)
        self._values[name] = text
        self._changed = True

    def note(self, *lines: str) -> None:
        """Add lines that are none of the settings, unless they are there."""
        if not set(lines) <= set(self._lines):
            self._lines += lines
            self._changed = True

    def save(self) -> bool:
        """Write the file, whole or not at all; say whether there was anything to write.

        Its owner alone may read a new one. An old one is closed to everybody but owner and group.

        Raises:
            StartError: it cannot be written.
        """
        if not self._changed:
            return False
        draft = self.path.with_name(f"{self.path.name}.{token_hex(4)}")
        try:
            self._write(draft)
            os.replace(draft, self.path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise StartError(
                f"{self.path} cannot be written: {error.strerror or error}.",
                "Run the command as the user that the folder belongs to.",
            ) from None
        self._changed = False
        return True

    def _write(self, draft: Path) -> None:
        before = self.path.stat() if self.path.exists() else None
        mode = stat.S_IMODE(before.st_mode) & 0o640 if before else 0o600
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("\n".join([*self._lines, ""]))
            file.flush()
            if before is not None:
                # Only root may give it back to somebody else.
                with suppress(PermissionError):
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())


def _names(line: str, name: str) -> bool:
    return re.match(rf"\s*(?:export\s+)?{re.escape(name)}\s*=", line) is not None


def _quoted(name: str, text: str) -> str:
    """Return a value as both `.env` readers understand it: Docker's acts on `$` in other quotes."""
    if _PLAIN.fullmatch(text):
        return text
    if "'" in text or "\\" in text or not text.isprintable():
        raise ConfigError(f"The value of {name} cannot be written into a .env file.")
    return f"'{text}'"
