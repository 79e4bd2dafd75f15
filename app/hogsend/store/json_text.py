"""JSON as the database keeps it."""

from __future__ import annotations

import json
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_json(value: Any) -> str:
    """Return a value as compact JSON text."""
    return "{}" if value == {} else _encode(value)


def from_json(stored: Any) -> Any:
    """Read a JSON column: text on both databases, parsed already where the driver does that."""
    if isinstance(stored, str):
        return {} if stored == "{}" else json.loads(stored)
    return stored
