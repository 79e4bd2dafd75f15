"""Adds settings to a `.env` file without changing what people have written in it."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from ..config.env_file import read_env_file
from ..errors import ConfigError, StartError

# Needs no quotes, neither for Hogsend nor for Docker.
_PLAIN = re.compile(r"[\w.:/@%+,=?&~*-]*")


class EnvFile:
    """A `.env` file in memory; `save` writes it.

    Args:
        path: the file, which may be missing.

    Raises:
        ConfigError: the file cannot be read, or a line is not `NAME=value`.
    """

    def __init__(self, path: Path) -> None:
        # Resolved, so that a symbolic link stays one.
        self.path = path.resolve()
        self._values = {name: text.strip() for name, text in read_env_file(self.path).items()}
        exists = self.path.exists()
        self._lines = self.path.read_text("utf-8-sig").splitlines() if exists else []
        self._changed = not exists

    def get(self, name: str) -> str:
        """Return a value; an empty text if there is none."""
        return self._values.get(name, "")

    def add(self, name: str, text: str) -> bool:
        """Set a value unless there is one; return whether it was set."""
        if self.get(name):
            return False
        self.put(name, text)
        return True

    def put(self, name: str, text: str) -> None:
        """Set a value, in the line of the former one if there is one.

        Raises:
            ConfigError: the value cannot be written on one line.
        """
        if self.get(name) == text:
            return
        line = f"{name}={_quote(name, text)}"
        numbers = [n for n, former in enumerate(self._lines) if _assigns(former, name)]
        if numbers:
            # The last one of several lines counts.
            self._lines[numbers[-1]] = line
        else:
            self._lines.append(line)
        self._values[name] = text
        self._changed = True

    def add_lines(self, *lines: str) -> None:
        """Add lines such as comments, unless the file has them."""
        if not set(lines) <= set(self._lines):
            self._lines += lines
            self._changed = True

    def save(self) -> bool:
        """Write the file atomically; return whether there was anything to write.

        Only its owner can read a new file, only owner and group an existing one.

        Raises:
            StartError: the file cannot be written.
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
                "Run the command as the user who owns the folder.",
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
                # Only root can keep another owner.
                with suppress(PermissionError):
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())


def _assigns(line: str, name: str) -> bool:
    return re.match(rf"\s*(?:export\s+)?{re.escape(name)}\s*=", line) is not None


def _quote(name: str, text: str) -> str:
    """Return a value as Hogsend and Docker read it: Docker expands `$` outside of single quotes."""
    if _PLAIN.fullmatch(text):
        return text
    if "'" in text or "\\" in text or not text.isprintable():
        raise ConfigError(
            f"The value of {name} cannot be written into a .env file.",
            "Use no quotes, backslashes or line breaks.",
        )
    return f"'{text}'"
