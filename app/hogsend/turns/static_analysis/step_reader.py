"""Reads the steps of a journey out of its code, functions that it calls included.

Blocks in which nothing of the context is called are left out, and so is what stands in a function
that is given to `ctx.step`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ...domain.graph import (
    COMPLETED,
    FOREVER,
    LEAVES_LOOP,
    Branch,
    Fork,
    GraphStep,
    Item,
    JourneyGraph,
    never_goes_on,
    numbered,
)
from .calls import calls_when, code_of, moment_of, read_call
from .modules import APART, AnyFunction
from .scopes import Function, Scope, scope_of_call, scope_of_journey

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# What is read of one journey at most: functions that call functions multiply.
_MOST_STEPS = 2000
_RETURNS = "returns"
# Calls whose answer is a yes or no, with the word for a yes.
_DECIDING = {"look": "", "throttle": "", "wait": "came", "send": "is queued", "digest": "came"}
GOES_ROUND = "goes round again"


def flow_of(function: Function, trigger: str = "") -> JourneyGraph:
    """Return the graph of a journey.

    Args:
        function: its code.
        trigger: the event that starts it; some waits are named after it.
    """
    return numbered(read_journey(function, trigger))


def read_journey(function: Function, trigger: str = "") -> tuple[Item, ...]:
    """Return the steps of a journey, not yet numbered; the arguments are those of `flow_of`."""
    reader = _Reader(trigger)
    items = reader.body(function, scope_of_journey(function))
    return tuple(_with_ends(items))


def read_block(body: Sequence[ast.AST], scope: Scope) -> list[Item]:
    """Return the steps of a part of a journey, not yet numbered.

    Args:
        body: statements or expressions.
        scope: the names around them.
    """
    reader = _Reader("")
    return [
        item
        for node in body
        for item in (
            reader.statement(node, scope)
            if isinstance(node, ast.stmt)
            else reader.asked(node, scope)
        )
    ]


def _with_ends(items: Sequence[Item]) -> Iterator[Item]:
    """Say of a `return` of the journey itself that the journey is completed."""
    for item in items:
        if isinstance(item, Fork):
            ways = (Branch(way.word, tuple(_with_ends(way.items))) for way in item.ways)
            yield Fork(item.head, tuple(ways))
        elif item.kind == "jump" and item.what == _RETURNS:
            yield GraphStep("end", COMPLETED, file=item.file, line=item.line)
        else:
            yield item


@dataclass(slots=True)
class _Reader:
    trigger: str
    _inside: list[AnyFunction] = field(default_factory=list[AnyFunction])
    _read: int = 0

    def body(self, function: Function, scope: Scope) -> list[Item]:
        self._inside.append(function.node)
        items = self.block(function.node.body, scope)
        self._inside.pop()
        return items

    def block(self, body: Sequence[ast.stmt], scope: Scope) -> list[Item]:
        items: list[Item] = []
        for statement in body:
            items.extend(self.statement(statement, scope))
            if never_goes_on(items):
                break
        return items

    def way(self, word: str, body: Sequence[ast.stmt], scope: Scope) -> Branch:
        return Branch(word, tuple(self.block(body, scope)))

    def statement(self, node: ast.stmt, scope: Scope) -> Iterator[Item]:
        match node:
            case ast.If():
                yield from self.decision(node, scope)
            case ast.For() | ast.AsyncFor() | ast.While():
                yield from self.loop(node, scope)
            case ast.Match():
                yield from self.choice(node, scope)
            case ast.Try() | ast.TryStar():
                yield from self.attempt(node, scope)
            case ast.With() | ast.AsyncWith():
                for one in node.items:
                    yield from self.asked(one.context_expr, scope)
                yield from self.block(node.body, scope)
            case ast.Return() | ast.Raise() | ast.Break() | ast.Continue():
                yield from self.asked(node, scope)
                yield self.jump(node, scope)
            case _ if not isinstance(node, APART):
                yield from self.asked(node, scope)
            case _:
                pass

    def jump(self, node: ast.stmt, scope: Scope) -> GraphStep:
        if isinstance(node, ast.Raise):
            what = code_of(node.exc, scope) if node.exc else "the same again"
            return self.step("fail", what, node, scope)
        if isinstance(node, ast.Return):
            return self.step("jump", _RETURNS, node, scope)
        what = LEAVES_LOOP if isinstance(node, ast.Break) else GOES_ROUND
        return self.step("jump", what, node, scope)

    def step(self, kind: str, what: str, node: ast.AST, scope: Scope) -> GraphStep:
        return GraphStep(kind, what, file=scope.module.file, line=scope.module.line(node))

    # -- forks ------------------------------------------------------------------------------

    def decision(self, node: ast.If, scope: Scope) -> Iterator[Item]:
        yes, no = self.way("yes", node.body, scope), self.way("no", node.orelse, scope)
        yield from self.fork(node.test, yes, no, scope)

    def fork(self, test: ast.expr, yes: Branch, no: Branch, scope: Scope) -> Iterator[Item]:
        """Yield what a condition asks, and its two ways; one that is negated is turned round."""
        asked = list(self.asked(test, scope))
        if not yes.items and not no.items:
            yield from asked
            return
        while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            yes, no, test = Branch("yes", no.items), Branch("no", yes.items), test.operand
        only = asked[-1] if isinstance(test, ast.Await) and asked else None
        if not isinstance(only, GraphStep) or only.kind not in _DECIDING:
            yield from asked
            head = self.step("decision", code_of(test, scope), test, scope)
        elif only.kind in ("look", "throttle"):
            yield from asked[:-1]
            head = replace(only, kind="decision")
        else:
            yield from asked
            head = self.step("decision", f"{only.what} {_DECIDING[only.kind]}", test, scope)
        yield Fork(head, (yes, no))

    def loop(self, node: ast.For | ast.AsyncFor | ast.While, scope: Scope) -> Iterator[Item]:
        before: list[Item] = []
        if isinstance(node, ast.While):
            forever = isinstance(node.test, ast.Constant) and bool(node.test.value)
            what = FOREVER if forever else f"while {code_of(node.test, scope)}"
            first = list(self.asked(node.test, scope))
        else:
            before, first = list(self.asked(node.iter, scope)), []
            what = f"for {code_of(node.target, scope)} in {code_of(node.iter, scope)}"
        items = [*first, *self.block(node.body, scope)]
        yield from before
        if any(not isinstance(one, GraphStep) or one.kind != "jump" for one in items):
            yield Fork(self.step("loop", what, node, scope), (Branch("each time", tuple(items)),))
        yield from self.block(node.orelse, scope)

    def choice(self, node: ast.Match, scope: Scope) -> Iterator[Item]:
        yield from self.asked(node.subject, scope)
        ways: list[Branch] = []
        for case in node.cases:
            word = code_of(case.pattern, scope)
            if case.guard is not None:
                word = f"{word} if {code_of(case.guard, scope)}"
            ways.append(self.way("otherwise" if word == "_" else word, case.body, scope))
        if not any(way.items for way in ways):
            return
        if ways[-1].word != "otherwise":
            ways.append(Branch("otherwise"))
        yield Fork(self.step("choice", code_of(node.subject, scope), node, scope), tuple(ways))

    def attempt(self, node: ast.Try | ast.TryStar, scope: Scope) -> Iterator[Item]:
        tried = self.way("goes well", [*node.body, *node.orelse], scope)
        handlers = [self.handler(one, scope) for one in node.handlers]
        # Where nothing is done about a failure there is nothing to see.
        if any(way.items for way in handlers):
            yield Fork(self.step("attempt", "try", node, scope), (tried, *handlers))
        else:
            yield from tried.items
        yield from self.block(node.finalbody, scope)

    def handler(self, node: ast.ExceptHandler, scope: Scope) -> Branch:
        word = f"if {code_of(node.type, scope)}" if node.type else "if anything fails"
        return self.way(word, node.body, scope)

    # -- calls ------------------------------------------------------------------------------

    def asked(self, node: ast.AST, scope: Scope) -> Iterator[Item]:
        """Yield what an expression, or a statement without its blocks, asks, in its order."""
        if isinstance(node, APART):
            return
        if isinstance(node, ast.IfExp):
            yes, no = (tuple(self.asked(one, scope)) for one in (node.body, node.orelse))
            yield from self.fork(node.test, Branch("yes", yes), Branch("no", no), scope)
        elif isinstance(node, _COMPREHENSIONS):
            yield from self.comprehension(node, scope)
        elif isinstance(node, ast.Call):
            yield from self.call(node, scope)
        else:
            for inner in ast.iter_child_nodes(node):
                yield from self.asked(inner, scope)

    def comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, scope: Scope
    ) -> Iterator[Item]:
        first, *rest = node.generators
        yield from self.asked(first.iter, scope)
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        each = [*first.ifs, *(part for one in rest for part in (one.iter, *one.ifs)), *elements]
        items = tuple(item for part in each for item in self.asked(part, scope))
        if items:
            what = f"for {code_of(first.target, scope)} in {code_of(first.iter, scope)}"
            yield Fork(self.step("loop", what, node, scope), (Branch("each time", items),))

    def call(self, node: ast.Call, scope: Scope) -> Iterator[Item]:
        if calls_when(node, scope):
            said = moment_of(node, scope) or code_of(node, scope).removeprefix("when.")
            yield self.step("when", said, node, scope)
            return
        step = read_call(node, scope, self.trigger)
        if step is None or step.kind != "step":
            for inner in (*node.args, *(one.value for one in node.keywords)):
                # The moment that somebody sleeps until is said by the sleep.
                if step is None or step.kind != "sleep" or moment_of(inner, scope) is None:
                    yield from self.asked(inner, scope)
        if step is not None:
            self._read += 1
            yield step
        else:
            yield from self.asked(node.func, scope)
            yield from self.called(node, scope)

    def called(self, node: ast.Call, scope: Scope) -> Iterator[Item]:
        """Yield the steps of a function of the author's own."""
        function = scope.function(node.func)
        if function is None or self._read > _MOST_STEPS:
            return
        if any(function.node is one for one in self._inside):
            yield self.step("jump", f"{function.node.name} again", node, scope)
            return
        yield from _returned(self.body(function, scope_of_call(function, node, scope)))


def _returned(items: Sequence[Item]) -> list[Item]:
    """Let what comes after a call go on where the function returns.

    `if a: return` followed by more becomes a fork with the rest on its other way.
    """
    found: list[Item] = []
    for place, item in enumerate(items):
        if isinstance(item, GraphStep):
            if _is_return(item):
                break
            found.append(item)
            continue
        staying = [n for n, way in enumerate(item.ways) if not never_goes_on(way.items)]
        returning = any(way.items and _is_return(way.items[-1]) for way in item.ways)
        rest = items[place + 1 :]
        if item.head.kind == "loop" or not returning or (rest and len(staying) > 1):
            ways = [Branch(way.word, tuple(_returned(way.items))) for way in item.ways]
            found.append(Fork(item.head, tuple(ways)))
            continue
        ways = [
            Branch(way.word, tuple(_returned([*way.items, *rest] if n in staying else way.items)))
            for n, way in enumerate(item.ways)
        ]
        if any(way.items for way in ways):
            found.append(Fork(item.head, tuple(ways)))
        break
    return found


def _is_return(item: Item) -> bool:
    return isinstance(item, GraphStep) and item.kind == "jump" and item.what == _RETURNS
