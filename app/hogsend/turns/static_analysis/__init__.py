"""Reads the author's source without running it: graphs of journeys, and what is wrong in them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...domain.graph import JourneyGraph
from .constants import path_of
from .modules import FUNCTIONS, Module, Sources, module_of
from .scopes import Function, Scope
from .step_reader import flow_of

__all__ = [
    "Function",
    "Sources",
    "code_of_function",
    "flow_of",
    "function_at",
    "graph_of",
    "marked_in",
]


def graph_of(source: str, trigger: str = "", *, file: str = "", line: int = 1) -> JourneyGraph:
    """Return the graph of a journey of which there is nothing but the text of its function.

    Args:
        source: the text.
        trigger: the event that starts it; some waits are named after it.
        file: where the text is from.
        line: the line it begins at.

    Returns:
        Its steps; none when Python cannot read it.
    """
    try:
        module = module_of(textwrap.dedent(source), "", file, Sources(), line)
    except (SyntaxError, ValueError, RecursionError):
        return JourneyGraph()
    first = next((one for one in ast.walk(module.tree) if isinstance(one, FUNCTIONS)), None)
    return flow_of(Function(first, Scope(module)), trigger) if first else JourneyGraph()


def function_at(module: Module, line: int) -> Function | None:
    """Return the function of a file that begins at a line, with its decorators or without."""
    for node in ast.walk(module.tree):
        if isinstance(node, FUNCTIONS):
            lines = {node.lineno, *(one.lineno for one in node.decorator_list[:1])}
            if line in lines:
                return Function(node, Scope(module))
    return None


def marked_in(module: Module) -> Iterator[Function]:
    """Yield the functions of a file that `@journey(…)` marks."""
    scope = Scope(module)
    starred = "*hogsend" in module.stands_for
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.AsyncFunctionDef):
            continue
        marks = [one.func for one in node.decorator_list if isinstance(one, ast.Call)]
        if any(
            scope.full_name(one) == "hogsend.journey" or (starred and path_of(one) == ("journey",))
            for one in marks
        ):
            yield Function(node, scope)


def code_of_function(
    function: Callable[..., Any], sources: Sources | None = None
) -> Function | None:
    """Return the text of a function that was loaded; None when there is none.

    Args:
        function: the function, wrapped by others or not.
        sources: the folder it was loaded from; that of its file unless given.
    """
    code = inspect.unwrap(function).__code__
    path = Path(code.co_filename)
    module = (sources or Sources(path.parent)).of_file(path) if path.is_absolute() else None
    return function_at(module, code.co_firstlineno) if module else None
