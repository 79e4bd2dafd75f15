"""Reviews the code of a journeys' folder: every journey in it, also those that do not load."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from ..domain.journey import BrokenFile
from .folder_loader import files_of
from .registry import Registry
from .static_analysis.diagnostics import Diagnostic, KnownResources, diagnose
from .static_analysis.graphs import code_of_function, journeys_in
from .static_analysis.modules import Sources
from .static_analysis.scopes import Function


def review(folder: Path, registry: Registry, templates: Collection[str]) -> list[Diagnostic]:
    """Return what is wrong in the journeys of a folder and in the functions they call.

    Args:
        folder: the author's folder.
        registry: what was loaded from it.
        templates: the keys of the mails, those with a broken file included.

    Returns:
        The findings, by file and line. What kept a file from loading is not among them.
    """
    known = KnownResources(frozenset(templates), frozenset(registry.lists))
    return diagnose(_journeys(folder.absolute(), registry), known)


def refuse_what_is_missing(
    folder: Path, registry: Registry, templates: Collection[str]
) -> Registry:
    """Return what was loaded without the journeys that name a mail or a list that is not there.

    Their people wait until it is there, and those whom they would let in can be let in then: a
    turn that fails for it would be tried for some hours only.

    Args:
        folder: the author's folder.
        registry: what was loaded from it.
        templates: the keys of the mails, those with a broken file included.
    """
    known = KnownResources(frozenset(templates), frozenset(registry.lists))
    sources = Sources(folder.absolute())
    journeys, broken = dict(registry.journeys), list(registry.broken)
    for journey_id, function in registry.functions.items():
        code = code_of_function(function, sources)
        diagnostics = diagnose([code] if code else [], known)
        missing = [d for d in diagnostics if d.names_missing_resource]
        if missing:
            del journeys[journey_id]
        for one in missing:
            problem = f"the journey {journey_id!r}: {one.problem}"
            broken.append(BrokenFile(one.file, one.line, problem, one.remedy))
    return replace(registry, journeys=journeys, broken=tuple(broken))


def _journeys(folder: Path, registry: Registry) -> Iterator[Function]:
    sources = Sources(folder)
    seen: set[int] = set()
    for function in registry.functions.values():
        code = code_of_function(function, sources)
        if code is not None and id(code.node) not in seen:
            seen.add(id(code.node))
            yield code
    for path in files_of(folder):
        module = sources.of_file(path)
        for code in journeys_in(module) if module else ():
            if id(code.node) not in seen:
                seen.add(id(code.node))
                yield code
