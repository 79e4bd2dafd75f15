"""JSON as the database stores it."""

from __future__ import annotations

import json
from typing import Any

import pydantic_core

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_json(value: Any) -> str:
    """Return a value as compact JSON text."""
    return "{}" if value == {} else _encode(value)


def to_json_unchecked(value: Any) -> str:
    """Return a value as compact JSON text, in a third of the time that `to_json` takes.

    Args:
        value: a value of JSON's own types; some others are converted instead of refused.
    """
    try:
        return pydantic_core.to_json(value, inf_nan_mode="constants").decode()
    except ValueError:
        # Half of a surrogate pair, in a row of an early release.
        return _encode(value)


def from_json(stored: Any) -> Any:
    """Parse a JSON column; a value that the driver has already parsed is returned unchanged."""
    if isinstance(stored, str):
        return {} if stored == "{}" else json.loads(stored)
    return stored
