"""Builds a registry from decorated functions instead of a folder, for the testing kit."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from ..domain.journey import BUILT_IN_LIST_ID, Journey, MailList
from ..errors import JourneyCodeError
from ..ingest.rules import BUILT_IN_LIST
from .author_imports import PACKAGE
from .decorator import SPEC_ATTRIBUTE, JourneyFunction, JourneySpec
from .definition_checks import check_function, check_spec
from .folder_loader import build_journey
from .registry import Registry


def build_registry(functions: Sequence[JourneyFunction], lists: Mapping[str, MailList]) -> Registry:
    """Return a registry with these journeys.

    Args:
        functions: functions with the decorator `@journey`.
        lists: the lists that the journeys can refer to, by id; the built-in list always exists.

    Raises:
        JourneyCodeError: a function is not a journey, or cannot be used; the message has every
            problem.
    """
    known = {BUILT_IN_LIST_ID: BUILT_IN_LIST, **lists}
    journeys: dict[str, Journey] = {}
    problems: list[str] = []
    for function in functions:
        spec = getattr(function, SPEC_ATTRIBUTE, None)
        if not isinstance(spec, JourneySpec):
            name = getattr(function, "__name__", repr(function))
            raise JourneyCodeError(f"{name} is not a journey.", "Decorate it with @journey(…).")
        file, line = locate(function)
        checks = [*check_spec(spec, known), *(problem for problem, _ in check_function(function))]
        problems += [f"{file.name}:{line}: {spec.id}: {what} {remedy}" for what, remedy in checks]
        if spec.id in journeys:
            problems.append(f"{file.name}:{line}: the journey {spec.id!r} is given twice.")
        if not checks:
            journeys[spec.id] = build_journey(spec, function, file, line)
    if problems:
        raise JourneyCodeError("\n".join(problem.rstrip() for problem in problems))
    return Registry(journeys, dict(zip(journeys, functions, strict=True)), known)


def locate(function: Callable[..., Any]) -> tuple[Path, int]:
    """Return the file of a function, and the function's line in the file."""
    code = inspect.unwrap(function).__code__
    return Path(code.co_filename), code.co_firstlineno


@contextmanager
def preserve_modules() -> Generator[None]:
    """Restore the authors' modules that are loaded now, whatever the block loads."""
    modules = _find_author_modules()
    try:
        yield
    finally:
        for name in _find_author_modules():
            del sys.modules[name]
        sys.modules.update(modules)


def _find_author_modules() -> dict[str, ModuleType]:
    return {
        name: module for name, module in sys.modules.items() if name.partition(".")[0] == PACKAGE
    }
