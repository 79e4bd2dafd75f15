"""Notices `ctx` calls that a journey made and never awaited: nothing of them happens."""

from __future__ import annotations

import inspect
import warnings
from contextvars import ContextVar
from typing import Any

from .context import Context
from .history import History

# Where the code that runs now notes what it forgot, while it is played.
FORGOTTEN: ContextVar[list[str] | None] = ContextVar("forgotten", default=None)

_CALLS = {
    call.__code__: f"{path}.{name}"
    for path, kind in (("ctx", Context), ("ctx.history", History))
    for name, call in inspect.getmembers(kind, inspect.iscoroutinefunction)
}
_others: Any = getattr(warnings, "_warn_unawaited_coroutine")  # noqa: B009 (it is private)


def _note(coroutine: Any) -> None:
    """Note a coroutine that is let go without having run; Python calls this for each."""
    call = _CALLS.get(coroutine.cr_code)
    found = FORGOTTEN.get()
    if call is None or found is None:
        _others(coroutine)
    else:
        found.append(call)


# Python looks it up by this name whenever a coroutine is let go, and there is no other way to hear
# of it: only then is it sure that nobody will await it.
setattr(warnings, "_warn_unawaited_coroutine", _note)  # noqa: B010
