"""Private interfaces of libraries are used in `hogsend.compat` only."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hogsend.compat.cpython import parse_source

APP = Path(__file__).parents[2] / "app" / "hogsend"
TREES = {
    str(file.relative_to(APP)): parse_source(file.read_text())
    for file in sorted(APP.rglob("*.py"))
    if APP / "compat" not in file.parents
}

# Documented functions whose names begin with an underscore all the same.
PUBLIC = {"os._exit", "sys._current_frames", "sys._MEIPASS"}
# Names that named tuples document.
OF_NAMED_TUPLES = {"_asdict", "_fields", "_make", "_replace"}
# `other` is another object of the same class.
OWN = {"self", "cls", "other"}
# Modules that are importable, and that their libraries do not document.
UNDOCUMENTED = (
    "aiosmtplib.protocol",
    "dotenv.parser",
    "hatchet_sdk.clients",
    "hatchet_sdk.connection",
    "hatchet_sdk.contracts",
    "hatchet_sdk.utils",
    "hatchet_sdk.worker",
    "hypercorn.asyncio.run",
    "hypercorn.asyncio.tcp_server",
    "hypercorn.events",
    "hypercorn.protocol",
    "tortoise.backends",
)


def is_private(name: object) -> bool:
    if not isinstance(name, str) or name in OF_NAMED_TUPLES:
        return False
    return name.startswith("_") and not name.startswith("__")


def private_uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Return the line and the text of each use of a name that is private to other code."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name, value=owner) if is_private(name):
                text = ast.unparse(node)
                if ast.unparse(owner) not in OWN and text not in PUBLIC:
                    yield node.lineno, text
            case ast.Call(
                func=ast.Name(id="getattr" | "setattr" | "hasattr"),
                args=[owner, ast.Constant(value=name), *_],
            ) if is_private(name) and f"{ast.unparse(owner)}.{name}" not in PUBLIC:
                yield node.lineno, ast.unparse(node)
            case ast.ImportFrom(level=0, module=module, names=names):
                for alias in names:
                    if is_private(alias.name):
                        yield node.lineno, f"{module}.{alias.name}"


def imported_modules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(level=0, module=str(module), names=names):
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in names)
            case ast.Call(
                func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]
            ):
                yield node.lineno, name


def patched_modules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Return each assignment to a name of a module that is not ours."""
    modules = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                match target:
                    case ast.Attribute(value=ast.Name(id=name)) if name in modules - {"sys"}:
                        yield node.lineno, ast.unparse(target)


def everywhere(find: Callable[[ast.Module], Iterator[tuple[int, str]]]) -> list[str]:
    return [f"{name}:{line}: {text}" for name, tree in TREES.items() for line, text in find(tree)]


def test_no_private_interface_is_used_outside_compat():
    assert not everywhere(private_uses)


def test_no_module_of_a_library_is_patched_outside_compat():
    assert not everywhere(patched_modules)


def test_no_undocumented_module_is_imported_outside_compat():
    imported = everywhere(imported_modules)
    assert not [place for place in imported if place.split(": ")[1].startswith(UNDOCUMENTED)]


def test_no_type_error_about_a_private_name_is_ignored_outside_compat():
    documented = tuple(f"{name.split('.')[1]}(" for name in PUBLIC)
    assert not [
        f"{name}: {line.strip()}"
        for name in TREES
        for line in (APP / name).read_text().splitlines()
        if "reportPrivate" in line and not any(call in line for call in documented)
    ]


@pytest.mark.parametrize(
    "code",
    [
        "client._pool",
        "self.client._pool",
        "super()._read_data()",
        "getattr(worker, '_loop')",
        "from asyncio.events import _set_running_loop",
    ],
)
def test_a_private_use_is_found(code: str):
    assert list(private_uses(parse_source(code)))


@pytest.mark.parametrize(
    "code", ["self._pool", "os._exit(1)", "from .base import _own", "f.__name__"]
)
def test_a_use_of_an_own_or_public_name_is_allowed(code: str):
    assert not list(private_uses(parse_source(code)))


def test_a_patched_module_is_found():
    assert list(patched_modules(parse_source("import warnings\nwarnings.warn = None")))
