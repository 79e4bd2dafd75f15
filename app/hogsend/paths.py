"""Finds the files that are shipped with the program, in a checkout, a wheel or the binary."""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def find_resource(name: str) -> Path:
    """Return the path of a shipped file or folder.

    Args:
        name: the path in a checkout, such as `web/templates` or `migrations/sqlite`.
    """
    return _find_root() / name


def is_frozen() -> bool:
    """Return whether this is the binary, which has no Python that could install packages."""
    return bool(getattr(sys, "frozen", False))


def _find_root() -> Path:
    unpacked = getattr(sys, "_MEIPASS", None)
    if unpacked is not None:
        return Path(unpacked)
    installed = _PACKAGE / "_data"
    return installed if installed.is_dir() else _PACKAGE.parents[1]
