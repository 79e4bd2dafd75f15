"""Resolves the names in the body of a function, among them those bound to the context."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .arguments import (
    bind_arguments,
    find_attributes,
    find_super_calls,
    has_decorator,
    list_places,
)
from .bindings import Binding, NameBindings
from .constants import UNKNOWN, Pattern, evaluate, parse_dotted_name
from .modules import (
    FUNCTION_NODES,
    NESTED_SCOPES,
    AnyFunction,
    Module,
    resolve_constant,
    resolve_imported_constant,
)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of an author's file.

    Args:
        node: the syntax node.
        scope: the names around the function.
        receiver: the instance that a method is called on; None for any other function.
    """

    node: AnyFunction
    scope: Scope
    receiver: Instance | None = None

    @property
    def is_coroutine(self) -> bool:
        """Whether a call of the function has to be awaited."""
        is_plain = isinstance(self.node, ast.AsyncFunctionDef) and not self.node.decorator_list
        return is_plain and not any(isinstance(n, ast.Yield) for n in walk_nodes(self.node.body))


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of a class of an author's file, or the class itself.

    Args:
        node: the class.
        scope: the names around the class.
        contexts: its attributes that are bound to the context or to a part.
        values: its attributes whose value is known.
    """

    node: ast.ClassDef
    scope: Scope
    contexts: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def find_method(self, name: str, *, skips_own: bool = False) -> Function | None:
        """Return a method of the class or of a class that it inherits from.

        Args:
            name: the method's name.
            skips_own: whether to look in the inherited classes only, as `super()` does.
        """
        queue, visited = [(self.node, self.scope)], list[ast.ClassDef]()
        while queue:
            node, scope = queue.pop(0)
            if node in visited:
                continue
            visited.append(node)
            is_skipped = skips_own and node is self.node
            for statement in [] if is_skipped else node.body:
                if isinstance(statement, FUNCTION_NODES) and statement.name == name:
                    is_static = has_decorator(statement, "staticmethod")
                    return Function(statement, scope, None if is_static else self)
            queue.extend(filter(None, map(scope.find_class, node.bases)))
        return None


@dataclass(frozen=True, slots=True)
class Scope:
    """The meanings of the names in a function's body.

    Args:
        module: the function's file.
        contexts: names bound to the context or to a part, as in `{"ctx": (), "h": ("history",)}`.
        values: names bound to a known value.
        functions: functions that are defined in the body or around it, or bound to a name there.
        instances: names bound to an instance of an author's class.
        aliases: names that the body imports.
        shadowed: names of the file that the body binds to another value.
        bindings: what the names of the body and of the functions around it are bound to.
    """

    module: Module
    contexts: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    functions: Mapping[str, Function] = field(default_factory=dict[str, Function])
    instances: Mapping[str, Instance] = field(default_factory=dict[str, Instance])
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    shadowed: frozenset[str] = frozenset()
    bindings: NameBindings = field(default_factory=NameBindings)

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells two calls of one function apart: the meanings of the names."""
        functions = {name: id(function.node) for name, function in self.functions.items()}
        instances = {
            name: (id(instance.node), instance.contexts, instance.values)
            for name, instance in self.instances.items()
        }
        return self.contexts, self.values, functions, instances

    def find_context_path(self, node: ast.expr) -> tuple[str, ...] | None:
        """Return `("history", "count")` for `ctx.history.count`; None outside of the context."""
        path = parse_dotted_name(node)
        if len(path) > 1 and path[0] in self.instances:
            attributes, path = self.instances[path[0]].contexts, path[1:]
        else:
            attributes = self.contexts
        if not path or path[0] not in attributes:
            return None
        return (*attributes[path[0]], *path[1:])

    def evaluate(self, node: ast.expr | None) -> Any:
        """Return the value of an expression, or `UNKNOWN`."""
        return UNKNOWN if node is None else evaluate(node, self._resolve)

    def _resolve(self, path: tuple[str, ...]) -> Any:
        if len(path) == 1 and path[0] in self.values:
            return self.values[path[0]]
        if len(path) == 2 and path[0] in self.instances:
            return self.instances[path[0]].values.get(path[1], UNKNOWN)
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
        """Return the author's function or method that an expression refers to, if any."""
        if isinstance(node, ast.Name) and node.id in self.functions:
            return self.functions[node.id]
        if isinstance(node, ast.Attribute) and (method := self._find_method(node)):
            return method
        definition = self._find_definition(node, "functions")
        if definition is None:
            return None
        module, name = definition
        return Function(module.functions[name], Scope(module))

    def find_class(self, node: ast.expr) -> tuple[ast.ClassDef, Scope] | None:
        """Return the author's class that an expression refers to, with the names around it."""
        definition = self._find_definition(node, "classes")
        if definition is None:
            return None
        module, name = definition
        return module.classes[name], Scope(module)

    def find_instance(self, node: ast.expr) -> Instance | None:
        """Return the instance of an author's class that an expression evaluates to, if any."""
        if isinstance(node, ast.Name) and node.id in self.instances:
            return self.instances[node.id]
        if isinstance(node, ast.Call):
            definition = self.find_class(node.func)
            return _build_instance(*definition, node, self) if definition else None
        target = self._find_definition(node, "bindings")
        if target is None:
            return None
        module, name = target
        match module.bindings[name]:
            case [ast.Call() as call]:
                return Scope(module).find_instance(call)
            case _:
                return None

    def _find_method(self, node: ast.Attribute) -> Function | None:
        owner = node.value
        if isinstance(owner, ast.Call) and parse_dotted_name(owner.func) == ("super",):
            receiver = next(iter(self.instances.values()), None)
            return receiver.find_method(node.attr, skips_own=True) if receiver else None
        if instance := self.find_instance(owner):
            return instance.find_method(node.attr)
        definition = self.find_class(owner)
        method = Instance(*definition).find_method(node.attr) if definition else None
        if method is None or has_decorator(method.node, "classmethod"):
            return method
        # The caller passes the instance itself.
        return replace(method, receiver=None)

    def _find_definition(
        self, node: ast.expr, kind: Literal["functions", "classes", "bindings"]
    ) -> tuple[Module, str] | None:
        path = parse_dotted_name(node)
        if not path or path[0] in self.contexts or path[0] in self.values:
            return None
        if path[0] not in self.aliases:
            if path[0] in self.shadowed:
                return None
            if len(path) == 1 and path[0] in getattr(self.module, kind):
                return self.module, path[0]
        full_name = self.resolve_name(node)
        if not full_name or full_name.startswith("builtins."):
            # The name may come from `from file import *`.
            full_name = ".".join([self.module.name, *path])
        return self.module.sources.find_definition(full_name, kind)


