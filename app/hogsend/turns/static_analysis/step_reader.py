"""Reads the steps of a journey from its code, including the functions that it calls.

Blocks without a call of the context are left out, and so is the body of a function that is given
to `ctx.step`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ...domain.graph import (
    FOREVER,
    LEAVES_LOOP,
    Branch,
    Fork,
    GraphStep,
    Item,
    JourneyGraph,
    build_choice_step,
    build_decision_step,
    build_fail_step,
    build_jump_step,
    build_loop_step,
    build_recursion_step,
    is_left,
    is_terminal,
    to_decision,
)
from ...domain.graph_numbering import number_steps
from .body_scopes import build_call_scope, build_journey_scope
from .call_site import format_code
from .call_types import recognize_call
from .inlining import (
    CONTINUES,
    RETURNS,
    add_finally,
    add_loop_else,
    end_at_returns,
    fork_attempt,
    inline_function,
    may_fail,
)
from .modules import NESTED_SCOPES, AnyFunction
from .scopes import Function, Scope, walk_nodes

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# The number of steps that are read of one journey: functions that call functions multiply.
_MAX_STEPS = 2000


def build_graph(function: Function, trigger: str = "") -> JourneyGraph:
    """Return the graph of a journey.

    Args:
        function: the code of the journey.
        trigger: the event that starts the journey; some waits are named after the event.
    """
    return number_steps(read_journey(function, trigger))


def read_journey(function: Function, trigger: str = "") -> tuple[Item, ...]:
    """Return the steps of a journey, not yet numbered; the arguments are those of `build_graph`."""
    reader = _Reader(trigger)
    items = end_at_returns(reader.read_body(function, build_journey_scope(function)))
    return tuple(reader.repeat_if_recursive(function, list(items)))


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
            reader.read_statement(node, scope)
            if isinstance(node, ast.stmt)
            else reader.read_expression(node, scope)
        )
    ]


@dataclass(slots=True)
class _Reader:
    trigger: str
    _call_stack: list[AnyFunction] = field(default_factory=list[AnyFunction])
    _recursive: set[AnyFunction] = field(default_factory=set[AnyFunction])
    _steps_read: int = 0

    def read_body(self, function: Function, scope: Scope) -> list[Item]:
        self._call_stack.append(function.node)
        items = self.read_block(function.node.body, scope)
        self._call_stack.pop()
        return items

    def repeat_if_recursive(self, function: Function, items: list[Item]) -> list[Item]:
        """Return the steps of a function, as a loop when the function calls itself."""
        if function.node not in self._recursive or not items:
            return items
        place = _locate(function.node, function.scope)
        head = build_loop_step(f"{function.node.name} calls itself", *place)
        return [Fork(head, (Branch("each time", tuple(items)),))]

    def read_block(self, body: Sequence[ast.stmt], scope: Scope) -> list[Item]:
        items: list[Item] = []
        for statement in body:
            items.extend(self.read_statement(statement, scope))
            if is_terminal(items):
                break
        return items

    def read_branch(self, word: str, body: Sequence[ast.stmt], scope: Scope) -> Branch:
        return Branch(word, tuple(self.read_block(body, scope)))

    # -- statements ---------------------------------------------------------------------------

    def read_statement(self, node: ast.stmt, scope: Scope) -> Iterator[Item]:
        match node:
            case ast.If():
                yield from self.read_if(node, scope)
            case ast.For() | ast.AsyncFor() | ast.While():
                yield from self.read_loop(node, scope)
            case ast.Match():
                yield from self.read_match(node, scope)
            case ast.Try() | ast.TryStar():
                yield from self.read_try(node, scope)
            case ast.With() | ast.AsyncWith():
                yield from self.read_with(node, scope)
            case ast.Return() | ast.Raise() | ast.Break() | ast.Continue():
                yield from self.read_expression(node, scope)
                yield self.read_jump(node, scope)
            case _ if not isinstance(node, NESTED_SCOPES):
                yield from self.read_expression(node, scope)
            case _:
                pass

    def read_jump(self, node: ast.stmt, scope: Scope) -> GraphStep:
        place = _locate(node, scope)
        if isinstance(node, ast.Raise):
            return build_fail_step(
                format_code(node.exc, scope) if node.exc else "the same error", *place
            )
        if isinstance(node, ast.Return):
            return build_jump_step(RETURNS, *place)
        if isinstance(node, ast.Break):
            return build_jump_step(LEAVES_LOOP, *place, leaves=1)
        return build_jump_step(CONTINUES, *place)

    def read_if(self, node: ast.If, scope: Scope) -> Iterator[Item]:
        yes = self.read_branch("yes", node.body, scope)
        no = self.read_branch("no", node.orelse, scope)
        yield from self.read_condition(node.test, yes, no, scope)

    def read_condition(
        self, test: ast.expr, yes: Branch, no: Branch, scope: Scope
    ) -> Iterator[Item]:
        """Yield the calls of a condition, then a fork; a negation swaps the two branches."""
        calls = list(self.read_expression(test, scope))
        if not yes.items and not no.items:
            yield from calls
            return
        while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            yes, no, test = Branch("yes", no.items), Branch("no", yes.items), test.operand
        # The answer of the author's function is not that of the last call in the function.
        is_direct = isinstance(test, ast.Await) and not (
            isinstance(test.value, ast.Call) and scope.find_function(test.value.func)
        )
        call = calls[-1] if is_direct and calls else None
        if isinstance(call, GraphStep) and call.is_question:
            yield from calls[:-1]
            head = to_decision(call)
        else:
            yield from calls
            condition = call.condition if isinstance(call, GraphStep) else ""
            head = build_decision_step(condition or format_code(test, scope), *_locate(test, scope))
        yield Fork(head, (yes, no))

    def read_loop(self, node: ast.For | ast.AsyncFor | ast.While, scope: Scope) -> Iterator[Item]:
        items_before: list[Item] = []
        test_items: list[Item] = []
        is_endless = False
        if isinstance(node, ast.While):
            # The code that iterates over a generator can leave its loop.
            is_generator = any(isinstance(child, ast.Yield) for child in walk_nodes(node.body))
            is_true = isinstance(node.test, ast.Constant) and bool(node.test.value)
            is_endless = is_true and not is_generator
            what = FOREVER if is_endless else f"while {format_code(node.test, scope)}"
            test_items = list(self.read_expression(node.test, scope))
        else:
            what = f"for {format_code(node.target, scope)} in {format_code(node.iter, scope)}"
            # The steps of an asynchronous generator run between those of the loop.
            is_async = isinstance(node, ast.AsyncFor)
            calls = list(self.read_expression(node.iter, scope))
            items_before, test_items = ([], calls) if is_async else (calls, [])
        items = [*test_items, *self.read_block(node.body, scope)]
        yield from items_before
        if any(not isinstance(item, GraphStep) or item.kind != "jump" for item in items):
            head = build_loop_step(what, *_locate(node, scope))
            yield Fork(head, (Branch("each time", tuple(items)),))
        if not is_endless:
            otherwise = self.read_block(node.orelse, scope)
            yield from add_loop_else(otherwise, has_break=is_left(items))

    def read_with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> Iterator[Item]:
        for item in node.items:
            yield from self.read_expression(item.context_expr, scope)
        items = self.read_block(node.body, scope)
        ignored = [
            format_code(argument, scope)
            for item in node.items
            if isinstance(item.context_expr, ast.Call)
            and scope.resolve_name(item.context_expr.func) == "contextlib.suppress"
            for argument in item.context_expr.args
        ]
        if ignored and may_fail(items):
            handler = Branch(f"if {' or '.join(ignored)}")
            yield fork_attempt(items, [handler], _locate(node, scope))
        else:
            yield from items

    def read_match(self, node: ast.Match, scope: Scope) -> Iterator[Item]:
        yield from self.read_expression(node.subject, scope)
        branches: list[Branch] = []
        for case in node.cases:
            word = format_code(case.pattern, scope)
            if case.guard is not None:
                word = f"{word} if {format_code(case.guard, scope)}"
            branches.append(
                self.read_branch("otherwise" if word == "_" else word, case.body, scope)
            )
        if not any(branch.items for branch in branches):
            return
        if branches[-1].word != "otherwise":
            branches.append(Branch("otherwise"))
        head = build_choice_step(format_code(node.subject, scope), *_locate(node, scope))
        yield Fork(head, tuple(branches))

    def read_try(self, node: ast.Try | ast.TryStar, scope: Scope) -> Iterator[Item]:
        tried = self.read_block([*node.body, *node.orelse], scope)
        handlers = [self.read_handler(handler, scope) for handler in node.handlers]
        place = _locate(node, scope)
        # Handlers without steps leave nothing to show, unless they are the only way on.
        if any(handler.items for handler in handlers) or (handlers and may_fail(tried)):
            tried = [fork_attempt(tried, handlers, place)]
        yield from add_finally(tried, self.read_block(node.finalbody, scope), place)

    def read_handler(self, node: ast.ExceptHandler, scope: Scope) -> Branch:
        word = f"if {format_code(node.type, scope)}" if node.type else "if anything fails"
        return self.read_branch(word, node.body, scope)

    # -- expressions --------------------------------------------------------------------------

    def read_expression(self, node: ast.AST, scope: Scope) -> Iterator[Item]:
        """Yield the calls of an expression, or of a statement without blocks, in order."""
        if isinstance(node, NESTED_SCOPES):
            return
        if isinstance(node, ast.IfExp):
            yes, no = (tuple(self.read_expression(e, scope)) for e in (node.body, node.orelse))
            yield from self.read_condition(node.test, Branch("yes", yes), Branch("no", no), scope)
        elif isinstance(node, ast.BoolOp):
            yield from self.read_boolean(node, scope)
        elif isinstance(node, _COMPREHENSIONS):
            yield from self.read_comprehension(node, scope)
        elif isinstance(node, ast.Call):
            yield from self.read_call(node, scope)
        else:
            for child in ast.iter_child_nodes(node):
                yield from self.read_expression(child, scope)

    def read_boolean(self, node: ast.BoolOp, scope: Scope) -> Iterator[Item]:
        """Yield the calls of `a or b`; one that ends the flow is in a decision of its own."""
        first, *others = node.values
        yield from self.read_expression(first, scope)
        yes, no = ("yes", "no") if isinstance(node.op, ast.And) else ("no", "yes")
        for position, operand in enumerate(others, 1):
            items = tuple(self.read_expression(operand, scope))
            if not is_terminal(items):
                yield from items
                continue
            before = node.values[:position]
            test = before[0] if len(before) == 1 else ast.BoolOp(node.op, before)
            head = build_decision_step(format_code(test, scope), *_locate(node, scope))
            branches = Branch(yes, items), Branch(no)
            yield Fork(head, branches if yes == "yes" else branches[::-1])

    def read_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, scope: Scope
    ) -> Iterator[Item]:
        outer, *inner = node.generators
        yield from self.read_expression(outer.iter, scope)
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        conditions = (part for generator in inner for part in (generator.iter, *generator.ifs))
        repeated = [*outer.ifs, *conditions, *elements]
        items = tuple(item for part in repeated for item in self.read_expression(part, scope))
        if items:
            what = f"for {format_code(outer.target, scope)} in {format_code(outer.iter, scope)}"
            head = build_loop_step(what, *_locate(node, scope))
            yield Fork(head, (Branch("each time", items),))

    def read_call(self, node: ast.Call, scope: Scope) -> Iterator[Item]:
        call_type, site = recognize_call(node, scope, self.trigger)
        step = (
            call_type.build_graph_step(site) if call_type is not None and site is not None else None
        )
        if call_type is not None and site is not None and step is not None:
            for argument in call_type.list_drawn_arguments(site):
                yield from self.read_expression(argument, scope)
            self._steps_read += 1
            yield step
            return
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            yield from self.read_expression(argument, scope)
        yield from self.read_expression(node.func, scope)
        yield from self.read_called_function(node, scope)

    def read_called_function(self, node: ast.Call, scope: Scope) -> Iterator[Item]:
        """Yield the steps of the author's function that is called, if it is one."""
        function = scope.find_function(node.func)
        if function is None or self._steps_read > _MAX_STEPS:
            return
        if any(function.node is caller for caller in self._call_stack):
            self._recursive.add(function.node)
            yield build_recursion_step(function.node.name, *_locate(node, scope))
            return
        body = self.read_body(function, build_call_scope(function, node, scope))
        items = inline_function(body, function.node.name)
        yield from self.repeat_if_recursive(function, items)


def _locate(node: ast.AST, scope: Scope) -> tuple[str, int]:
    return scope.module.file, scope.module.find_line(node)
