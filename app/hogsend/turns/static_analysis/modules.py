"""The author's files as syntax trees: what each name in them stands for. Nothing is run."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .constants import UNKNOWN, path_of, value_of

# The name by which authors' files import each other.
PACKAGE = "journeys"

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# What has a life of its own: what stands in it does not run where it is written.
APART = (*FUNCTIONS, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class Module:
    """A file.

    Args:
        name: as it is imported, such as `journeys.welcome`.
        file: relative to the journeys' folder.
        tree: its text, parsed.
        stands_for: what a name of the file stands for elsewhere: an import, or an object that a
            class of another module was called to make, such as `httpx.Client`.
        functions: its functions, by name.
        values: its constants whose value can be told.
        sources: the files beside it.
        first_line: the line at which the text begins in its file.
    """

    name: str
    file: str
    tree: ast.Module
    stands_for: dict[str, str]
    functions: dict[str, AnyFunction]
    values: dict[str, Any]
    sources: Sources
    first_line: int = 1

    @property
    def package(self) -> str:
        """The package that relative imports begin at."""
        return self.name if self.file.endswith("__init__.py") else self.name.rpartition(".")[0]

    def line(self, node: ast.AST) -> int:
        """Return the line of a node in the file."""
        return getattr(node, "lineno", 0) + self.first_line - 1


@dataclass(slots=True)
class Sources:
    """The files of a journeys' folder, each read once when it is first asked for.

    Args:
        folder: the author's folder; None when there is a single text only.
    """

    folder: Path | None = None
    _modules: dict[str, Module | None] = field(default_factory=dict[str, Module | None])

    def module(self, name: str) -> Module | None:
        """Return a file by the name it is imported by; None when it is no readable file."""
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def of_file(self, path: Path) -> Module | None:
        """Return a file of the folder by its path."""
        if self.folder is None or not path.is_relative_to(self.folder):
            return None
        names = path.relative_to(self.folder).with_suffix("").parts
        return self.module(".".join([PACKAGE, *(n for n in names if n != "__init__")]))

    def version(self, name: str) -> str:
        """Return the hash of a file and of those beside it that it imports, directly or not.

        Args:
            name: the name that it is imported by.
        """
        found: dict[str, bytes] = {}
        wanted = [name]
        while wanted:
            one = wanted.pop()
            module = self.module(one)
            if one in found or module is None or self.folder is None:
                continue
            found[one] = self.folder.joinpath(module.file).read_bytes()
            wanted.extend(self._imports_of(module))
        others = sorted(one for one in found if one != name)
        return version_of([found[one] for one in (name, *others) if one in found])

    def _imports_of(self, module: Module) -> Iterator[str]:
        """Yield the names of files beside a file that it imports, wherever in it."""
        for node in ast.walk(module.tree):
            meant: Iterable[str] = ()
            if isinstance(node, ast.Import):
                meant = (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                meant = (meaning for _, meaning in imported(node, module.package))
            for one in meant:
                # What stands after the last dot may be a file, or a name in one.
                for name in (one, one.rpartition(".")[0]):
                    if self.module(name) is not None:
                        yield name

    def find(self, full_name: str) -> tuple[Module, str] | None:
        """Return the file that `journeys.file.name` is in, and the name there."""
        module, _, name = full_name.rpartition(".")
        if not (module + ".").startswith(PACKAGE + "."):
            return None
        found = self.module(module)
        return (found, name) if found else None

    def _read(self, name: str) -> Module | None:
        if self.folder is None or name == PACKAGE or not name.startswith(PACKAGE + "."):
            return None
        place = self.folder.joinpath(*name.split(".")[1:])
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                break
        else:
            return None
        try:
            text = path.read_bytes()
            return module_of(text, name, str(path.relative_to(self.folder)), self)
        except (OSError, SyntaxError, ValueError, RecursionError):
            return None


def version_of(texts: Sequence[bytes]) -> str:
    """Return a short hash of the texts of files."""
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:8]


def module_of(
    text: str | bytes, name: str, file: str, sources: Sources, first_line: int = 1
) -> Module:
    """Parse a text.

    Args:
        text: of a file, or of a single function.
        name: the name it is imported by.
        file: relative to the journeys' folder.
        sources: the files beside it.
        first_line: the line at which the text begins in its file.

    Raises:
        SyntaxError: Python cannot read it.
    """
    tree = ast.parse(text)
    module = Module(name, file, tree, {}, {}, {}, sources, first_line)
    for node in at_this_level(tree.body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module.stands_for.update(imported(node, module.package))
        elif isinstance(node, FUNCTIONS):
            module.functions[node.name] = node
    for name_, given in assigned(tree.body):
        if given is None:
            continue
        value = value_of(given, lambda path: constant(module, path))
        if value is not UNKNOWN:
            module.values[name_] = value
        elif made_by := _made_by(module, given):
            module.stands_for.setdefault(name_, made_by)
    return module


def constant(module: Module, path: tuple[str, ...]) -> Any:
    """Return the value of a constant at the top of a file, or of one that it imports.

    Args:
        module: the file.
        path: the parts of the name.
    """
    if len(path) == 1 and path[0] in module.values:
        return module.values[path[0]]
    meant = module.stands_for.get(path[0])
    found = module.sources.find(".".join([meant, *path[1:]])) if meant else None
    if found is None or found[0] is module:
        return UNKNOWN
    return found[0].values.get(found[1], UNKNOWN)


def _made_by(module: Module, given: ast.expr) -> str | None:
    """Return what `client = httpx.Client()` or `now = datetime.now` makes a name stand for."""
    is_call = isinstance(given, ast.Call)
    path = path_of(given.func if is_call else given)
    meant = module.stands_for.get(path[0]) if path else None
    # A function's result is a value; only of a class it is known what its methods do.
    if meant is None or (is_call and not path[-1][:1].isupper()):
        return None
    return ".".join([meant, *path[1:]])


def at_this_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a body and of its blocks, but not those of functions and classes."""
    for statement in body:
        yield statement
        if not isinstance(statement, APART):
            for block in ("body", "orelse", "finalbody"):
                yield from at_this_level(getattr(statement, block, []))
            for handler in getattr(statement, "handlers", []):
                yield from at_this_level(handler.body)
            for case in getattr(statement, "cases", []):
                yield from at_this_level(case.body)


def imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, str]]:
    """Yield the names that an import makes, each with what it stands for.

    Args:
        node: the statement.
        package: the package that the file belongs to.
    """
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (top, top)
        return
    above = package.split(".")
    base = above[: len(above) - node.level + 1] if node.level else []
    module = ".".join([*base, *filter(None, [node.module])])
    for alias in node.names:
        # `from module import *` has an entry that no name can be taken for.
        name = f"*{module}" if alias.name == "*" else alias.asname or alias.name
        yield name, f"{module}.{alias.name}"


def assigned(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the names that a body gives a value, each with the value; None if it has several."""
    given: dict[str, ast.expr | None] = {}
    for statement in at_this_level(body):
        for name, value in _assigned_by(statement):
            given[name] = None if name in given else value
    yield from given.items()


def _assigned_by(statement: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        (target,) = statement.targets
        if isinstance(target, ast.Name):
            yield target.id, statement.value
            yield from _stored(statement.value)
            return
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        yield statement.target.id, statement.value
        return
    yield from _stored(statement)


def _stored(node: ast.AST) -> Iterator[tuple[str, None]]:
    """Yield every name that something of a statement sets, its blocks left out."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
        yield node.id, None
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name, None
    for child in ast.iter_child_nodes(node):
        inner_block = isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case)
        if isinstance(child, ast.ExceptHandler) and child.name:
            yield child.name, None
        elif isinstance(child, ast.match_case):
            yield from _stored(child.pattern)
        elif not inner_block and not isinstance(child, APART):
            yield from _stored(child)
