"""Parses JSON bodies that have many items, of which one must not spoil the others."""

from __future__ import annotations

import json
import math
from typing import Any

# Digits of the largest number that can be stored; Python refuses to parse 4,300.
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
        # Not the text, but a number in it: the item that has it is refused as too large.
        return json.loads(text, parse_int=_parse_int)


def _parse_int(digits: str) -> int | float:
    if len(digits) > _MAX_DIGITS:
        return -math.inf if digits.startswith("-") else math.inf
    return int(digits)
