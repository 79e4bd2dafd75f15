"""What is wrong in the source of journeys: what differs at a replay, what is not there, traps.

What cannot be told for sure is left alone: a false alarm costs more than a silent miss.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ...domain.graph import GraphStep, numbered, steps_of
from .call_graph import functions_of, running
from .calls import PAUSES, CallDescription, calls_when, moment_problem
from .constants import Pattern, path_of
from .forbidden_names import Severity, rule_for
from .modules import assigned
from .scopes import Function, Scope
from .step_reader import read_block, read_journey

_THERE_IS_NONE = ", and there is none."


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something in the author's code that does not do what it looks like.

    Args:
        file: relative to the journeys' folder.
        line: the line in the file.
        problem: what is wrong, one sentence.
        remedy: what to do about it.
        severity: an `error` breaks a journey some day; a `warning` may be meant.
    """

    file: str
    line: int
    problem: str
    remedy: str
    severity: Severity = "error"

    @property
    def is_missing(self) -> bool:
        """Whether a mail or a list is named that is not there."""
        return self.problem.endswith(_THERE_IS_NONE)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity}: {self.problem} {self.remedy}".strip()


@dataclass(frozen=True, slots=True)
class Known:
    """What journeys may name.

    Args:
        templates: the keys of the mails, those with a broken file included.
        lists: the ids of the lists.
    """

    templates: Collection[str]
    lists: Collection[str]


def findings(journeys: Iterable[Function], known: Known) -> list[Finding]:
    """Return what is wrong in some journeys and in the functions they call, by file and line.

    Args:
        journeys: their code.
        known: what they may name.
    """
    found: set[Finding] = set()
    for journey in journeys:
        for function, scope in functions_of(journey):
            found.update(_Body(function, scope, known).findings())
        found.update(_repeated(journey))
    return sorted(found)


def _repeated(journey: Function) -> Iterator[Finding]:
    """Yield calls that the journal tells apart by nothing but their order."""
    seen: dict[str, GraphStep] = {}
    for step in numbered(read_journey(journey), once=True).steps():
        # A part that is filled in while it runs may tell them apart.
        if not step.key or "*" in step.key:
            continue
        first = seen.setdefault(step.key, step)
        comes_again = step.last is not None and step.last > 1
        if not comes_again or (first.file, first.line) == (step.file, step.line):
            continue
        remedy = "Give each its own label=, so that a change between them leaves people in place."
        if step.label:
            what = (
                f"the label {step.label!r} is already that of the {step.kind} in line {first.line}"
            )
        elif step.is_wait:
            what = f"this {step.kind} is called the same as the one in line {first.line}"
        else:
            continue
        problem = f"{what}, and the journal tells them apart by their order only."
        yield Finding(step.file, step.line, problem, remedy, "warning")


