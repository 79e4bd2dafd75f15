"""Parses authors' files without running them, and finds the symbols that each file defines."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...compat.cpython import parse_source
from ..author_imports import PACKAGE
from .constants import LIBRARY_VALUES, UNKNOWN, evaluate, parse_dotted_name

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTION_NODES = (ast.FunctionDef, ast.AsyncFunctionDef)
# Nodes with a scope of their own: their bodies do not run together with the code around them.
NESTED_SCOPES = (*FUNCTION_NODES, ast.ClassDef, ast.Lambda)
# Functions that set an attribute whose name they get.
_SETTERS = (("setattr",), ("__setattr__",))


@dataclass(frozen=True, slots=True)
class Module:
    """A file.

    Args:
        name: the name that other files import, such as `journeys.welcome`.
        file: relative to the journeys' folder.
        tree: the syntax tree.
        aliases: names that are bound to an import or to an instance of an imported class, each with
            the full name of the import or of the class, such as `httpx.Client`.
        functions: the file's functions, by name.
        classes: the file's classes, by name.
        values: the file's constants whose value is known.
        sources: the files of the same folder.
        first_line: the line at which the text begins in the file.
        bindings: every expression that a name of the file is bound to; None for another binding.
        changed_attributes: the names of the attributes that the file sets anywhere but once, in an
            `__init__`.
    """

    name: str
    file: str
    tree: ast.Module
    aliases: dict[str, str]
    functions: dict[str, AnyFunction]
    values: dict[str, Any]
    sources: Sources
    first_line: int = 1
    bindings: dict[str, list[ast.expr | None]] = field(
        default_factory=dict[str, list[ast.expr | None]]
    )
    classes: dict[str, ast.ClassDef] = field(default_factory=dict[str, ast.ClassDef])
    changed_attributes: set[str] = field(default_factory=set[str])

    @property
    def package(self) -> str:
        """The package that relative imports begin at."""
        return self.name if self.file.endswith("__init__.py") else self.name.rpartition(".")[0]

    def find_line(self, node: ast.AST) -> int:
        """Return the line of a node in the file."""
        return getattr(node, "lineno", 0) + self.first_line - 1


@dataclass(slots=True)
class Sources:
    """The files of a journeys' folder, each parsed on first use.

    Args:
        folder: the author's folder; None when there is only the text of one function.
    """

    folder: Path | None = None
    _modules: dict[str, Module | None] = field(default_factory=dict[str, Module | None])

    def load(self, name: str) -> Module | None:
        """Return a file by its module name; None without such a file, or when it is invalid."""
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def load_file(self, path: Path) -> Module | None:
        """Return a file by its path; None outside of the folder, or when it is invalid."""
        if self.folder is None or not path.is_relative_to(self.folder):
            return None
        names = path.relative_to(self.folder).with_suffix("").parts
        return self.load(".".join([PACKAGE, *(n for n in names if n != "__init__")]))

    def compute_version(self, name: str) -> str:
        """Return a hash of a file and of the folder's files that it imports, directly or not.

        Args:
            name: the module name of the file.
        """
        texts: dict[str, bytes] = {}
        queue = [name]
        while queue:
            current = queue.pop()
            module = self.load(current)
            if current in texts or module is None or self.folder is None:
                continue
            texts[current] = self.folder.joinpath(module.file).read_bytes()
            queue.extend(self.find_imported_names(module))
        others = sorted(other for other in texts if other != name)
        return hash_texts([texts[key] for key in (name, *others) if key in texts])

    def find_imported_names(self, module: Module) -> Iterator[str]:
        """Yield the module names of the folder's files that a file imports anywhere."""
        for node in ast.walk(module.tree):
            targets: Iterable[str] = ()
            if isinstance(node, ast.Import):
                targets = (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                targets = (target for _, target in find_import_aliases(node, module.package))
            for target in targets:
                # The part after the last dot may be a file, or a name in a file.
                for name in (target, target.rpartition(".")[0]):
                    if self.load(name) is not None:
                        yield name

    def find_symbol(self, full_name: str) -> tuple[Module, str] | None:
        """Return the file of `journeys.file.name` and the name in the file; None elsewhere."""
        module, _, name = full_name.rpartition(".")
        if not (module + ".").startswith(PACKAGE + "."):
            return None
        parsed = self.load(module)
        return (parsed, name) if parsed else None

    def find_definition(
        self, full_name: str, kind: Literal["functions", "classes", "bindings"]
    ) -> tuple[Module, str] | None:
        """Return the file that defines a name, and the name there; follows imports of imports.

        Args:
            full_name: the name by which a file imports it, such as `journeys.file.name`.
            kind: what it is.
        """
        visited, queue = set[str](), [full_name]
        while queue:
            candidate = queue.pop(0)
            target = None if candidate in visited else self.find_symbol(candidate)
            visited.add(candidate)
            if target is None:
                continue
            module, name = target
            if name in getattr(module, kind):
                return target
            stars = [alias[1:] for alias in module.aliases if alias.startswith("*")]
            alias = module.aliases.get(name)
            queue.extend([alias] if alias else [f"{star}.{name}" for star in stars])
        return None

    def _read(self, name: str) -> Module | None:
        if self.folder is None or name == PACKAGE or not name.startswith(PACKAGE + "."):
            return None
        base = self.folder.joinpath(*name.split(".")[1:])
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                break
        else:
            return None
        try:
            text = path.read_bytes()
            return parse_module(text, name, str(path.relative_to(self.folder)), self)
        except (OSError, SyntaxError, ValueError, RecursionError):
            return None


def hash_texts(texts: Sequence[bytes]) -> str:
    """Return a short hash of the contents of files."""
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:8]


