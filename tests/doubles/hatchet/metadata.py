"""Metadata travels as JSON, or not at all."""

from __future__ import annotations

import json
from typing import Any


def decoded(metadata: str | bytes) -> dict[str, Any]:
    """What was written; nothing when there is nothing."""
    return json.loads(metadata) if metadata else {}
