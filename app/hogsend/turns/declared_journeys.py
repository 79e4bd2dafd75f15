"""Reads the ids and triggers of journeys whose code cannot be used, from the text of their files.

Ingest records for the triggers of such a journey that it is broken, also when it never loaded, so
that an operator can replay these triggers once the code is repaired.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from ..domain.event import EventMatch
from ..domain.journey import Entry, Journey
from .definition_checks import ID
from .static_analysis.graphs import find_journeys
from .static_analysis.modules import Sources
from .static_analysis.scopes import Function

# How much of a file that Python cannot parse is searched for the arguments of one decorator.
_MAX_ARGUMENTS_LENGTH = 2_000
_MAX_EVENT_LENGTH = 200
_DECORATOR = re.compile(r"@(?:hogsend\.)?journey\(")
_ID_ARGUMENT = re.compile(r"\s*(?:id\s*=\s*)?[\"']([^\"'\n]+)[\"']")
_TRIGGER_ARGUMENT = re.compile(r"\btrigger\s*=\s*(?:(?:hogsend\.)?on\(\s*)?[\"']([^\"'\n]+)[\"']")


def read_declared_journeys(path: Path, sources: Sources) -> Iterator[Journey]:
    """Yield the journeys that a file declares, as far as its text shows them.

    Conditions of triggers are not read: the decision about a missed trigger is made again when the
    trigger is replayed.

    Args:
        path: a file that cannot be imported.
        sources: the files of the same folder.
    """
    module = sources.load_file(path)
    if module is not None:
        for function in find_journeys(module):
            yield from _read_decorators(function, path)
    else:
        yield from _search_text(path)


def build_declared_journey(journey_id: object, trigger: object, path: Path) -> Journey | None:
    """Return the definition of a journey that cannot be used; None without an id and a trigger.

    Args:
        journey_id: the id in the code, which may be any value.
        trigger: the event in the code or its pattern, which may be any value.
        path: the file.
    """
    if isinstance(trigger, str) and 0 < len(trigger) <= _MAX_EVENT_LENGTH:
        trigger = EventMatch(trigger)
    if not isinstance(journey_id, str) or not ID.fullmatch(journey_id):
        return None
    if not isinstance(trigger, EventMatch):
        return None
    name = journey_id.replace("-", " ").replace("_", " ").capitalize()
    return Journey(journey_id, name, "", trigger, Entry("once"), file=path.name)


def _read_decorators(function: Function, path: Path) -> Iterator[Journey]:
    for decorator in function.node.decorator_list:
        if not isinstance(decorator, ast.Call):
            continue
        arguments = {keyword.arg: keyword.value for keyword in decorator.keywords}
        id_argument = decorator.args[0] if decorator.args else arguments.get("id")
        journey = build_declared_journey(
            function.scope.evaluate(id_argument),
            function.scope.evaluate(arguments.get("trigger")),
            path,
        )
        if journey is not None:
            yield journey


def _search_text(path: Path) -> Iterator[Journey]:
    """Search a file that Python cannot parse for decorators whose arguments are literals."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return
    starts = [match.end() for match in _DECORATOR.finditer(text)]
    for start, following in pairwise([*starts, len(text)]):
        arguments = text[start : min(following, start + _MAX_ARGUMENTS_LENGTH)]
        journey_id, trigger = _ID_ARGUMENT.match(arguments), _TRIGGER_ARGUMENT.search(arguments)
        if journey_id and trigger:
            journey = build_declared_journey(journey_id[1], trigger[1], path)
            if journey is not None:
                yield journey
