"""Reads `.env` files."""

from __future__ import annotations

from pathlib import Path

from ..compat.dotenv import MalformedLine, parse_env_file
from ..errors import ConfigError

ENV_FILE = ".env"


def read_env_file(path: Path) -> dict[str, str]:
    """Return the names and values of a `.env` file; an empty dict when there is no file.

    Raises:
        ConfigError: the file cannot be read, or a line is not `NAME=value`.
    """
    try:
        return parse_env_file(path.read_text("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except MalformedLine as error:
        raise ConfigError(f"{path} has a line that is not NAME=value: {error}", "Fix it.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", "Fix or remove it.") from None
