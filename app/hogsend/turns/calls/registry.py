"""The classes of all `ctx` calls, by the kind in the journal and by the author's way to write them.

A class registers itself with `@register` when its module is imported.
"""

from __future__ import annotations

from typing import TypeVar

from .call import Call

C = TypeVar("C", bound=type[Call])

_BY_KIND: dict[str, type[Call]] = {}
_BY_PATH: dict[tuple[str, ...], type[Call]] = {}
_BY_RECEIVER: dict[tuple[str, ...], type[Call]] = {}


def register(call_type: C) -> C:
    """Make a call known to the journal, the timeline and the graph."""
    _BY_KIND[call_type.kind] = call_type
    for path in call_type.paths:
        _BY_PATH[path] = call_type
    if call_type.receiver is not None:
        _BY_RECEIVER[call_type.receiver] = call_type
    return call_type


def call_of_kind(kind: str) -> type[Call]:
    """Return the class of a journal entry; the base class for a kind that no class has any more."""
    return _BY_KIND.get(kind, Call)


def call_at_path(path: tuple[str, ...]) -> type[Call] | None:
    """Return the class of `ctx.history.count(…)` by its path `("history", "count")`."""
    return _BY_PATH.get(path)


def call_on_receiver(path: tuple[str, ...]) -> type[Call] | None:
    """Return the class of a chain of methods by its start: `("when",)` for `ctx.when.today()`."""
    return _BY_RECEIVER.get(path)
