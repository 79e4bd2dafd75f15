"""JSON as the database stores it."""

from __future__ import annotations

import json
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_json(value: Any) -> str:
    """Return a value as compact JSON text."""
    return "{}" if value == {} else _encode(value)


def from_json(stored: Any) -> Any:
    """Parse a JSON column; a value that the driver has already parsed is returned unchanged."""
    if isinstance(stored, str):
        return {} if stored == "{}" else json.loads(stored)
    return stored
