"""Makes a registry of functions that carry a mark, for whoever holds them instead of a folder."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from ..domain.journey import JOURNEY_LIST, Journey, MailList
from ..errors import JourneyCodeError
from ..ingest.rules import BUILT_IN_LIST
from .decorator import MARK, JourneyFunction, JourneySpec
from .definition_checks import function_problems, mark_problems
from .folder_loader import PACKAGE, journey_of
from .registry import Registry


def registry_of(functions: Sequence[JourneyFunction], lists: Mapping[str, MailList]) -> Registry:
    """Make the registry that a folder with just these journeys would have.

    Args:
        functions: functions that `@journey` has marked.
        lists: the lists that they may name, by id; the built-in one is always there.

    Raises:
        JourneyCodeError: one is no journey, or cannot be used as it is; every problem is named.
    """
    known = {JOURNEY_LIST: BUILT_IN_LIST, **lists}
    journeys: dict[str, Journey] = {}
    problems: list[str] = []
    for function in functions:
        mark = getattr(function, MARK, None)
        if not isinstance(mark, JourneySpec):
            name = getattr(function, "__name__", repr(function))
            raise JourneyCodeError(f"{name} is no journey.", "Mark it with @journey(…).")
        file, line = place_of(function)
        found = [*mark_problems(mark, known), *(one for one, _ in function_problems(function))]
        problems += [f"{file.name}:{line}: {mark.id}: {what} {remedy}" for what, remedy in found]
        if mark.id in journeys:
            problems.append(f"{file.name}:{line}: the journey {mark.id!r} is given twice.")
        if not found:
            journeys[mark.id] = journey_of(mark, function, file, line)
    if problems:
        raise JourneyCodeError("\n".join(problem.rstrip() for problem in problems))
    return Registry(journeys, dict(zip(journeys, functions, strict=True)), known)


def place_of(function: Callable[..., Any]) -> tuple[Path, int]:
    """Return the file that a function was written in, and its line there."""
    code = inspect.unwrap(function).__code__
    return Path(code.co_filename), code.co_firstlineno


@contextmanager
def modules_kept() -> Generator[None]:
    """Leave the authors' modules that are in use as they are, whatever is loaded meanwhile."""
    before = _authors_modules()
    try:
        yield
    finally:
        for name in _authors_modules():
            del sys.modules[name]
        sys.modules.update(before)


def _authors_modules() -> dict[str, ModuleType]:
    return {
        name: module for name, module in sys.modules.items() if name.partition(".")[0] == PACKAGE
    }
