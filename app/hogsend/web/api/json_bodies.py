"""Parses JSON bodies of many items, of which an invalid one must not fail the others."""

from __future__ import annotations

import json
import math
from typing import Any

# The largest float has so many digits. Python refuses integers of more than 4,300 digits.
_MAX_DIGITS = 309


def parse_json(text: bytes | str) -> Any:
    """Return what JSON text contains; a number with thousands of digits is infinite.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        # The JSON is valid, but a number in it is too long. As an infinite number, it is refused
        # with its item.
        return json.loads(text, parse_int=_parse_int)


def _parse_int(digits: str) -> int | float:
    if len(digits) > _MAX_DIGITS:
        return -math.inf if digits.startswith("-") else math.inf
    return int(digits)
