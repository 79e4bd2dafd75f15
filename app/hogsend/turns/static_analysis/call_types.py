"""Recognizes `ctx` calls in the author's code."""

from __future__ import annotations

import ast

from ..calls.call import Call
from ..calls.registry import find_call_by_path, find_call_by_receiver
from .call_site import CallSite
from .constants import parse_dotted_name
from .scopes import Scope


def recognize_call(
    node: ast.Call, scope: Scope, trigger: str = ""
) -> tuple[type[Call], CallSite] | tuple[None, None]:
    """Return the class of a `ctx` call and its site; None twice for any other call.

    Args:
        node: the syntax node of a call.
        scope: the names around it.
        trigger: the event that starts the journey; empty when not known.
    """
    path = scope.find_context_path(node.func)
    if path is not None:
        call_type = find_call_by_path(path)
        if call_type is not None:
            return call_type, CallSite(node, path, scope, trigger)
    path = _receiver_path(node, scope)
    call_type = find_call_by_receiver(path) if path is not None else None
    if call_type is None or path is None:
        return None, None
    return call_type, CallSite(node, path, scope, trigger)


def _receiver_path(node: ast.Call, scope: Scope) -> tuple[str, ...] | None:
    """Return the path of a chain's start: `("when",)` for `ctx.when.today().at(…)`."""
    inner: ast.expr = node
    while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
        inner = inner.func.value
    return scope.find_context_path(inner) if parse_dotted_name(inner) else None
