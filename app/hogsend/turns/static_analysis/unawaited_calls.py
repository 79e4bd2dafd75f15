"""Finds calls of the context that nobody awaits: they have no effect, and raise no error."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..calls import call_at_path
from .call_graph import functions_of
from .constants import path_of
from .modules import NESTED_SCOPES
from .scopes import Function, Scope, nodes_of

# Nodes that certainly lose a coroutine which is their operand: they drop it, take it for true, or
# need an attribute that it lacks.
_LOSING = (
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
_COLLECTIONS = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.GeneratorExp)
# Libraries that start coroutines by themselves, which a journey cannot use.
_EVENT_LOOPS = ("asyncio.", "anyio.", "trio.")


@dataclass(frozen=True, slots=True)
class UnawaitedCall:
    """A call without its `await`.

    Args:
        call: its code, such as `ctx.send(…)`.
        given_to: the function that takes it instead, such as `asyncio.gather`.
        file: relative to the journeys' folder.
        line: the line in the file.
    """

    call: str
    given_to: str
    file: str
    line: int


def find_unawaited_calls(function: Function) -> Iterator[UnawaitedCall]:
    """Yield the calls of the context, and of functions that use it, which lack an `await`.

    Args:
        function: a journey's code; the functions that it calls are checked as well.
    """
    for callee, scope in functions_of(function):
        yield from _FunctionCheck(callee, scope).unawaited_calls()


@dataclass(slots=True)
class _FunctionCheck:
    function: Function
    scope: Scope
    nodes: list[ast.AST] = field(default_factory=list[ast.AST])
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict[ast.AST, ast.AST])

    def unawaited_calls(self) -> Iterator[UnawaitedCall]:
        self.nodes = list(nodes_of(self.function.node.body))
        self.parents = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}
        for node in self.nodes:
            if not isinstance(node, ast.Call) or not self.is_coroutine(node):
                continue
            given_to = self.loser_of(node)
            if given_to is not None:
                module = self.scope.module
                call = ".".join(path_of(node.func)) + "(…)"
                yield UnawaitedCall(call, given_to, module.file, module.line(node))

    def is_coroutine(self, call: ast.Call) -> bool:
        path = self.scope.context_path(call.func)
        if path is not None:
            return call_at_path(path) is not None
        function = self.scope.function(call.func)
        return function is not None and function.is_coroutine

    def loser_of(self, node: ast.expr) -> str | None:
        """Return the function that loses a coroutine, or empty text for anything else that does.

        None means that the coroutine may still be awaited.
        """
        parent = self.parents.get(node)
        # The value of these expressions is judged where it goes.
        while (isinstance(parent, ast.IfExp) and node is not parent.test) or (
            isinstance(parent, ast.BoolOp) and node is parent.values[-1]
        ):
            node, parent = parent, self.parents.get(parent)
        match parent:
            case ast.Call():
                return self.losing_callee(parent)
            case ast.Starred() | ast.keyword() | ast.Dict():
                return self.loser_of_collection(parent)
            case ast.Assign(targets=[ast.Name(id=name)]):
                return self.loser_of_name(name)
            case ast.NamedExpr(target=ast.Name(id=name)) | ast.AnnAssign(target=ast.Name(id=name)):
                return self.loser_of_name(name)
            case _ if isinstance(parent, _COLLECTIONS):
                return self.loser_of_collection(parent)
            case _:
                return "" if isinstance(parent, self.losing_nodes) else None

    @property
    def losing_nodes(self) -> tuple[type[ast.AST], ...]:
        """The nodes that lose a coroutine; the caller of a plain function may await its result."""
        is_async = isinstance(self.function.node, ast.AsyncFunctionDef)
        return (*_LOSING, ast.Return) if is_async else _LOSING

    def loser_of_collection(self, holder: ast.AST) -> str | None:
        """Judge a coroutine in a collection: lost only where the whole collection certainly is."""
        parent = self.parents.get(holder)
        match parent:
            case ast.Call():
                return self.losing_taker(parent)
            case ast.Starred() | ast.keyword():
                return self.loser_of_collection(parent)
            case ast.Expr():
                return ""
            case ast.Assign(targets=[ast.Name(id=name)]):
                return None if self.uses_of(name) or self.is_captured(name) else ""
            case _:
                return None

    def losing_callee(self, call: ast.Call) -> str | None:
        """Return the function that loses a coroutine which is its argument, if it does."""
        is_built_in = self.scope.full_name(call.func).startswith("builtins.")
        return ".".join(path_of(call.func)) if is_built_in else self.losing_taker(call)

    def losing_taker(self, call: ast.Call) -> str | None:
        """Return the function that loses its arguments, even those in a collection, if it does."""
        name = self.scope.full_name(call.func)
        if self.scope.context_path(call.func) is not None:
            return ".".join(path_of(call.func))
        return name if name.startswith(_EVENT_LOOPS) else None

    def loser_of_name(self, name: str) -> str | None:
        """Judge a coroutine with a name: lost where that is neither awaited nor passed on."""
        passing = (ast.Return, ast.Yield, ast.keyword, ast.Starred, ast.Assign, ast.NamedExpr)
        keeping = (ast.Await, ast.IfExp, ast.BoolOp, *passing, *_COLLECTIONS)
        for use in self.uses_of(name):
            parent = self.parents[use]
            is_argument = isinstance(parent, ast.Call) and self.losing_callee(parent) is None
            if is_argument or isinstance(parent, keeping):
                return None
        return None if self.is_captured(name) else ""

    def uses_of(self, name: str) -> list[ast.Name]:
        return [
            node
            for node in self.nodes
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
        ]

    def is_captured(self, name: str) -> bool:
        """Return whether a nested function uses a name, and may await it."""
        return any(
            isinstance(inner, ast.Name) and inner.id == name
            for node in self.nodes
            if isinstance(node, NESTED_SCOPES)
            for inner in ast.walk(node)
        )
