"""What the names in a function's body are bound to, found when somebody asks."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .modules import AnyFunction, collect_bindings

if TYPE_CHECKING:
    from .scopes import Scope

# Calls that tell apart what a name may be: what is known of the name does not hold behind them.
_NARROWING = {"isinstance", "issubclass", "hasattr", "getattr", "type", "callable"}


@dataclass(frozen=True, slots=True)
class Binding:
    """What a name is bound to.

    Args:
        expression: the expression; None when the value is not known.
        scope: the names around the expression; None in the file of the name.
        class_name: the full name of the class that the value is an instance of, if known.
    """

    expression: ast.expr | None
    scope: Scope | None = None
    class_name: str = ""

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is known of the value."""
        return self.expression is None and not self.class_name


@dataclass(slots=True)
class NameBindings:
    """The names of a function's body, with everything that they are bound to.

    Args:
        own: the names that the function binds; those of the functions around it are not these.
        outer: the names of the function around this one.
        node: the function; None when nothing is known of its names.
        arguments: what the parameters are bound to, where it is known.
        scope: the scope of the body; set before anything is asked.
    """

    own: Collection[str] = ()
    outer: NameBindings | None = None
    node: AnyFunction | None = None
    arguments: Mapping[str, Binding] = field(default_factory=dict[str, Binding])
    scope: Scope | None = None
    _known: dict[str, list[Binding]] | None = None
    _narrowed: set[str] | None = None

    def find(self, name: str) -> Sequence[Binding]:
        """Return everything that a name is bound to; nothing when it may be anything."""
        if name not in self.own:
            return self.outer.find(name) if self.outer is not None else ()
        if self._known is None:
            self._known = dict(self._collect())
        scope = self.scope
        is_rebound = scope is not None and (name in scope.functions or name in scope.aliases)
        return () if is_rebound or self.is_unclear(name) else self._known.get(name, ())

    def is_unclear(self, name: str) -> bool:
        """Return whether a name may be anything, such as because a function tests what it is."""
        if self._narrowed is None:
            unknown = {name for name, argument in self.arguments.items() if argument.is_unknown}
            self._narrowed = unknown.union(_find_narrowed_names(self.node) if self.node else ())
        is_unclear_outside = self.outer is not None and self.outer.is_unclear(name)
        return name in self._narrowed or is_unclear_outside

    def _collect(self) -> Iterator[tuple[str, list[Binding]]]:
        if self.node is None or self.scope is None:
            return
        arguments = self.node.args
        bound: dict[str, list[Binding]] = {}
        for parameter in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            annotation = parameter.annotation
            name = self.scope.resolve_library_name(annotation) if annotation else ""
            is_declared = name.startswith("hogsend.")
            known = Binding(None, None, name) if is_declared else self.arguments.get(parameter.arg)
            bound[parameter.arg] = [known or Binding(None)]
        for rest in filter(None, (arguments.vararg, arguments.kwarg)):
            bound[rest.arg] = [Binding(None)]
        for name, expressions in collect_bindings(self.node.body).items():
            bound.setdefault(name, []).extend(Binding(part, self.scope) for part in expressions)
        yield from bound.items()


def _find_narrowed_names(node: AnyFunction) -> Iterator[str]:
    """Yield the names that a function tests for what they are, and those of outer functions."""
    for part in ast.walk(node):
        match part:
            case ast.Call(func=ast.Name(id=name), args=[ast.Name(id=tested), *_]):
                if name in _NARROWING:
                    yield tested
            case ast.Match(subject=ast.Name(id=tested)):
                yield tested
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield from names
            case _:
                pass
