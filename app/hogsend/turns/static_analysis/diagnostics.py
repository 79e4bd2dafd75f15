"""Finds code in journeys that breaks a replay, refers to nothing, or does not do what it seems to.

Only certain problems are reported: a false alarm costs more than a missed problem.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ...domain.graph import GraphStep, walk_steps
from ...domain.graph_numbering import number_steps
from ..calls.call import Resource
from .call_graph import walk_functions, walk_running_nodes
from .call_types import recognize_call
from .constants import Pattern, parse_dotted_name
from .forbidden_names import Severity, find_rule
from .former_labels import find_label_problems
from .modules import find_bindings
from .scopes import Function, Scope
from .step_reader import read_block, read_journey
from .value_checks import check_arguments, check_attributes

# A problem, its remedy, and its severity.
Report = tuple[str, str, Severity]


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """A problem in an author's code.

    Args:
        file: relative to the journeys' folder.
        line: the line in the file.
        problem: what is wrong, one sentence.
        remedy: what to do about the problem.
        severity: an `error` will break a journey; a `warning` may be intended.
    """

    file: str
    line: int
    problem: str
    remedy: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity}: {self.problem} {self.remedy}".strip()


@dataclass(frozen=True, slots=True)
class KnownResources:
    """The templates and lists that journeys can refer to.

    Args:
        templates: the keys of the templates, those with a broken file included.
        lists: the ids of the lists.
    """

    templates: Collection[str]
    lists: Collection[str]


def diagnose(journeys: Iterable[Function], known: KnownResources) -> list[Diagnostic]:
    """Return the problems of journeys and of the functions that they call, by file and line.

    Args:
        journeys: the code of the journeys.
        known: the templates and lists that the journeys can refer to.
    """
    diagnostics: set[Diagnostic] = set()
    for journey in journeys:
        for function, scope in walk_functions(journey):
            diagnostics.update(_FunctionCheck(function, scope, known).find_diagnostics())
        diagnostics.update(_check_repeated_keys(journey))
        for problem in find_label_problems(journey):
            diagnostics.add(Diagnostic(problem.file, problem.line, problem.problem, problem.remedy))
    return sorted(diagnostics)


def diagnose_resources(journeys: Iterable[Function], known: KnownResources) -> list[Diagnostic]:
    """Return only the problems of templates and lists that do not exist, by file and line.

    The arguments are those of `diagnose`, which takes several times as long.
    """
    diagnostics: set[Diagnostic] = set()
    for journey in journeys:
        for function, scope in walk_functions(journey):
            diagnostics.update(_FunctionCheck(function, scope, known).find_missing_resources())
    return sorted(diagnostics)


def _check_repeated_keys(journey: Function) -> Iterator[Diagnostic]:
    """Yield the calls that the journal distinguishes only by their order."""
    first_of_key: dict[str, GraphStep] = {}
    for step in number_steps(read_journey(journey), once=True).walk_steps():
        # The unknown part of a key may distinguish the calls at run time.
        if not step.key or "*" in step.key:
            continue
        first = first_of_key.setdefault(step.key, step)
        is_repeated = step.last is not None and step.last > 1
        if not is_repeated or (first.file, first.line) == (step.file, step.line):
            continue
        remedy = "Give each its own label=, so that a change between them leaves people in place."
        if step.label:
            problem = f"the {step.kind} in line {first.line} has the label {step.label!r} too"
        elif step.is_wait:
            problem = f"this {step.kind} has the same name as the one in line {first.line}"
        else:
            continue
        problem += ", and the journal distinguishes them by their order only."
        yield Diagnostic(step.file, step.line, problem, remedy, "warning")


@dataclass(frozen=True, slots=True)
class _FunctionCheck:
    """The checks of a function that runs in a journey."""

    function: Function
    scope: Scope
    known: KnownResources
    sets: set[str] = field(default_factory=set[str])

    def find_diagnostics(self) -> Iterator[Diagnostic]:
        module = self.scope.module
        for body in (module.tree.body, self.function.node.body):
            for name, expression in find_bindings(body):
                self.sets.discard(name)
                if expression is not None and self.is_set(expression):
                    self.sets.add(name)
        for node in walk_running_nodes(self.function.node.body, self.scope):
            for problem, remedy, severity in self.check(node):
                yield Diagnostic(module.file, module.find_line(node), problem, remedy, severity)
        for (problem, remedy), node in check_attributes(self.function.node.body, self.scope):
            yield Diagnostic(module.file, module.find_line(node), problem, remedy)

    def find_missing_resources(self) -> Iterator[Diagnostic]:
        module = self.scope.module
        for node in walk_running_nodes(self.function.node.body, self.scope):
            if isinstance(node, ast.Call):
                for problem, remedy, severity in self.check_resources(node):
                    yield Diagnostic(module.file, module.find_line(node), problem, remedy, severity)

    def check_resources(self, node: ast.Call) -> Iterator[Report]:
        call_type, site = recognize_call(node, self.scope)
        if call_type is not None and site is not None:
            name = ".".join(("ctx", *site.path))
            for resource in call_type.find_resources(site):
                yield from self.check_resource(name, resource)

    def check(self, node: ast.AST) -> Iterator[Report]:
        match node:
            case ast.Call():
                yield from self.check_call(node)
            case ast.Attribute() if self.scope.resolve_name(node) == "os.environ":
                yield from self.check_name("os.environ", 0)
            case ast.Compare():
                yield from self.check_comparison(node)
            case ast.For():
                yield from self.check_loop(node.iter, node.body)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                yield from self.check_loop(node.generators[0].iter, [node.elt])
            case ast.Try() | ast.TryStar():
                yield from self.check_try(node)
            case ast.AsyncWith():
                if self.can_pause(node.body):
                    yield (
                        "`async with` is left at every wait inside it, not only at its end.",
                        "Put the wait after it, or what it holds into `ctx.step`.",
                        "warning",
                    )
            case _:
                pass

    # -- calls ------------------------------------------------------------------------------

    def check_call(self, node: ast.Call) -> Iterator[Report]:
        yield from self.check_resources(node)
        call_type, site = recognize_call(node, self.scope)
        if call_type is not None and site is not None:
            for argument in site.arguments:
                yield from self.check_trigger_values(argument)
            for problem, remedy in check_arguments(site, call_type):
                yield problem, remedy, "error"
            error = call_type.find_problem(site)
            if error is not None:
                yield error.message.rstrip(".") + ".", error.remedy, "error"
        callee = _callee_name(node.func, self.scope)
        if callee:
            yield from self.check_name(callee, len(node.args) + len(node.keywords))

    def check_name(self, name: str, arguments: int) -> Iterator[Report]:
        rule = find_rule(name, arguments)
        if rule is not None:
            yield f"`{name.removeprefix('builtins.')}` {rule.problem}.", rule.remedy, rule.severity

    def check_resource(self, call: str, resource: Resource) -> Iterator[Report]:
        is_template = resource.kind == "template"
        known = self.known.templates if is_template else self.known.lists
        name = resource.name
        if not isinstance(name, str) or isinstance(name, Pattern) or name in known:
            return
        close = difflib.get_close_matches(name, known, n=1)
        file = f"emails/{name}.html" if is_template else "lists.py"
        remedy = f"Did you mean {close[0]!r}?" if close else f"Define it in {file}."
        yield f"{call} names the {resource.kind} {name!r}, which does not exist.", remedy, "error"

    # -- properties of the trigger ----------------------------------------------------------------

    def check_comparison(self, node: ast.Compare) -> Iterator[Report]:
        """Yield a problem for `trigger("plan") == "pro"`, which is no condition and never true."""
        operands = [node.left, *node.comparators]
        others = [operand for operand in operands if not self.names_trigger(operand)]
        if len(others) < len(operands) and all(isinstance(o, ast.Constant) for o in others):
            yield _TRIGGER_AS_VALUE

    def check_trigger_values(self, node: ast.AST) -> Iterator[Report]:
        """Yield a problem for each property of the trigger that is not part of a condition."""
        if isinstance(node, ast.Compare):
            return
        callee = node.func if isinstance(node, ast.Call) else None
        if isinstance(callee, ast.Attribute) and callee.attr in _CONDITION_METHODS:
            return
        if self.names_trigger(node):
            yield _TRIGGER_AS_VALUE
        for child in ast.iter_child_nodes(node):
            yield from self.check_trigger_values(child)

    def names_trigger(self, node: ast.AST) -> bool:
        """Return whether a node is `trigger(…)`."""
        if not isinstance(node, ast.Call):
            return False
        return self.scope.resolve_name(node.func) == "hogsend.trigger"

    # -- sets -------------------------------------------------------------------------------

    def check_loop(self, iterable: ast.expr, body: Sequence[ast.AST]) -> Iterator[Report]:
        if self.is_set(iterable) and read_block(body, self.scope):
            yield (
                "a set has another order after a restart, and this loop calls ctx.",
                "Loop over `sorted(…)` of it, or over a list.",
                "error",
            )

    def is_set(self, node: ast.expr) -> bool:
        match node:
            case ast.Set():
                # Small whole numbers keep their order.
                return not all(
                    isinstance(element, ast.Constant) and isinstance(element.value, int)
                    for element in node.elts
                )
            case ast.Name():
                return node.id in self.sets
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.Sub() | ast.BitXor()):
                return self.is_set(node.left) or self.is_set(node.right)
            case ast.Call():
                return self.returns_set(node)
            case _:
                return isinstance(node, ast.SetComp)

    def returns_set(self, call: ast.Call) -> bool:
        if isinstance(call.func, ast.Attribute):
            return call.func.attr in _SET_METHODS and self.is_set(call.func.value)
        name = self.scope.resolve_name(call.func).removeprefix("builtins.")
        if not call.args or name not in _ORDER_PRESERVING:
            return False
        return name in ("set", "frozenset") or self.is_set(call.args[0])

    # -- blocks that are left at every wait ---------------------------------------------------

    def check_try(self, node: ast.Try | ast.TryStar) -> Iterator[Report]:
        handled = (statement for handler in node.handlers for statement in handler.body)
        if self.has_calls(node.finalbody):
            yield (
                "ctx is called in `finally`, which also runs whenever the journey waits.",
                "Call it after the `try` block.",
                "warning",
            )
        elif node.finalbody and self.can_pause([*node.body, *node.orelse, *handled]):
            yield (
                "`finally` runs at every wait inside its `try`, not only at its end.",
                "Put the wait after it, or the clean-up into `ctx.step`.",
                "warning",
            )
        if not self.has_calls(node.body):
            return
        for handler in node.handlers:
            if _catches_all(handler) and not _raises(handler.body):
                yield (
                    "this `except` also catches what ends a journey's turn.",
                    "Write `except Exception:`, or name the error that you expect.",
                    "warning",
                )

    def has_calls(self, body: Sequence[ast.stmt]) -> bool:
        """Return whether a body calls the context, directly or through a function."""
        return bool(read_block(body, self.scope)) or any(
            isinstance(node, ast.Call) and self.scope.find_context_path(node.func) is not None
            for node in walk_running_nodes(body, self.scope)
        )

    def can_pause(self, body: Sequence[ast.stmt]) -> bool:
        return any(step.ends_turn for step in walk_steps(read_block(body, self.scope)))


# Methods of `prop(…)` that take a property of the trigger.
_CONDITION_METHODS = ("contains", "in_")
_TRIGGER_AS_VALUE: Report = (
    "`trigger(…)` is not the value itself: conditions compare a property with it.",
    'Write prop("x") == trigger("x") in a condition, or read ctx.event.properties["x"].',
    "error",
)
# Functions that return the elements of their argument in the same order.
_ORDER_PRESERVING = ("set", "frozenset", "list", "tuple", "enumerate", "iter")
_SET_METHODS = ("union", "intersection", "difference", "symmetric_difference", "copy")


def _callee_name(node: ast.expr, scope: Scope) -> str:
    """Return the full name of a callee, which may be a method of another call's result."""
    if parse_dotted_name(node):
        return scope.resolve_name(node)
    if not isinstance(node, ast.Attribute):
        return ""
    inner = node.value
    while isinstance(inner, ast.Attribute | ast.Call | ast.BinOp):
        if isinstance(inner, ast.Call) and scope.resolve_name(inner.func) == "pathlib.Path":
            return f"pathlib.Path.{node.attr}"
        inner = (
            inner.func
            if isinstance(inner, ast.Call)
            else inner.value
            if isinstance(inner, ast.Attribute)
            else inner.left
        )
    return ""


def _catches_all(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or parse_dotted_name(handler.type) == ("BaseException",)


def _raises(body: Sequence[ast.stmt]) -> bool:
    return any(isinstance(n, ast.Raise) for statement in body for n in ast.walk(statement))
