"""Resolves the names in the body of a function, among them those bound to the context."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from .bindings import Binding, NameBindings
from .constants import UNKNOWN, Pattern, evaluate, parse_dotted_name
from .modules import (
    FUNCTION_NODES,
    NESTED_SCOPES,
    AnyFunction,
    Module,
    find_bindings,
    find_import_aliases,
    resolve_constant,
    resolve_imported_constant,
    walk_statements,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Function:
    """A function of an author's file.

    Args:
        node: the syntax node.
        scope: the names around the function.
    """

    node: AnyFunction
    scope: Scope

    @property
    def is_coroutine(self) -> bool:
        """Whether a call of the function has to be awaited."""
        is_plain = isinstance(self.node, ast.AsyncFunctionDef) and not self.node.decorator_list
        return is_plain and not any(isinstance(n, ast.Yield) for n in walk_nodes(self.node.body))


@dataclass(frozen=True, slots=True)
class Scope:
    """The meanings of the names in a function's body.

    Args:
        module: the function's file.
        contexts: names bound to the context or to a part, as in `{"ctx": (), "h": ("history",)}`.
        values: names bound to a known value.
        functions: functions that are defined in the body or around it.
        aliases: names that the body imports.
        shadowed: names of the file that the body binds to another value.
        bindings: what the names of the body and of the functions around it are bound to.
    """

    module: Module
    contexts: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    functions: Mapping[str, Function] = field(default_factory=dict[str, Function])
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    shadowed: frozenset[str] = frozenset()
    bindings: NameBindings = field(default_factory=NameBindings)

    def find_context_path(self, node: ast.expr) -> tuple[str, ...] | None:
        """Return `("history", "count")` for `ctx.history.count`; None outside of the context."""
        path = parse_dotted_name(node)
        if not path or path[0] not in self.contexts:
            return None
        return (*self.contexts[path[0]], *path[1:])

    def evaluate(self, node: ast.expr | None) -> Any:
        """Return the value of an expression, or `UNKNOWN`."""
        return UNKNOWN if node is None else evaluate(node, self._resolve)

    def _resolve(self, path: tuple[str, ...]) -> Any:
        if len(path) == 1 and path[0] in self.values:
            return self.values[path[0]]
        if path[0] in self.shadowed or path[0] in self.contexts:
            return UNKNOWN
        if path[0] in self.aliases:
            full_name = ".".join([self.aliases[path[0]], *path[1:]])
            return resolve_imported_constant(self.module, full_name)
        return resolve_constant(self.module, path)

    def call_methods(self, node: ast.expr, receiver: tuple[str, ...], start: Any) -> Any:
        """Call the methods of a chain such as `ctx.when.tomorrow().at("09:00")`.

        Args:
            node: the expression.
            receiver: the path in the context at which the chain begins: `("when",)`.
            start: the object whose method the chain calls first.

        Returns:
            The last result; None when the expression is no such chain, or an argument is not known.

        Raises:
            Exception: a method raises it, such as a `TypeError` about its arguments.
        """
        if self.find_context_path(node) == receiver:
            return start
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return None
        target = self.call_methods(node.func.value, receiver, start)
        method = None if node.func.attr.startswith("_") else getattr(target, node.func.attr, None)
        args = [self.evaluate(arg) for arg in node.args]
        kwargs = {kw.arg: self.evaluate(kw.value) for kw in node.keywords if kw.arg}
        is_unclear = len(kwargs) < len(node.keywords) or any(
            value is UNKNOWN or isinstance(value, Pattern) for value in (*args, *kwargs.values())
        )
        return None if is_unclear or not callable(method) else method(*args, **kwargs)

    def resolve_name(self, node: ast.expr) -> str:
        """Return the full name of an expression, such as `datetime.datetime.now`; empty if unknown.

        The full name of a built-in begins with `builtins.`.
        """
        path = parse_dotted_name(node)
        if not path or path[0] in self.contexts or path[0] in self.values:
            return ""
        top, attributes = path[0], path[1:]
        if top in self.aliases:
            return ".".join([self.aliases[top], *attributes])
        if top in self.shadowed or top in self.functions:
            return ""
        if top in self.module.aliases:
            return ".".join([self.module.aliases[top], *attributes])
        if top in self.module.functions or top in self.module.values:
            return ".".join([self.module.name, *path])
        return ".".join(["builtins", *path]) if hasattr(builtins, top) else ""

    def resolve_library_name(self, node: ast.expr) -> str:
        """Return the full name of an expression; `from hogsend import *` counts as well."""
        path = parse_dotted_name(node)
        name = self.resolve_name(node)
        stars = [alias for alias in self.module.aliases if alias.startswith("*")]
        if name or len(path) != 1 or stars != ["*hogsend"]:
            return name
        own = (self.shadowed, self.functions, self.contexts, self.values, self.module.bindings)
        return "" if any(path[0] in names for names in own) else f"hogsend.{path[0]}"

    def find_bindings(self, node: ast.expr) -> Sequence[Binding]:
        """Return everything that a name is bound to; nothing when the name may be anything."""
        path = parse_dotted_name(node)
        if len(path) == 1 and (bindings := self.bindings.find(path[0])):
            return bindings
        if not path or path[0] in self.shadowed or path[0] in self.functions:
            return ()
        module, name = self.module, path[0]
        if len(path) > 1 or name not in module.bindings:
            target = module.sources.find_symbol(self.resolve_name(node))
            if target is None:
                return ()
            module, name = target
        scope = Scope(module)
        return [Binding(expression, scope) for expression in module.bindings.get(name, ())]

    def find_function(self, node: ast.expr) -> Function | None:
        """Return the author's function that an expression refers to, if any."""
        if isinstance(node, ast.Name) and node.id in self.functions:
            return self.functions[node.id]
        path = parse_dotted_name(node)
        if len(path) == 1 and path[0] in self.module.functions and path[0] not in self.shadowed:
            return Function(self.module.functions[path[0]], Scope(self.module))
        target = self.module.sources.find_symbol(self.resolve_name(node))
        if target is None or target[1] not in target[0].functions:
            return None
        module, name = target
        return Function(module.functions[name], Scope(module))


