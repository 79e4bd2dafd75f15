"""The functions that run in a journey: the journey's own, and the author's functions it calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from .body_scopes import build_call_scope, build_journey_scope
from .call_types import recognize_call
from .modules import NESTED_SCOPES
from .scopes import Function, Scope

_MAX_FUNCTIONS = 500


def walk_functions(journey: Function) -> Iterator[tuple[Function, Scope]]:
    """Yield the functions that run in a journey, the journey first, each with its scope.

    A function that is called with other constants is yielded again. Functions that `ctx.step` runs
    are left out.

    Args:
        journey: the code of the journey.
    """
    queue, visited = [(journey, build_journey_scope(journey))], set[tuple[int, str]]()
    while queue and len(visited) < _MAX_FUNCTIONS:
        function, scope = queue.pop(0)
        identity = id(function.node), repr(scope.identity)
        if identity in visited:
            continue
        visited.add(identity)
        yield function, scope
        for node in walk_running_nodes(function.node.body, scope):
            callee = scope.find_function(node.func) if isinstance(node, ast.Call) else None
            if callee is not None and isinstance(node, ast.Call):
                queue.append((callee, build_call_scope(callee, node, scope)))


def walk_running_nodes(body: Sequence[ast.AST], scope: Scope) -> Iterator[ast.AST]:
    """Yield every node that runs when a body runs, without the functions that `ctx.step` runs.

    Args:
        body: statements or expressions.
        scope: the names around them.
    """
    stack: list[ast.AST] = list(reversed(body))
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, NESTED_SCOPES):
            continue
        children: list[ast.AST] = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Call):
            children = _list_call_nodes(node, scope)
        stack.extend(reversed(children))


def _list_call_nodes(node: ast.Call, scope: Scope) -> list[ast.AST]:
    call_type, site = recognize_call(node, scope)
    if call_type is not None and site is not None:
        evaluated = call_type.list_evaluated_arguments(site)
        if len(evaluated) < len(site.arguments):
            return list(evaluated)
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    # The callee calls a lambda that is an argument, as `sorted(key=…)` does.
    bodies = [argument.body for argument in arguments if isinstance(argument, ast.Lambda)]
    return [*ast.iter_child_nodes(node), *bodies]
