"""Finds `was=` that names a label which a call of the journey has today."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from .call_graph import walk_functions, walk_running_nodes
from .call_types import recognize_call
from .scopes import Function


@dataclass(frozen=True, slots=True)
class LabelProblem:
    """A former label that cannot be one.

    Args:
        file: relative to the journeys' folder.
        line: the line in the file.
        problem: what is wrong, one sentence.
        remedy: what to do about the problem.
    """

    file: str
    line: int
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class _NamedCall:
    """A call whose key in the journal is known."""

    kind: str
    key: str
    former_labels: tuple[str, ...]
    file: str
    line: int


def find_label_problems(journey: Function) -> Iterator[LabelProblem]:
    """Yield the former labels that are the label of the call itself, or of another call.

    Args:
        journey: the code of the journey.
    """
    calls = list(_find_calls(journey))
    calls_by_key = {call.key: call for call in calls}
    for call in calls:
        for label in call.former_labels:
            other = calls_by_key.get(f"{call.kind}:{label}")
            if call.key == f"{call.kind}:{label}":
                problem = f"was={label!r} is the label of this {call.kind} itself."
                remedy = "Give the label that it had before it was renamed, or leave it out."
            elif other is not None:
                problem = f"was={label!r} is the label of the {call.kind} in line {other.line}."
                remedy = "Rename that call too, so that the former label has one meaning."
            else:
                continue
            yield LabelProblem(call.file, call.line, problem, remedy)


def _find_calls(journey: Function) -> Iterator[_NamedCall]:
    """Yield the calls of a journey whose whole key is known."""
    for function, scope in walk_functions(journey):
        for node in walk_running_nodes(function.node.body, scope):
            if not isinstance(node, ast.Call):
                continue
            call_type, site = recognize_call(node, scope)
            if call_type is None or site is None:
                continue
            step = call_type.build_graph_step(site)
            label = site.evaluate_text(-1, "label") or call_type.default_label
            key = step.key if step is not None else f"{call_type.kind}:{label}"
            if key and "*" not in key:
                former = tuple(site.list_former_labels())
                line = scope.module.find_line(node)
                yield _NamedCall(call_type.kind, key, former, scope.module.file, line)
