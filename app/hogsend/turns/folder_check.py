"""Diagnoses the code of a journeys' folder, including journeys that do not load."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from ..domain.journey import BrokenFile
from .folder_loader import list_files
from .registry import Registry
from .static_analysis.diagnostics import (
    Diagnostic,
    KnownResources,
    diagnose,
    diagnose_resources,
)
from .static_analysis.graphs import find_code, find_journeys
from .static_analysis.import_checks import diagnose_imports
from .static_analysis.modules import Sources
from .static_analysis.scopes import Function


def diagnose_folder(
    folder: Path, registry: Registry, templates: Collection[str]
) -> list[Diagnostic]:
    """Return the problems in the journeys of a folder and in the functions that they call.

    Args:
        folder: the author's folder.
        registry: the journeys and lists of the folder.
        templates: the keys of the templates, those with a broken file included.

    Returns:
        The diagnostics, by file and line, without the reasons why a file did not load.
    """
    folder = folder.absolute()
    known = KnownResources(frozenset(templates), frozenset(registry.lists))
    # The line of an import that has failed already has the reason.
    broken = {(file.file, file.line) for file in registry.broken}
    imports = diagnose_imports(list_files(folder), Sources(folder))
    missing = [
        diagnostic for diagnostic in imports if (diagnostic.file, diagnostic.line) not in broken
    ]
    return sorted([*missing, *diagnose(_find_journeys(folder, registry), known)])


def reject_missing_resources(
    folder: Path, registry: Registry, templates: Collection[str]
) -> Registry:
    """Return the registry without the journeys that refer to a missing template or list.

    Contacts in these journeys are parked until the template or list exists. If the journeys ran,
    their turns would fail for good after some hours.

    Args:
        folder: the author's folder.
        registry: the journeys and lists of the folder.
        templates: the keys of the templates, those with a broken file included.
    """
    known = KnownResources(frozenset(templates), frozenset(registry.lists))
    sources = Sources(folder.absolute())
    journeys, broken = dict(registry.journeys), list(registry.broken)
    broken_journeys = dict(registry.broken_journeys)
    for journey_id, function in registry.functions.items():
        code = find_code(function, sources)
        missing = diagnose_resources([code] if code else [], known)
        if missing:
            broken_journeys[journey_id] = journeys.pop(journey_id)
        for diagnostic in missing:
            problem = f"the journey {journey_id!r}: {diagnostic.problem}"
            file, line = diagnostic.file, diagnostic.line
            broken.append(BrokenFile(file, line, problem, diagnostic.remedy))
    return replace(
        registry, journeys=journeys, broken=tuple(broken), broken_journeys=broken_journeys
    )


def _find_journeys(folder: Path, registry: Registry) -> Iterator[Function]:
    sources = Sources(folder)
    seen_ids: set[int] = set()
    for function in registry.functions.values():
        code = find_code(function, sources)
        if code is not None and id(code.node) not in seen_ids:
            seen_ids.add(id(code.node))
            yield code
    for path in list_files(folder):
        module = sources.load_file(path)
        for code in find_journeys(module) if module else ():
            if id(code.node) not in seen_ids:
                seen_ids.add(id(code.node))
                yield code
