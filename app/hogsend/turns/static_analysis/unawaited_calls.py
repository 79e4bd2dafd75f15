"""Finds calls of the context without `await`, which have no effect and raise no error."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..calls import find_call_by_path
from .call_graph import walk_functions
from .constants import parse_dotted_name
from .modules import NESTED_SCOPES
from .scopes import Function, Scope, walk_nodes

# Nodes that certainly discard a coroutine which is their operand: they ignore the value, test its
# truth, or need an attribute that a coroutine lacks.
_DISCARDING_NODES = (
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
    """A call without `await`.

    Args:
        call: the code, such as `ctx.send(…)`.
        passed_to: the function that gets the coroutine, such as `asyncio.gather`; may be empty.
        file: relative to the journeys' folder.
        line: the line in the file.
    """

    call: str
    passed_to: str
    file: str
    line: int


def find_unawaited_calls(function: Function) -> Iterator[UnawaitedCall]:
    """Yield the calls without `await`, of the context and of functions that use the context.

    Args:
        function: a journey's code; the functions that the journey calls are checked as well.
    """
    for callee, scope in walk_functions(function):
        yield from _FunctionCheck(callee, scope).find_calls()


@dataclass(slots=True)
class _FunctionCheck:
    function: Function
    scope: Scope
    nodes: list[ast.AST] = field(default_factory=list[ast.AST])
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict[ast.AST, ast.AST])

    def find_calls(self) -> Iterator[UnawaitedCall]:
        self.nodes = list(walk_nodes(self.function.node.body))
        self.parents = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}
        for node in self.nodes:
            if not isinstance(node, ast.Call) or not self.is_coroutine(node):
                continue
            passed_to = self.find_discarder(node)
            if passed_to is not None:
                module = self.scope.module
                call = ".".join(parse_dotted_name(node.func)) + "(…)"
                yield UnawaitedCall(call, passed_to, module.file, module.find_line(node))

    def is_coroutine(self, call: ast.Call) -> bool:
        path = self.scope.find_context_path(call.func)
        if path is not None:
            return find_call_by_path(path) is not None
        function = self.scope.find_function(call.func)
        return function is not None and function.is_coroutine

    def find_discarder(self, node: ast.expr) -> str | None:
        """Return the function that discards a coroutine.

        The text is empty when other code discards the coroutine. None means that the coroutine may
        still be awaited.
        """
        parent = self.parents.get(node)
        # These expressions pass on the coroutine, so the node around them decides.
        while (isinstance(parent, ast.IfExp) and node is not parent.test) or (
            isinstance(parent, ast.BoolOp) and node is parent.values[-1]
        ):
            node, parent = parent, self.parents.get(parent)
        match parent:
            case ast.Call():
                return self.find_discarding_callee(parent)
            case ast.Starred() | ast.keyword() | ast.Dict():
                return self.find_collection_discarder(parent)
            case ast.Assign(targets=[ast.Name(id=name)]):
                return self.find_name_discarder(name)
            case ast.NamedExpr(target=ast.Name(id=name)) | ast.AnnAssign(target=ast.Name(id=name)):
                return self.find_name_discarder(name)
            case _ if isinstance(parent, _COLLECTIONS):
                return self.find_collection_discarder(parent)
            case _:
                return "" if isinstance(parent, self.discarding_nodes) else None

    @property
    def discarding_nodes(self) -> tuple[type[ast.AST], ...]:
        """The nodes that discard a coroutine; a plain function may return one to be awaited."""
        is_async = isinstance(self.function.node, ast.AsyncFunctionDef)
        return (*_DISCARDING_NODES, ast.Return) if is_async else _DISCARDING_NODES

    def find_collection_discarder(self, holder: ast.AST) -> str | None:
        """Return what discards a collection with a coroutine; see `find_discarder`."""
        parent = self.parents.get(holder)
        match parent:
            case ast.Call():
                return self.find_discarding_consumer(parent)
            case ast.Starred() | ast.keyword():
                return self.find_collection_discarder(parent)
            case ast.Expr():
                return ""
            case ast.Assign(targets=[ast.Name(id=name)]):
                return None if self.find_uses(name) or self.is_captured(name) else ""
            case _:
                return None

    def find_discarding_callee(self, call: ast.Call) -> str | None:
        """Return the callee if it discards a coroutine that is its argument."""
        is_built_in = self.scope.resolve_name(call.func).startswith("builtins.")
        return (
            ".".join(parse_dotted_name(call.func))
            if is_built_in
            else self.find_discarding_consumer(call)
        )

    def find_discarding_consumer(self, call: ast.Call) -> str | None:
        """Return the callee if it discards its arguments and the items of its arguments."""
        name = self.scope.resolve_name(call.func)
        if self.scope.find_context_path(call.func) is not None:
            return ".".join(parse_dotted_name(call.func))
        return name if name.startswith(_EVENT_LOOPS) else None

    def find_name_discarder(self, name: str) -> str | None:
        """Return what discards a coroutine that has a name; see `find_discarder`.

        A name that is neither awaited nor passed on discards the coroutine.
        """
        passing = (ast.Return, ast.Yield, ast.keyword, ast.Starred, ast.Assign, ast.NamedExpr)
        keeping = (ast.Await, ast.IfExp, ast.BoolOp, *passing, *_COLLECTIONS)
        for use in self.find_uses(name):
            parent = self.parents[use]
            is_argument = (
                isinstance(parent, ast.Call) and self.find_discarding_callee(parent) is None
            )
            if is_argument or isinstance(parent, keeping):
                return None
        return None if self.is_captured(name) else ""

    def find_uses(self, name: str) -> list[ast.Name]:
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
