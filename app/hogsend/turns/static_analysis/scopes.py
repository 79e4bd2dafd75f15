"""What the names in the body of a function stand for, the context among them."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .constants import UNKNOWN, path_of, value_of
from .modules import (
    APART,
    FUNCTIONS,
    AnyFunction,
    Module,
    assigned,
    at_this_level,
    constant,
    imported,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Function:
    """A function of an author's file.

    Args:
        node: its text, parsed.
        scope: the names around it.
    """

    node: AnyFunction
    scope: Scope

    @property
    def is_awaited(self) -> bool:
        """Whether calling it gives something that has to be awaited."""
        plain = isinstance(self.node, ast.AsyncFunctionDef) and not self.node.decorator_list
        return plain and not any(isinstance(one, ast.Yield) for one in inside(self.node.body))


@dataclass(frozen=True, slots=True)
class Scope:
    """What the names in a function's body stand for.

    Args:
        module: its file.
        contexts: names that hold the context, or a part of it: `{"ctx": (), "past": ("history",)}`.
        values: names whose value is known.
        functions: functions that are defined around or in it.
        stands_for: names that it imports.
        hidden: names that it uses for something else.
    """

    module: Module
    contexts: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    functions: Mapping[str, Function] = field(default_factory=dict[str, Function])
    stands_for: Mapping[str, str] = field(default_factory=dict[str, str])
    hidden: frozenset[str] = frozenset()

    def context_path(self, node: ast.expr) -> tuple[str, ...] | None:
        """Return `("history", "count")` for `ctx.history.count`; None for what is not of it."""
        path = path_of(node)
        if not path or path[0] not in self.contexts:
            return None
        return (*self.contexts[path[0]], *path[1:])

    def value(self, node: ast.expr | None) -> Any:
        """Return the value of an expression, `UNKNOWN` when it cannot be told."""
        return UNKNOWN if node is None else value_of(node, self._named)

    def _named(self, path: tuple[str, ...]) -> Any:
        if len(path) == 1 and path[0] in self.values:
            return self.values[path[0]]
        if path[0] in self.hidden or path[0] in self.contexts:
            return UNKNOWN
        if path[0] in self.stands_for:
            found = self.module.sources.find(".".join([self.stands_for[path[0]], *path[1:]]))
            return found[0].values.get(found[1], UNKNOWN) if found else UNKNOWN
        return constant(self.module, path)

    def full_name(self, node: ast.expr) -> str:
        """Return what an expression stands for, such as `datetime.datetime.now`; empty if unknown.

        A name of the language itself is `builtins.open`.
        """
        path = path_of(node)
        if not path or path[0] in self.contexts or path[0] in self.values:
            return ""
        top, rest = path[0], path[1:]
        if top in self.stands_for:
            return ".".join([self.stands_for[top], *rest])
        if top in self.hidden or top in self.functions:
            return ""
        if top in self.module.stands_for:
            return ".".join([self.module.stands_for[top], *rest])
        if top in self.module.functions or top in self.module.values:
            return ".".join([self.module.name, *path])
        return ".".join(["builtins", *path]) if hasattr(builtins, top) else ""

    def function(self, node: ast.expr) -> Function | None:
        """Return the author's function that an expression names, if it is one."""
        if isinstance(node, ast.Name) and node.id in self.functions:
            return self.functions[node.id]
        path = path_of(node)
        if len(path) == 1 and path[0] in self.module.functions and path[0] not in self.hidden:
            return Function(self.module.functions[path[0]], Scope(self.module))
        found = self.module.sources.find(self.full_name(node))
        if found is None or found[1] not in found[0].functions:
            return None
        return Function(found[0].functions[found[1]], Scope(found[0]))


def inside(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield everything that runs where a body runs."""
    waiting: list[ast.AST] = list(reversed(body))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, APART):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def scope_of_journey(function: Function) -> Scope:
    """Return the names in a journey's body: its second argument is the context."""
    arguments = [*function.node.args.posonlyargs, *function.node.args.args]
    context = {arguments[1].arg: ()} if len(arguments) > 1 else {}
    return _scope(function, context, {}, {one.arg for one in arguments})


def scope_of_call(function: Function, call: ast.Call, caller: Scope) -> Scope:
    """Return the names in the body of a function that is called.

    Args:
        function: which.
        call: where it is called.
        caller: the names there.
    """
    contexts: dict[str, tuple[str, ...]] = {}
    values: dict[str, Any] = {}
    arguments = function.node.args
    named = [*arguments.posonlyargs, *arguments.args]
    given: dict[str, tuple[ast.expr, Scope]] = {}
    for argument, default in zip(reversed(named), reversed(arguments.defaults), strict=False):
        given[argument.arg] = (default, function.scope)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            given[argument.arg] = (default, function.scope)
    spread = any(isinstance(one, ast.Starred) for one in call.args)
    if not spread:
        given.update({a.arg: (v, caller) for a, v in zip(named, call.args, strict=False)})
    given.update({one.arg: (one.value, caller) for one in call.keywords if one.arg})
    for name, (node, scope) in given.items():
        path = scope.context_path(node)
        if path is not None:
            contexts[name] = path
        elif (value := scope.value(node)) is not UNKNOWN:
            values[name] = value
    return _scope(function, contexts, values, _parameters(function.node))


def _parameters(node: AnyFunction) -> set[str]:
    return {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}


def _scope(
    function: Function,
    contexts: dict[str, tuple[str, ...]],
    values: dict[str, Any],
    parameters: set[str],
) -> Scope:
    """Return the names in a function's body, on top of those around it."""
    around, body = function.scope, function.node.body
    set_here = dict(assigned(body))
    made = {one.name: one for one in at_this_level(body) if isinstance(one, FUNCTIONS)}
    stands_for = {
        name: meant
        for node in at_this_level(body)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name, meant in imported(node, around.module.package)
    }
    ours = parameters | set(set_here) | set(made) | set(stands_for)
    contexts = _without(around.contexts, ours) | _without(contexts, set_here)
    values = _without(around.values, ours) | _without(values, set_here)
    functions = _without(around.functions, ours)
    scope = Scope(
        module=around.module,
        contexts=contexts,
        values=values,
        functions=functions,
        stands_for=_without(around.stands_for, ours) | stands_for,
        hidden=(around.hidden | parameters | set(set_here)) - set(stands_for),
    )
    for name, given in set_here.items():
        if given is None or name in parameters:
            continue
        path = scope.context_path(given)
        if path is not None:
            contexts[name] = path
        elif (value := scope.value(given)) is not UNKNOWN:
            values[name] = value
    # A function may call those that are defined after it, and itself.
    functions.update({name: Function(node, scope) for name, node in made.items()})
    return scope


def _without(names: Mapping[str, T], some: Collection[str]) -> dict[str, T]:
    return {name: value for name, value in names.items() if name not in some}
