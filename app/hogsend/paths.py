"""Where the files that belong to the program are: in a checkout, a wheel and a frozen binary."""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """Return the path of a file or folder that is shipped with the program.

    Args:
        name: its path from the top of a checkout, such as `web/templates` or `migrations/sqlite`.
    """
    return _root() / name


def _root() -> Path:
    unpacked = getattr(sys, "_MEIPASS", None)
    if unpacked is not None:
        return Path(unpacked)
    installed = _PACKAGE / "_data"
    return installed if installed.is_dir() else _PACKAGE.parents[1]
