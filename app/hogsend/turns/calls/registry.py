"""Finds the class of a `ctx` call by its kind in the journal, or by how the author writes it.

`@register` adds a class when the module of the class is imported.
"""

from __future__ import annotations

from typing import TypeVar

from .call import Call

C = TypeVar("C", bound=type[Call])

_BY_KIND: dict[str, type[Call]] = {}
_BY_PATH: dict[tuple[str, ...], type[Call]] = {}
_BY_RECEIVER: dict[tuple[str, ...], type[Call]] = {}


def register(call_type: C) -> C:
    """Add the class of a call to the registry; a class decorator."""
    _BY_KIND[call_type.kind] = call_type
    for path in call_type.paths:
        _BY_PATH[path] = call_type
    if call_type.receiver is not None:
        _BY_RECEIVER[call_type.receiver] = call_type
    return call_type


def find_call_by_kind(kind: str) -> type[Call]:
    """Return the class for a kind of journal entry; the base class for a kind that is gone."""
    return _BY_KIND.get(kind, Call)


def find_call_by_path(path: tuple[str, ...]) -> type[Call] | None:
    """Return the class of a call by its path, such as `("history", "count")`."""
    return _BY_PATH.get(path)


def find_call_by_receiver(path: tuple[str, ...]) -> type[Call] | None:
    """Return the class of a chain of methods by the path of its start, such as `("when",)`."""
    return _BY_RECEIVER.get(path)