def _build_instance(node: ast.ClassDef, scope: Scope, call: ast.Call, caller: Scope) -> Instance:
    """Return the instance that a call of a class creates."""
    method = Instance(node, scope).find_method("__init__")
    attributes: dict[str, tuple[ast.expr, Scope]] = {}
    if method is None:
        # A field that is defined again keeps its place.
        fields = {field.name: field for field in _find_fields(node, scope, [])}.values()
        attributes.update({f.name: (f.default, f.scope) for f in fields if f.default})
        places = (f.name for f in fields if f.has_place)
        pairs = zip(places, list_places(call), strict=False)
        attributes.update({name: (argument, caller) for name, argument in pairs})
        attributes.update({kw.arg: (kw.value, caller) for kw in call.keywords if kw.arg})
    else:
        arguments = bind_arguments(method, call, caller)
        inherited = Instance(node, scope).find_method("__init__", skips_own=True)
        for super_call in find_super_calls(method.node):
            if inherited is None:
                break
            passed = bind_arguments(inherited, super_call, method.scope)
            passed = {name: _follow(*value, arguments) for name, value in passed.items()}
            attributes.update(_list_attributes(inherited, passed))
        attributes.update(_list_attributes(method, arguments))
    contexts: dict[str, tuple[str, ...]] = {}
    values: dict[str, Any] = {}
    changed = scope.module.changed_attributes | caller.module.changed_attributes
    for name, (expression, around) in attributes.items():
        path = around.find_context_path(expression)
        if path is not None:
            contexts[name] = path
        elif name not in changed and (value := around.evaluate(expression)) is not UNKNOWN:
            values[name] = value
    return Instance(node, scope, contexts, values)


def _list_attributes(
    init: Function, arguments: Mapping[str, tuple[ast.expr, Scope]]
) -> dict[str, tuple[ast.expr, Scope]]:
    """Return the attributes that an `__init__` sets when it is called with these arguments."""
    return {
        name: _follow(value, init.scope, arguments) for name, value in find_attributes(init.node)
    }


def _follow(
    value: ast.expr, scope: Scope, arguments: Mapping[str, tuple[ast.expr, Scope]]
) -> tuple[ast.expr, Scope]:
    """Return the argument that a parameter stands for; else the expression itself."""
    argument = arguments.get(value.id) if isinstance(value, ast.Name) else None
    return argument or (value, scope)


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a data class, with the names around its default; it may have no place in calls."""

    name: str
    default: ast.expr | None
    scope: Scope

    @property
    def has_place(self) -> bool:
        keywords = self.default.keywords if isinstance(self.default, ast.Call) else []
        return not any(keyword.arg in ("init", "kw_only") for keyword in keywords)


def _find_fields(node: ast.ClassDef, scope: Scope, visited: list[ast.ClassDef]) -> Iterator[_Field]:
    """Yield the fields of a data class, inherited ones first."""
    if node in visited:
        return
    visited.append(node)
    for base in filter(None, map(scope.find_class, reversed(node.bases))):
        yield from _find_fields(*base, visited)
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=kind, value=default):
                if "ClassVar" not in ast.unparse(kind):
                    yield _Field(name, default, scope)
            case _:
                pass


def walk_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield every node of a body, without the nodes of nested scopes."""
    stack: list[ast.AST] = list(reversed(body))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, NESTED_SCOPES):
            stack.extend(reversed(list(ast.iter_child_nodes(node))))