def parse_module(
    text: str | bytes, name: str, file: str, sources: Sources, first_line: int = 1
) -> Module:
    """Parse the text of a file or of a single function.

    Args:
        text: the text.
        name: the module name.
        file: relative to the journeys' folder.
        sources: the files of the same folder.
        first_line: the line at which the text begins in the file.

    Raises:
        SyntaxError: the text is not valid Python.
        ValueError: the text contains a null byte.
        RecursionError: the text is nested too deeply.
    """
    tree = parse_source(text)
    module = Module(name, file, tree, {}, {}, {}, sources, first_line)
    for node in walk_statements(tree.body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module.aliases.update(find_import_aliases(node, module.package))
        elif isinstance(node, FUNCTION_NODES):
            module.functions[node.name] = node
        elif isinstance(node, ast.ClassDef):
            module.classes[node.name] = node
    module.changed_attributes.update(_find_changed_attributes(tree))
    module.bindings.update(collect_bindings(tree.body))
    for symbol in find_names_bound_inside(tree.body, ast.Global):
        module.bindings.setdefault(symbol, []).append(None)
    for symbol, expressions in module.bindings.items():
        expression = expressions[0] if len(expressions) == 1 else None
        if expression is None:
            continue
        value = evaluate(expression, lambda path: resolve_constant(module, path))
        if value is not UNKNOWN:
            module.values[symbol] = value
        elif full_name := _resolve_value_name(module, expression):
            module.aliases.setdefault(symbol, full_name)
    return module


def resolve_constant(module: Module, path: tuple[str, ...]) -> Any:
    """Return the value of a constant of a file, or of a file that it imports.

    Args:
        module: the file.
        path: the parts of the constant's name.
    """
    if len(path) == 1 and path[0] in module.values:
        return module.values[path[0]]
    target = module.aliases.get(path[0])
    if target is None:
        has_star_import = "*hogsend" in module.aliases and path[0] not in module.bindings
        return LIBRARY_VALUES.get(f"hogsend.{path[0]}", UNKNOWN) if has_star_import else UNKNOWN
    return resolve_imported_constant(module, ".".join([target, *path[1:]]))


def resolve_imported_constant(module: Module, full_name: str) -> Any:
    """Return the value of a constant that a file imports: of another file, or of `hogsend`.

    Args:
        module: the file that imports the constant.
        full_name: the full name of the constant.
    """
    if full_name in LIBRARY_VALUES:
        return LIBRARY_VALUES[full_name]
    resolved = module.sources.find_symbol(full_name)
    if resolved is None or resolved[0] is module:
        return UNKNOWN
    return resolved[0].values.get(resolved[1], UNKNOWN)


def _resolve_value_name(module: Module, expression: ast.expr) -> str | None:
    """Return the full name behind `client = httpx.Client()` or `now = datetime.now`."""
    is_call = isinstance(expression, ast.Call)
    path = parse_dotted_name(expression.func if is_call else expression)
    target = module.aliases.get(path[0]) if path else None
    # A call of a capitalised name creates an instance; the result of any other call is unknown.
    if target is None or (is_call and not path[-1][:1].isupper()):
        return None
    return ".".join([target, *path[1:]])


def walk_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a body and of its blocks, but not those of nested scopes."""
    for statement in body:
        yield statement
        if not isinstance(statement, NESTED_SCOPES):
            for block in ("body", "orelse", "finalbody"):
                yield from walk_statements(getattr(statement, block, []))
            for handler in getattr(statement, "handlers", []):
                yield from walk_statements(handler.body)
            for case in getattr(statement, "cases", []):
                yield from walk_statements(case.body)


def find_import_aliases(
    node: ast.Import | ast.ImportFrom, package: str
) -> Iterator[tuple[str, str]]:
    """Yield the names that an import binds, each with the full name of its target.

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
        # `*` keeps the entry of `from module import *` distinct from every name.
        name = f"*{module}" if alias.name == "*" else alias.asname or alias.name
        yield name, f"{module}.{alias.name}"


def find_bindings(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the names that a body binds, each with its expression; None if bound repeatedly."""
    for name, expressions in collect_bindings(body).items():
        yield name, expressions[0] if len(expressions) == 1 else None


def _find_changed_attributes(tree: ast.Module) -> Iterator[str]:
    """Yield the attributes that a file sets, except those that only one `__init__` sets once."""
    initial: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, FUNCTION_NODES) and node.name == "__init__":
            attributes = list(_find_set_attributes(node))
            counts = Counter(attribute.attr for attribute in attributes)
            initial.update(id(part) for part in attributes if counts[part.attr] == 1)
    for attribute in _find_set_attributes(tree):
        if id(attribute) not in initial:
            yield attribute.attr
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and parse_dotted_name(node.func)[-1:] in _SETTERS:
            names = (part.value for part in node.args if isinstance(part, ast.Constant))
            yield from (name for name in names if isinstance(name, str))


def _find_set_attributes(node: ast.AST) -> Iterator[ast.Attribute]:
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and not isinstance(part.ctx, ast.Load):
            yield part


def find_names_bound_inside(
    body: Iterable[ast.AST], declaration: type[ast.Global | ast.Nonlocal]
) -> set[str]:
    """Return the names of a body that functions in it declare as theirs, to bind them again."""
    nodes = (node for part in body for node in ast.walk(part))
    return {name for node in nodes if isinstance(node, declaration) for name in node.names}


def collect_bindings(body: list[ast.stmt]) -> dict[str, list[ast.expr | None]]:
    """Return the names that a body binds, each with every expression.

    A name that a loop binds to the elements of a collection has an expression for its first
    element; None stands for any other binding.
    """
    bindings: dict[str, list[ast.expr | None]] = {}
    for statement in walk_statements(body):
        for name, value in _find_statement_bindings(statement):
            bindings.setdefault(name, []).append(value)
    return bindings


def _find_statement_bindings(statement: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        (target,) = statement.targets
        if isinstance(target, ast.Name):
            yield target.id, statement.value
            yield from _find_bound_names(statement.value)
            return
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        yield statement.target.id, statement.value
        return
    if isinstance(statement, ast.For) and isinstance(statement.target, ast.Name):
        yield statement.target.id, _build_element(statement.iter)
        yield from _find_bound_names(statement.iter)
        return
    yield from _find_bound_names(statement)


def _build_element(collection: ast.expr) -> ast.expr:
    """Return the expression for the first element of a collection, at the collection's place."""
    return ast.copy_location(ast.Subscript(collection, ast.Constant(0), ast.Load()), collection)


def _find_bound_names(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield every name that a statement binds outside of its blocks."""
    if isinstance(node, ast.comprehension) and isinstance(node.target, ast.Name):
        yield node.target.id, _build_element(node.iter)
        for part in (node.iter, *node.ifs):
            yield from _find_bound_names(part)
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
        yield node.id, None
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name, None
    for child in ast.iter_child_nodes(node):
        inner_block = isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case)
        if isinstance(child, ast.ExceptHandler) and child.name:
            yield child.name, None
        elif isinstance(child, ast.match_case):
            yield from _find_bound_names(child.pattern)
        elif not inner_block and not isinstance(child, NESTED_SCOPES):
            yield from _find_bound_names(child)
