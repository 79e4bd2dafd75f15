"""CPython: a hook for coroutines that are released without having been awaited.

Python calls the private `warnings._warn_unawaited_coroutine` whenever it releases such a coroutine.
There is no public hook, and before the release the coroutine might still be awaited. The static
check of journeys finds most of these mistakes, but not in code that the check cannot follow
(docs/decisions/0016).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextvars import ContextVar
from types import CodeType
from typing import Any

REQUIREMENT = "python>=3.11"

# Collects the names of watched functions whose coroutines were released; None collects nothing.
UNAWAITED: ContextVar[list[str] | None] = ContextVar("unawaited", default=None)

_HOOK = "_warn_unawaited_coroutine"
_watched: dict[CodeType, str] = {}
_warn: Any = getattr(warnings, _HOOK)


def watch_coroutines(functions: Mapping[CodeType, str]) -> None:
    """Add the released coroutines of some functions to `UNAWAITED`, instead of warning about them.

    Args:
        functions: the code of `async` functions, each with its name.
    """
    _watched.update(functions)
    setattr(warnings, _HOOK, _record_release)


def _record_release(coroutine: Any) -> None:
    name, unawaited = _watched.get(coroutine.cr_code), UNAWAITED.get()
    if name is None or unawaited is None:
        _warn(coroutine)
    else:
        unawaited.append(name)
