"""Finds the code of journeys in their files, and builds their graphs."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...domain.graph import JourneyGraph
from .constants import parse_dotted_name
from .modules import FUNCTION_NODES, Module, Sources, parse_module
from .scopes import Function, Scope
from .step_reader import build_graph


def build_graph_from_source(
    source: str, trigger: str = "", *, file: str = "", line: int = 1
) -> JourneyGraph:
    """Return the graph of a journey from the text of its function alone.

    Args:
        source: the text.
        trigger: the event that starts the journey; some waits are named after the event.
        file: the file that the text is from.
        line: the line at which the text begins in the file.

    Returns:
        The graph; an empty one when Python cannot parse the text.
    """
    try:
        module = parse_module(textwrap.dedent(source), "", file, Sources(), line)
    except (SyntaxError, ValueError, RecursionError):
        return JourneyGraph()
    first = next((node for node in ast.walk(module.tree) if isinstance(node, FUNCTION_NODES)), None)
    return build_graph(Function(first, Scope(module)), trigger) if first else JourneyGraph()


def find_function_at(module: Module, line: int) -> Function | None:
    """Return the function of a file that begins at a line, with its decorators or without."""
    for node in ast.walk(module.tree):
        if isinstance(node, FUNCTION_NODES):
            lines = {node.lineno, *(decorator.lineno for decorator in node.decorator_list[:1])}
            if line in lines:
                return Function(node, Scope(module))
    return None


def find_journeys(module: Module) -> Iterator[Function]:
    """Yield the functions of a file that `@journey(…)` decorates."""
    scope = Scope(module)
    has_star_import = "*hogsend" in module.aliases
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.AsyncFunctionDef):
            continue
        decorators = [d.func for d in node.decorator_list if isinstance(d, ast.Call)]
        if any(
            scope.resolve_name(decorator) == "hogsend.journey"
            or (has_star_import and parse_dotted_name(decorator) == ("journey",))
            for decorator in decorators
        ):
            yield Function(node, scope)


def find_code(function: Callable[..., Any], sources: Sources | None = None) -> Function | None:
    """Return the source code of a loaded function; None without a source file.

    Args:
        function: the function, wrapped by decorators or not.
        sources: the folder that the function was loaded from; the folder of its file unless given.
    """
    code = inspect.unwrap(function).__code__
    path = Path(code.co_filename)
    module = (sources or Sources(path.parent)).load_file(path) if path.is_absolute() else None
    return find_function_at(module, code.co_firstlineno) if module else None