def walk_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield every node of a body, without the nodes of nested scopes."""
    stack: list[ast.AST] = list(reversed(body))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, NESTED_SCOPES):
            stack.extend(reversed(list(ast.iter_child_nodes(node))))


def build_journey_scope(function: Function) -> Scope:
    """Return the scope of a journey's body, whose second parameter is the context."""
    parameters = [*function.node.args.posonlyargs, *function.node.args.args]
    context = {parameters[1].arg: ()} if len(parameters) > 1 else {}
    contact = {parameters[0].arg: Binding(None, None, "hogsend.Contact")} if parameters else {}
    names = {parameter.arg for parameter in parameters}
    return _build_body_scope(function, context, {}, names, contact)


def build_nested_scope(node: AnyFunction | ast.Lambda, scope: Scope) -> Scope:
    """Return the scope of a function inside another one, whose arguments are not known.

    Args:
        node: the inner function.
        scope: the scope of the outer function.
    """
    if not isinstance(node, ast.Lambda):
        function = Function(node, scope)
        return _build_body_scope(function, {}, {}, _list_parameters(node), {})
    parameters = _list_parameters(node)
    return replace(
        scope,
        contexts=_exclude(scope.contexts, parameters),
        values=_exclude(scope.values, parameters),
        functions=_exclude(scope.functions, parameters),
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
    contexts: dict[str, tuple[str, ...]] = {}
    values: dict[str, Any] = {}
    bindings: dict[str, Binding] = {}
    # Spread arguments may replace any default, and a decorator any argument.
    is_unclear = _has_spread(call) or bool(function.node.decorator_list)
    for name, (node, scope) in _bind_arguments(function, call, caller).items():
        path = scope.find_context_path(node)
        bindings[name] = Binding(None if is_unclear else node, scope)
        if path is not None:
            contexts[name] = path
        elif (value := scope.evaluate(node)) is not UNKNOWN:
            values[name] = value
    parameters = _list_parameters(function.node)
    return _build_body_scope(function, contexts, values, parameters, bindings)


def _bind_arguments(
    function: Function, call: ast.Call, caller: Scope
) -> dict[str, tuple[ast.expr, Scope]]:
    """Return the parameters with their arguments or defaults, each with the scope around it."""
    arguments = function.node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    bound: dict[str, tuple[ast.expr, Scope]] = {}
    for parameter, default in zip(reversed(positional), reversed(arguments.defaults), strict=False):
        bound[parameter.arg] = (default, function.scope)
    for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            bound[parameter.arg] = (default, function.scope)
    if not any(isinstance(argument, ast.Starred) for argument in call.args):
        pairs = zip(positional, call.args, strict=False)
        bound.update({parameter.arg: (value, caller) for parameter, value in pairs})
    bound.update({kw.arg: (kw.value, caller) for kw in call.keywords if kw.arg})
    return bound


def _has_spread(call: ast.Call) -> bool:
    is_starred = any(isinstance(argument, ast.Starred) for argument in call.args)
    return is_starred or any(keyword.arg is None for keyword in call.keywords)


def _list_parameters(node: AnyFunction | ast.Lambda) -> set[str]:
    return {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}


def _build_body_scope(
    function: Function,
    contexts: dict[str, tuple[str, ...]],
    values: dict[str, Any],
    parameters: set[str],
    arguments: Mapping[str, Binding],
) -> Scope:
    """Return the scope of a function's body, nested in the scope around the function."""
    outer, body = function.scope, function.node.body
    bindings = dict(find_bindings(body))
    inner = {node.name: node for node in walk_statements(body) if isinstance(node, FUNCTION_NODES)}
    aliases = {
        name: target
        for node in walk_statements(body)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name, target in find_import_aliases(node, outer.module.package)
    }
    own = parameters | set(bindings) | set(inner) | set(aliases)
    contexts = _exclude(outer.contexts, own) | _exclude(contexts, bindings)
    values = _exclude(outer.values, own) | _exclude(values, bindings)
    functions = _exclude(outer.functions, own)
    scope = Scope(
        module=outer.module,
        contexts=contexts,
        values=values,
        functions=functions,
        aliases=_exclude(outer.aliases, own) | aliases,
        shadowed=(outer.shadowed | parameters | set(bindings)) - set(aliases),
        bindings=NameBindings(own, outer.bindings, function.node, arguments),
    )
    scope.bindings.scope = scope
    for name, expression in bindings.items():
        if expression is None or name in parameters:
            continue
        path = scope.find_context_path(expression)
        if path is not None:
            contexts[name] = path
        elif (value := scope.evaluate(expression)) is not UNKNOWN:
            values[name] = value
    # A function may call itself, and functions that are defined later.
    functions.update({name: Function(node, scope) for name, node in inner.items()})
    return scope


def _exclude(bindings: Mapping[str, T], names: Collection[str]) -> dict[str, T]:
    return {name: value for name, value in bindings.items() if name not in names}
