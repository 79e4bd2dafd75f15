"""Encodes JSON answers that are no models, such as those of the busiest route."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_bytes(body: Mapping[str, Any]) -> bytes:
    """Encode a JSON object."""
    return _encode(body).encode("utf-8", "replace")
