"""Finds imports that the server will fail to execute, at the top of a file or in a function."""

from __future__ import annotations

import ast
import difflib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..author_imports import PACKAGE, PACKAGES, find_remedy, find_spec, is_only_here
from .constants import parse_dotted_name
from .diagnostics import Diagnostic
from .modules import Module, Sources, walk_statements

Import = ast.Import | ast.ImportFrom

# Errors that make an import optional when they are caught.
_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
# Names in a test that make an import depend on the machine, or leave it to type checkers.
_MACHINE = {"sys", "os", "platform"}
_TYPES = {"TYPE_CHECKING"}


def diagnose_imports(paths: Sequence[Path], sources: Sources) -> list[Diagnostic]:
    """Return the imports of files, and of the folder's files that they import, that will fail.

    Args:
        paths: the files.
        sources: the author's folder.
    """
    queue = [module for path in paths if (module := sources.load_file(path)) is not None]
    seen: set[str] = set()
    diagnostics: set[Diagnostic] = set()
    while queue:
        module = queue.pop()
        if module.name in seen:
            continue
        seen.add(module.name)
        diagnostics.update(_check_module(module))
        names = sources.find_imported_names(module)
        queue.extend(imported for name in names if (imported := sources.load(name)) is not None)
    return sorted(diagnostics)


def _check_module(module: Module) -> Iterator[Diagnostic]:
    for node in _walk_imports(module.tree.body, module):
        for problem, remedy, is_certain in _check_import(node, module):
            severity = "error" if is_certain else "warning"
            yield Diagnostic(module.file, node.lineno, problem, remedy, severity)


def _walk_imports(body: Sequence[ast.AST], module: Module) -> Iterator[Import]:
    """Yield the imports of a body that certainly run when the code around them does."""
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom():
                yield node
            case ast.Try() | ast.TryStar():
                yield from _walk_try(node, module)
            case ast.If() if _MACHINE & _list_names(node.test):
                pass
            case ast.If() if _TYPES & _list_names(node.test):
                yield from _walk_imports(node.orelse, module)
            case ast.With() if any("suppress" in _list_names(i.context_expr) for i in node.items):
                pass
            case _:
                yield from _walk_imports(list(ast.iter_child_nodes(node)), module)


def _walk_try(node: ast.Try | ast.TryStar, module: Module) -> Iterator[Import]:
    """Yield the imports of a `try` that certainly run.

    An import that is caught may fail, and its fallback runs only when it does.
    """
    yield from _walk_imports(node.finalbody, module)
    if not any(_catches_import_error(handler) for handler in node.handlers):
        yield from _walk_imports([*node.body, *node.handlers, *node.orelse], module)
        return
    tried = list(_walk_imports(node.body, module))
    if any(is_certain for each in tried for *_, is_certain in _check_import(each, module)):
        yield from _walk_imports(node.handlers, module)
    else:
        yield from _walk_imports(node.orelse, module)


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or bool(_CAUGHT & _list_names(handler.type))


def _list_names(node: ast.AST) -> set[str]:
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names | {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}


# -- one import ---------------------------------------------------------------------------------

# A problem, its remedy, and whether the import certainly fails.
Report = tuple[str, str, bool]


def _check_import(node: Import, module: Module) -> Iterator[Report]:
    folder = module.sources.folder
    if folder is None:
        return
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _check_name(alias.name, folder)
        return
    above = module.package.split(".")
    base = above[: len(above) - node.level + 1] if node.level else []
    target = ".".join([*base, *filter(None, [node.module])])
    if not target:
        yield (
            "the import leaves the folder of the journeys.",
            "Move the file into the folder.",
            True,
        )
    elif target.partition(".")[0] != PACKAGE:
        yield from _check_name(target, folder)
        if target == "hogsend":
            yield from _check_library_names(node)
    else:
        for alias in node.names:
            yield from _check_own_name(target, alias.name, folder, module.sources)


def _check_name(name: str, folder: Path) -> Iterator[Report]:
    top = name.partition(".")[0]
    if top == PACKAGE:
        if not _is_own_file(name, folder):
            yield f"the server will not find `{name}`.", find_remedy(name, folder), True
    elif find_spec(name) is None:
        yield f"the server will not find `{name}`.", find_remedy(name, folder), True
    elif is_only_here(top, folder):
        yield (
            f"`{top}` is installed for this Python, and another server may lack it.",
            f"Run `pip install --target {folder.name}/{PACKAGES} {top}`, so that the package is "
            "beside the journeys.",
            False,
        )


def _check_library_names(node: ast.ImportFrom) -> Iterator[Report]:
    library = sys.modules["hogsend"]
    names = list(getattr(library, "__all__", ()))
    for alias in node.names:
        is_known = alias.name in ("*", *names) or hasattr(library, alias.name)
        if not is_known and find_spec(f"hogsend.{alias.name}") is None:
            close = difflib.get_close_matches(alias.name, names, n=1)
            remedy = f"Did you mean `{close[0]}`?" if close else f"It has {', '.join(names)}."
            yield f"hogsend has no `{alias.name}`.", remedy, True


def _check_own_name(target: str, name: str, folder: Path, sources: Sources) -> Iterator[Report]:
    """Yield a problem if a file of the folder, or a name in it, does not exist.

    Args:
        target: the file or folder, such as `journeys._words`.
        name: what is imported from there.
        folder: the author's folder.
        sources: its files.
    """
    if not _is_own_file(target, folder):
        yield f"the server will not find `{target}`.", find_remedy(target, folder), True
        return
    module = sources.load(target)
    if name == "*" or _is_own_file(f"{target}.{name}", folder):
        return
    if module is None:
        # A folder without `__init__.py` has nothing but files; a broken file is reported elsewhere.
        if not _find_path(target, folder).with_suffix(".py").is_file():
            full_name = f"{target}.{name}"
            yield f"the server will not find `{full_name}`.", find_remedy(full_name, folder), True
        return
    names = _list_defined_names(module)
    if name not in names and not any(known.startswith("*") for known in names):
        close = difflib.get_close_matches(name, names, n=1)
        remedy = f"Did you mean `{close[0]}`?" if close else "Define it there."
        yield f"{module.file} has no `{name}`.", remedy, True


def _list_defined_names(module: Module) -> set[str]:
    """Return the names of a file; with an entry that begins with `*` when there may be others."""
    statements = walk_statements(module.tree.body)
    classes = {statement.name for statement in statements if isinstance(statement, ast.ClassDef)}
    names = {*classes, *module.functions, *module.bindings, *module.aliases}
    calls = (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))
    is_dynamic = any(parse_dotted_name(call.func) in (("globals",), ("setattr",)) for call in calls)
    return names | ({"*"} if is_dynamic or "__getattr__" in names else set())


def _is_own_file(name: str, folder: Path) -> bool:
    path = _find_path(name, folder)
    return path.is_dir() or path.with_suffix(".py").is_file()


def _find_path(name: str, folder: Path) -> Path:
    return folder.joinpath(*name.split(".")[1:])
