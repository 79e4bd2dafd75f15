"""Reviews the code of a journeys' folder: every journey in it, also those that do not load."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from .loader import files_of
from .registry import Registry
from .source import Function, Sources, code_of_function, marked_in
from .source.findings import Finding, Known, findings


def review(folder: Path, registry: Registry, templates: Collection[str]) -> list[Finding]:
    """Return what is wrong in the journeys of a folder and in the functions they call.

    Args:
        folder: the author's folder.
        registry: what was loaded from it.
        templates: the keys of the mails, those with a broken file included.

    Returns:
        The findings, by file and line. What kept a file from loading is not among them.
    """
    known = Known(frozenset(templates), frozenset(registry.lists))
    return findings(_journeys(folder.absolute(), registry), known)


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
        for code in marked_in(module) if module else ():
            if id(code.node) not in seen:
                seen.add(id(code.node))
                yield code
