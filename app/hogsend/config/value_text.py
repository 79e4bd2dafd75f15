"""Shows the values of settings as text."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from . import parsing
from .settings import Setting, Settings


def format_value(settings: Settings, setting: Setting) -> str:
    """Return a value as text, in the form of a setting, with secrets masked; empty for None."""
    value: Any = getattr(settings, setting.field)
    if isinstance(value, tuple):
        texts = cast("tuple[str, ...]", value)
        return ", ".join("…" if setting.secret else text for text in texts)
    if value is None:
        return parsing.FOREVER if setting.parse is parsing.parse_days else ""
    if isinstance(value, timedelta):
        return f"{value / timedelta(hours=1):g}"
    if isinstance(value, bool | float):
        return f"{float(value):g}"
    return parsing.mask_credentials(str(value)) if setting.secret else str(value)
