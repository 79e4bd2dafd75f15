"""Metadata of runs and events, which is JSON or empty."""

from __future__ import annotations

import json
from typing import Any


def decoded(metadata: str | bytes) -> dict[str, Any]:
    """Decode metadata; empty metadata is an empty dictionary."""
    return json.loads(metadata) if metadata else {}
