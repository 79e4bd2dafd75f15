"""Calls of the context that nobody awaits: they do nothing, and say so nowhere."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..context import Context, History
from .call_graph import functions_of
from .constants import path_of
from .modules import APART
from .scopes import Function, Scope, inside

_CALLS = {
    (*path, name)
    for path, kind in (((), Context), (("history",), History))
    for name, value in vars(kind).items()
    if inspect.iscoroutinefunction(value)
}
# Where a coroutine that nobody has awaited is surely a mistake: it is dropped, or always true, or
# lacks what is asked of it.
_LOST = (
    ast.Expr,
    ast.If,
    ast.While,
    ast.IfExp,
    ast.Assert,
    ast.UnaryOp,
    ast.BoolOp,
    ast.BinOp,
    ast.Compare,
    ast.FormattedValue,
    ast.Attribute,
    ast.Subscript,
    ast.AugAssign,
    ast.For,
    ast.comprehension,
    ast.Match,
    ast.withitem,
    ast.Raise,
)
_HELD = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.GeneratorExp)
# What starts coroutines by itself, which a journey cannot have.
_STARTING = ("asyncio.", "anyio.", "trio.")


@dataclass(frozen=True, slots=True)
class UnawaitedCall:
    """A call without its `await`.

    Args:
        call: as it stands, such as `ctx.send(…)`.
        given_to: the function that it is given to instead, such as `asyncio.gather`.
        file: relative to the journeys' folder.
        line: the line in the file.
    """

    call: str
    given_to: str
    file: str
    line: int


def forgotten(function: Function) -> Iterator[UnawaitedCall]:
    """Yield the calls of the context, and of functions that use it, which lack an `await`.

    Args:
        function: a journey's code; the functions that it calls are looked at as well.
    """
    for one, scope in functions_of(function):
        yield from _Body(one, scope).forgotten()


@dataclass(slots=True)
class _Body:
    function: Function
    scope: Scope
    nodes: list[ast.AST] = field(default_factory=list[ast.AST])
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict[ast.AST, ast.AST])

    def forgotten(self) -> Iterator[UnawaitedCall]:
        self.nodes = list(inside(self.function.node.body))
        self.parents = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}
        for node in self.nodes:
            if not isinstance(node, ast.Call) or not self.is_coroutine(node):
                continue
            given_to = self.lost(node)
            if given_to is not None:
                module = self.scope.module
                call = ".".join(path_of(node.func)) + "(…)"
                yield UnawaitedCall(call, given_to, module.file, module.line(node))

    def is_coroutine(self, call: ast.Call) -> bool:
        path = self.scope.context_path(call.func)
        if path is not None:
            return path in _CALLS
        function = self.scope.function(call.func)
        return function is not None and function.is_awaited

    def lost(self, node: ast.expr) -> str | None:
        """Return None for a coroutine that may still be awaited, else where it went, or nothing."""
        above = self.parents.get(node)
        # What an expression gives on is judged where that goes.
        while (isinstance(above, ast.IfExp) and node is not above.test) or (
            isinstance(above, ast.BoolOp) and node is above.values[-1]
        ):
            node, above = above, self.parents.get(above)
        match above:
            case ast.Call():
                return self.taken(above)
            case ast.Starred() | ast.keyword() | ast.Dict():
                return self.lost_in(above)
            case ast.Assign(targets=[ast.Name(id=name)]):
                return self.named(name)
            case ast.NamedExpr(target=ast.Name(id=name)) | ast.AnnAssign(target=ast.Name(id=name)):
                return self.named(name)
            case _ if isinstance(above, _HELD):
                return self.lost_in(above)
            case _:
                return "" if isinstance(above, self.losing) else None

    @property
    def losing(self) -> tuple[type[ast.AST], ...]:
        """What loses a coroutine here: whoever calls a plain function may await what it returns."""
        is_async = isinstance(self.function.node, ast.AsyncFunctionDef)
        return (*_LOST, ast.Return) if is_async else _LOST

    def lost_in(self, holder: ast.AST) -> str | None:
        """Judge a coroutine that lies in a list: lost only where the whole list surely is."""
        above = self.parents.get(holder)
        match above:
            case ast.Call():
                return self.given(above)
            case ast.Starred() | ast.keyword():
                return self.lost_in(above)
            case ast.Expr():
                return ""
            case ast.Assign(targets=[ast.Name(id=name)]):
                return None if self.uses(name) or self.is_closed_over(name) else ""
            case _:
                return None

    def taken(self, call: ast.Call) -> str | None:
        """Return the function that loses a coroutine which is its argument, if it does."""
        built_in = self.scope.full_name(call.func).startswith("builtins.")
        return ".".join(path_of(call.func)) if built_in else self.given(call)

    def given(self, call: ast.Call) -> str | None:
        """Return the function that loses what it is given, even where that is in a list."""
        name = self.scope.full_name(call.func)
        if self.scope.context_path(call.func) is not None:
            return ".".join(path_of(call.func))
        return name if name.startswith(_STARTING) else None

    def named(self, name: str) -> str | None:
        """Judge a coroutine that has a name: lost where that is never awaited, nor passed on."""
        kept = (ast.Return, ast.Yield, ast.keyword, ast.Starred, ast.Assign, ast.NamedExpr)
        for use in self.uses(name):
            above = self.parents[use]
            passed_on = isinstance(above, ast.Call) and self.taken(above) is None
            if passed_on or isinstance(above, (ast.Await, ast.IfExp, ast.BoolOp, *kept, *_HELD)):
                return None
        return None if self.is_closed_over(name) else ""

    def uses(self, name: str) -> list[ast.Name]:
        return [
            node
            for node in self.nodes
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
        ]

    def is_closed_over(self, name: str) -> bool:
        """Say whether a function that is defined here uses a name, and may await it."""
        return any(
            isinstance(inner, ast.Name) and inner.id == name
            for node in self.nodes
            if isinstance(node, APART)
            for inner in ast.walk(node)
        )
