"""An author's function that a call runs outside of the journey."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Effect:
    """An author's function that runs at least once, and again after a failure.

    Args:
        run: the function; it gets the step's id.
        retries: how often a failed attempt is repeated.
        timeout: how long one attempt may take.
    """

    run: Callable[..., Any]
    retries: int
    timeout: timedelta
