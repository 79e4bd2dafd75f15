"""What runs when a journey is played: its own body, and the author's functions that it calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from .modules import APART
from .scopes import Function, Scope, scope_of_call, scope_of_journey

_MOST_FUNCTIONS = 500


def functions_of(journey: Function) -> Iterator[tuple[Function, Scope]]:
    """Yield the functions that run in a journey, itself first, each with its names.

    One that is called with other constants comes again. What runs in `ctx.step` is not among them.

    Args:
        journey: its code.
    """
    first = (journey, scope_of_journey(journey))
    waiting, seen = [first], set[tuple[int, str]]()
    while waiting and len(seen) < _MOST_FUNCTIONS:
        function, scope = waiting.pop(0)
        mark = id(function.node), repr((scope.contexts, scope.values))
        if mark in seen:
            continue
        seen.add(mark)
        yield function, scope
        for node in running(function.node.body, scope):
            called = scope.function(node.func) if isinstance(node, ast.Call) else None
            if called is not None and isinstance(node, ast.Call):
                waiting.append((called, scope_of_call(called, node, scope)))


def running(body: Sequence[ast.AST], scope: Scope) -> Iterator[ast.AST]:
    """Yield everything that runs where a body runs; what is given to `ctx.step` does not.

    Args:
        body: statements or expressions.
        scope: the names around them.
    """
    waiting: list[ast.AST] = list(reversed(body))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, APART):
            continue
        inner: list[ast.AST] = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Call):
            given = [*node.args, *(one.value for one in node.keywords)]
            if scope.context_path(node.func) == ("step",):
                inner = list(node.args[:1])
            else:
                # A function that is written as an argument is called there, as by `sorted(key=…)`.
                inner += [one.body for one in given if isinstance(one, ast.Lambda)]
        waiting.extend(reversed(inner))