@dataclass(frozen=True, slots=True)
class _Body:
    """A function that runs in a journey."""

    function: Function
    scope: Scope
    known: Known
    sets: set[str] = field(default_factory=set[str])

    def findings(self) -> Iterator[Finding]:
        module = self.scope.module
        for body in (module.tree.body, self.function.node.body):
            for name, given in assigned(body):
                self.sets.discard(name)
                if given is not None and self.is_set(given):
                    self.sets.add(name)
        for node in running(self.function.node.body, self.scope):
            for problem, remedy, severity in self.node(node):
                yield Finding(module.file, module.line(node), problem, remedy, severity)

    def node(self, node: ast.AST) -> Iterator[tuple[str, str, Severity]]:
        match node:
            case ast.Call():
                yield from self.call(node)
            case ast.Attribute() if self.scope.full_name(node) == "os.environ":
                yield from self.forbidden("os.environ", 0)
            case ast.For():
                yield from self.over_a_set(node.iter, node.body)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                yield from self.over_a_set(node.generators[0].iter, [node.elt])
            case ast.Try() | ast.TryStar():
                yield from self.attempt(node)
            case ast.AsyncWith():
                if self.pauses(node.body):
                    yield (
                        "`async with` is left at every wait inside it, not only at its end.",
                        "Put the wait after it, or what it holds into `ctx.step`.",
                        "warning",
                    )
            case _:
                pass

    # -- calls ------------------------------------------------------------------------------

    def call(self, node: ast.Call) -> Iterator[tuple[str, str, Severity]]:
        path = self.scope.context_path(node.func)
        if path is not None:
            yield from self.named(path, CallDescription(node, self.scope))
        if calls_when(node, self.scope):
            error = moment_problem(node, self.scope)
            if error is not None:
                yield error.message.rstrip(".") + ".", error.remedy, "error"
        name = _called(node.func, self.scope)
        if name:
            yield from self.forbidden(name, len(node.args) + len(node.keywords))

    def forbidden(self, name: str, arguments: int) -> Iterator[tuple[str, str, Severity]]:
        rule = rule_for(name, arguments)
        if rule is not None:
            yield f"`{name.removeprefix('builtins.')}` {rule.problem}.", rule.remedy, rule.severity

    def named(
        self, path: tuple[str, ...], said: CallDescription
    ) -> Iterator[tuple[str, str, Severity]]:
        """Yield templates and lists that are named and not there."""
        call = ".".join(("ctx", *path))
        if path == ("send",):
            yield from self.missing(call, "template", said.value(0, "template"), "emails/{}.html")
        if path in (("send",), ("is_subscribed",), ("throttle",)):
            place = 0 if path == ("is_subscribed",) else -1
            yield from self.missing(call, "list", said.value(place, "list"), "lists.py")

    def missing(
        self, call: str, what: str, name: object, place: str
    ) -> Iterator[tuple[str, str, Severity]]:
        there = self.known.templates if what == "template" else self.known.lists
        if not isinstance(name, str) or isinstance(name, Pattern) or name in there:
            return
        close = difflib.get_close_matches(name, there, n=1)
        remedy = f"Did you mean {close[0]!r}?" if close else f"Write it in {place.format(name)}."
        yield f"{call} names the {what} {name!r}{_THERE_IS_NONE}", remedy, "error"

    # -- sets -------------------------------------------------------------------------------

    def over_a_set(
        self, over: ast.expr, body: Sequence[ast.AST]
    ) -> Iterator[tuple[str, str, Severity]]:
        if self.is_set(over) and read_block(body, self.scope):
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
                    isinstance(one, ast.Constant) and isinstance(one.value, int)
                    for one in node.elts
                )
            case ast.Name():
                return node.id in self.sets
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.Sub() | ast.BitXor()):
                return self.is_set(node.left) or self.is_set(node.right)
            case ast.Call():
                return self.makes_a_set(node)
            case _:
                return isinstance(node, ast.SetComp)

    def makes_a_set(self, call: ast.Call) -> bool:
        if isinstance(call.func, ast.Attribute):
            return call.func.attr in _OF_SETS and self.is_set(call.func.value)
        name = self.scope.full_name(call.func).removeprefix("builtins.")
        if not call.args or name not in _TAKING_AN_ORDER:
            return False
        return name in ("set", "frozenset") or self.is_set(call.args[0])

    # -- blocks that end at every wait --------------------------------------------------------

    def attempt(self, node: ast.Try | ast.TryStar) -> Iterator[tuple[str, str, Severity]]:
        tried = [*node.body, *node.orelse, *(one for h in node.handlers for one in h.body)]
        if self.asks(node.finalbody):
            yield (
                "ctx is called in `finally`, which also runs whenever the journey waits.",
                "Call it after the `try` block.",
                "warning",
            )
        elif node.finalbody and self.pauses(tried):
            yield (
                "`finally` runs at every wait inside its `try`, not only at its end.",
                "Put the wait after it, or what is to be tidied up into `ctx.step`.",
                "warning",
            )
        if not self.asks(node.body):
            return
        for handler in node.handlers:
            if _catches_all(handler) and not _raises(handler.body):
                yield (
                    "this `except` also catches what ends a journey's turn.",
                    "Write `except Exception:`, or name the error that you expect.",
                    "warning",
                )

    def asks(self, body: Sequence[ast.stmt]) -> bool:
        """Say whether the context is called in a body, or something that calls it."""
        return bool(read_block(body, self.scope)) or any(
            isinstance(node, ast.Call) and self.scope.context_path(node.func) is not None
            for node in running(body, self.scope)
        )

    def pauses(self, body: Sequence[ast.stmt]) -> bool:
        return any(step.kind in PAUSES for step in steps_of(read_block(body, self.scope)))


# What gives its elements in the order of a set.
_TAKING_AN_ORDER = ("set", "frozenset", "list", "tuple", "enumerate", "iter")
_OF_SETS = ("union", "intersection", "difference", "symmetric_difference", "copy")


def _called(node: ast.expr, scope: Scope) -> str:
    """Return the full name of what is called, also of a method of what another call made."""
    if path_of(node):
        return scope.full_name(node)
    if not isinstance(node, ast.Attribute):
        return ""
    inner = node.value
    while isinstance(inner, ast.Attribute | ast.Call | ast.BinOp):
        if isinstance(inner, ast.Call) and scope.full_name(inner.func) == "pathlib.Path":
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
    return handler.type is None or path_of(handler.type) == ("BaseException",)


def _raises(body: Sequence[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Raise) for one in body for node in ast.walk(one))
