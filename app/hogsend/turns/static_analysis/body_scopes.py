"""Builds the scopes of functions' bodies: what their parameters and variables are bound to."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from .arguments import bind_arguments, has_spread, list_parameters
from .bindings import Binding, NameBindings
from .constants import UNKNOWN
from .modules import (
    FUNCTION_NODES,
    AnyFunction,
    find_bindings,
    find_import_aliases,
    find_names_bound_inside,
    walk_statements,
)
from .scopes import Function, Instance, Scope

T = TypeVar("T")


def build_journey_scope(function: Function) -> Scope:
    """Return the scope of a journey's body, whose second parameter is the context."""
    parameters = [*function.node.args.posonlyargs, *function.node.args.args]
    context = {parameters[1].arg: ()} if len(parameters) > 1 else {}
    contact = {parameters[0].arg: Binding(None, None, "hogsend.Contact")} if parameters else {}
    names = {parameter.arg for parameter in parameters}
    return _build_body_scope(function, KnownNames(contexts=context), names, contact)


def build_nested_scope(node: AnyFunction | ast.Lambda, scope: Scope) -> Scope:
    """Return the scope of a function inside another one, whose arguments are not known.

    Args:
        node: the inner function.
        scope: the scope of the outer function.
    """
    if not isinstance(node, ast.Lambda):
        function = Function(node, scope)
        return _build_body_scope(function, KnownNames(), list_parameters(node), {})
    parameters = list_parameters(node)
    return replace(
        scope,
        contexts=_exclude(scope.contexts, parameters),
        values=_exclude(scope.values, parameters),
        functions=_exclude(scope.functions, parameters),
        instances=_exclude(scope.instances, parameters),
        bindings=NameBindings(parameters, scope.bindings),
        shadowed=scope.shadowed | parameters,
    )


def build_call_scope(function: Function, call: ast.Call, caller: Scope) -> Scope:
    """Return the scope of a called function's body.

    Args:
        function: the function.
        call: the call.
        caller: the scope of the call.
    """
    known = KnownNames()
    bindings: dict[str, Binding] = {}
    # Spread arguments may replace any default, and a decorator any argument.
    is_unclear = has_spread(call) or bool(function.node.decorator_list)
    for name, (node, scope) in bind_arguments(function, call, caller).items():
        bindings[name] = Binding(None if is_unclear else node, scope)
        known.bind(name, node, scope)
    if function.receiver is not None:
        parameters = [*function.node.args.posonlyargs, *function.node.args.args]
        known.instances.update({p.arg: function.receiver for p in parameters[:1]})
    return _build_body_scope(function, known, list_parameters(function.node), bindings)


@dataclass(slots=True)
class KnownNames:
    """The known meanings of names, by what they are bound to; see `Scope`."""

    contexts: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    functions: dict[str, Function] = field(default_factory=dict[str, Function])
    instances: dict[str, Instance] = field(default_factory=dict[str, Instance])

    def bind(self, name: str, node: ast.expr, scope: Scope) -> None:
        """Bind a name to an expression, if the expression has a known meaning in its scope."""
        if (path := scope.find_context_path(node)) is not None:
            self.contexts[name] = path
        elif (value := scope.evaluate(node)) is not UNKNOWN:
            self.values[name] = value
        elif function := scope.find_function(node):
            self.functions[name] = function
        elif instance := scope.find_instance(node):
            self.instances[name] = instance

    def forget(self, names: Collection[str]) -> None:
        """Remove names that are bound to another value as well."""
        for known in (self.contexts, self.values, self.functions, self.instances):
            for name in names:
                known.pop(name, None)

    def nest(self, arguments: KnownNames, outer: Scope, own: Collection[str]) -> None:
        """Add the names around a function, without its own, and its parameters."""
        self.contexts |= _exclude(outer.contexts, own) | arguments.contexts
        self.values |= _exclude(outer.values, own) | arguments.values
        self.functions |= _exclude(outer.functions, own) | arguments.functions
        self.instances |= _exclude(outer.instances, own) | arguments.instances


def _build_body_scope(
    function: Function,
    arguments: KnownNames,
    parameters: set[str],
    bindings: Mapping[str, Binding],
) -> Scope:
    """Return the scope of a function's body, nested in the scope around the function.

    Args:
        function: the function.
        arguments: the parameters whose meaning is known.
        parameters: all parameters.
        bindings: what the parameters are bound to, where it is known.
    """
    outer, body = function.scope, function.node.body
    assigned = dict(find_bindings(body))
    assigned.update(dict.fromkeys(assigned.keys() & find_names_bound_inside(body, ast.Nonlocal)))
    inner = {node.name: node for node in walk_statements(body) if isinstance(node, FUNCTION_NODES)}
    aliases = {
        name: target
        for node in walk_statements(body)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name, target in find_import_aliases(node, outer.module.package)
    }
    own = parameters | set(assigned) | set(inner) | set(aliases)
    arguments.forget(assigned)
    known = KnownNames()
    known.nest(arguments, outer, own)
    scope = Scope(
        module=outer.module,
        contexts=known.contexts,
        values=known.values,
        functions=known.functions,
        instances=known.instances,
        aliases=_exclude(outer.aliases, own) | aliases,
        shadowed=(outer.shadowed | parameters | set(assigned)) - set(aliases),
        bindings=NameBindings(own, outer.bindings, function.node, bindings),
    )
    scope.bindings.scope = scope
    # A function may call itself, and functions that are defined later.
    known.functions.update({name: Function(node, scope) for name, node in inner.items()})
    for name, expression in assigned.items():
        if expression is not None and name not in parameters:
            known.bind(name, expression, scope)
    return scope


def _exclude(bindings: Mapping[str, T], names: Collection[str]) -> dict[str, T]:
    return {name: value for name, value in bindings.items() if name not in names}
