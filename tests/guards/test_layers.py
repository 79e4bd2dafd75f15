"""Imports point downward only (docs/architecture.md): seen in the syntax trees, not at run time."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from hogsend.compat.cpython import parse_source

APP = Path(__file__).parents[2] / "app"
FILES = sorted((APP / "hogsend").rglob("*.py"))

# What each part of the program may import of the others. `domain` is pure: it knows no clock, no
# setting and no file. `process` composes the parts; only the command line and the testing kit know
# it.
CONFIG = {"config", "errors", "clock", "paths", "compat"}
ENGINES = CONFIG | {"domain", "store"}
INGEST = ENGINES | {"engines"}
TURNS = INGEST | {"ingest"}
SERVICES = TURNS | {"turns", "delivery"}
WEB = SERVICES | {"services"}
PROCESS = WEB | {"web"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "clock": {"errors"},
    "paths": {"errors"},
    "compat": {"errors"},
    "config": CONFIG | {"domain"},
    "domain": {"errors"},
    "store": CONFIG | {"domain"},
    "engines": ENGINES,
    "ingest": INGEST,
    "turns": TURNS,
    "delivery": TURNS,
    "services": SERVICES,
    "web": WEB,
    "process": PROCESS,
    # What programs of others use to call the server; it knows nothing of the server's parts.
    "client": {"domain"},
    "cli": PROCESS | {"process", "client"},
    "__main__": {"cli", "errors", "compat"},
}
# What journey authors import: the package itself, and the kit to play journeys in tests.
FOR_AUTHORS = {"", "testing"}

DATABASE = {"tortoise", "aerich", "asyncpg", "sqlite3", "aiosqlite", "pypika_tortoise"}
TERMINAL = {"click", "rich"}
WEB_FRAMEWORK = {"quart", "hypercorn", "werkzeug"}
SLOW = {"hatchet_sdk", "grpc", "aerich"}


@dataclass(frozen=True, slots=True)
class Import:
    file: Path
    line: int
    module: str
    at_top: bool

    def __str__(self) -> str:
        return f"{self.file.relative_to(APP)}:{self.line} imports {self.module}"


def find_part(module: str) -> str:
    """Return the part of the program that a module `hogsend.PART.…` belongs to."""
    names = module.split(".")
    return names[1] if len(names) > 1 and names[1] != "__version__" else ""


def resolve_module(file: Path) -> str:
    names = file.relative_to(APP).with_suffix("").parts
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


def imports(file: Path) -> Iterator[Import]:
    tree = parse_source(file.read_text(), str(file))
    package = resolve_module(file).split(".")
    if file.name != "__init__.py":
        package = package[:-1]
    for at_top, node in _nodes(tree, at_top=True):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            modules = [f"{base}.{alias.name}" for alias in node.names]
        yield from (Import(file, node.lineno, module, at_top) for module in modules)


def _nodes(node: ast.AST, *, at_top: bool) -> Iterator[tuple[bool, ast.Import | ast.ImportFrom]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield at_top, child
        elif not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _nodes(child, at_top=at_top and not inside)


ALL = [imported for file in FILES for imported in imports(file)]
OURS = [imported for imported in ALL if imported.module.split(".")[0] == "hogsend"]


def import_graph() -> dict[str, set[str]]:
    """Return for each module of ours the modules of ours that it imports, inside functions too."""
    modules = {resolve_module(file) for file in FILES}
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for imported in OURS:
        name = imported.module if imported.module in modules else imported.module.rpartition(".")[0]
        importer = resolve_module(imported.file)
        if name in modules and name != importer:
            graph[importer].add(name)
    return graph


def strongly_connected(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Return the groups of modules that reach each other (Kosaraju's algorithm)."""
    finished: list[str] = []
    seen: set[str] = set()
    for start in graph:
        stack = [(start, iter(graph[start]))] if start not in seen else []
        seen.add(start)
        while stack:
            module, rest = stack[-1]
            following = next((name for name in rest if name not in seen), None)
            if following is None:
                finished.append(module)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(graph[following])))
    importers: dict[str, set[str]] = {module: set() for module in graph}
    for module, imported in graph.items():
        for name in imported:
            importers[name].add(module)
    groups: list[set[str]] = []
    grouped: set[str] = set()
    for start in reversed(finished):
        group, to_visit = set[str](), [start]
        while to_visit:
            module = to_visit.pop()
            if module not in grouped:
                grouped.add(module)
                group.add(module)
                to_visit.extend(importers[module])
        if group:
            groups.append(group)
    return groups


def outside(names: set[str]) -> list[Import]:
    return [imported for imported in ALL if imported.module.split(".")[0] in names]


def test_every_part_has_its_place_among_the_layers():
    parts = {find_part(resolve_module(file)) for file in FILES} - FOR_AUTHORS
    assert parts <= set(MAY_IMPORT), "say in MAY_IMPORT what a new part may import"


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_imports_point_downward_only(part: str):
    upward = [
        str(imported)
        for imported in OURS
        if find_part(resolve_module(imported.file)) == part
        and find_part(imported.module) not in MAY_IMPORT[part] | {part, ""}
    ]
    assert not upward


def test_no_files_import_each_other_in_a_circle():
    circles = [circle for circle in strongly_connected(import_graph()) if len(circle) > 1]
    assert not circles, "\n".join(" <-> ".join(sorted(circle)) for circle in circles)


def test_only_the_store_knows_the_database():
    elsewhere = [
        str(imported)
        for imported in outside(DATABASE)
        if find_part(resolve_module(imported.file)) not in ("store", "compat")
    ]
    assert not elsewhere


def test_only_the_web_knows_the_web_framework():
    elsewhere = [
        str(imported)
        for imported in outside(WEB_FRAMEWORK)
        if find_part(resolve_module(imported.file)) not in ("web", "process", "cli", "compat")
    ]
    assert not elsewhere


def test_only_the_command_line_knows_the_terminal():
    allowed = {"cli", "__main__"}
    elsewhere = [
        str(imported)
        for imported in outside(TERMINAL)
        if find_part(resolve_module(imported.file)) not in allowed
    ]
    assert not elsewhere


def test_the_domain_is_pure():
    reaching_out = {"asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "socket"}
    pure = sys.stdlib_module_names - reaching_out - {"subprocess", "time"}
    # email-validator is not let ask the DNS; pydantic only checks forms.
    pure |= {"hogsend", "idna", "email_validator", "pydantic"}
    impure = {
        str(imported)
        for imported in ALL
        if find_part(resolve_module(imported.file)) == "domain"
        and imported.module.split(".")[0] not in pure
        # Ids are made of time and chance; a process that was forked needs its own chance.
        if (imported.file.name, imported.module)
        not in (("ids.py", "os"), ("ids.py", "random.Random"))
    }
    assert not impure


def test_the_domain_does_not_ask_for_the_time():
    calls = [
        f"{file.relative_to(APP)}:{node.lineno}"
        for file in FILES
        if find_part(resolve_module(file)) == "domain"
        for node in ast.walk(parse_source(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today")
        if isinstance(node.value, ast.Name) and node.value.id in ("datetime", "date")
    ]
    assert not calls


def test_what_is_slow_to_import_is_imported_only_when_needed():
    assert not [str(imported) for imported in outside(SLOW) if imported.at_top]
