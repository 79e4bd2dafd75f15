"""Loads a journeys' folder; a broken file does not prevent other files from loading."""

from __future__ import annotations

import importlib.util
import inspect
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from ..config.author_environment import mask_author_secrets
from ..domain.event import EventMatch
from ..domain.graph import JourneyGraph
from ..domain.journey import BUILT_IN_LIST_ID, EVERYTHING, BrokenFile, Entry, Journey, MailList
from ..domain.sending_policy import NO_POLICY, SendingPolicy
from ..ingest.rules import BUILT_IN_LIST
from .author_imports import PACKAGE, explain_import_error, use_packages
from .declared_journeys import build_declared_journey, read_declared_journeys
from .decorator import SPEC_ATTRIBUTE, JourneyFunction, JourneySpec
from .definition_checks import ID, ID_REMEDY, check_function, check_spec
from .registry import Registry
from .static_analysis.graphs import find_code
from .static_analysis.modules import Sources, hash_texts
from .static_analysis.step_reader import build_graph

log = logging.getLogger("hogsend.turns")

# The loading of a file is logged when it takes this long.
SLOW_SECONDS = 5.0
# The file with the sending policy. No other one may have it: when this file cannot be used, mail
# waits instead of leaving without limits.
POLICY_FILE = "sending.py"


def load(folder: Path) -> Registry:
    """Load every Python file of a folder.

    Errors of the author's code are not raised, but returned in `Registry.broken`.

    Args:
        folder: the author's folder; a folder that does not exist is reported as broken.

    Returns:
        The journeys and lists, and every file that cannot be used.
    """
    return _Loading(folder).run()


class _Loading:
    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._broken: list[BrokenFile] = []
        self._lists: dict[str, MailList] = {BUILT_IN_LIST_ID: BUILT_IN_LIST}
        self._journeys: dict[str, Journey] = {}
        self._broken_journeys: dict[str, Journey] = {}
        self._functions: dict[str, JourneyFunction] = {}
        self._graphs: dict[str, JourneyGraph] = {}
        self._policy: SendingPolicy | None = NO_POLICY
        self._sources = Sources(self._folder)

    def run(self) -> Registry:
        if not self._folder.is_dir():
            problem = f"the journeys' folder {self._folder} does not exist."
            remedy = "Set HOGSEND_JOURNEYS, or create the folder with `hogsend init`."
            self._broken.append(BrokenFile(self._folder.name, 0, problem, remedy))
        else:
            _make_package(self._folder)
            use_packages(self._folder)
            with _without_bytecode():
                modules = [m for path in list_files(self._folder) if (m := self._import(path))]
            for path, module in modules:
                self._collect_lists(path, module)
                self._collect_policy(path, module)
            for path, module in modules:
                self._collect_journeys(path, module)
        return Registry(
            self._journeys,
            self._functions,
            self._lists,
            tuple(self._broken),
            self._graphs,
            self._broken_journeys,
            self._policy,
        )

    def _import(self, path: Path) -> tuple[Path, ModuleType] | None:
        name = f"{PACKAGE}.{path.stem}"
        try:
            if name in sys.modules:
                return path, sys.modules[name]
            spec = importlib.util.spec_from_file_location(name, path)
            if spec is None or spec.loader is None:
                raise ImportError(f"{path.name} is not a Python file")
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            with _log_when_slow(path):
                spec.loader.exec_module(module)
        except BaseException as error:
            # Even `SystemExit` in a file must not prevent the other files from loading.
            sys.modules.pop(name, None)
            if path.name == POLICY_FILE:
                self._policy = None
            self._broken.append(_describe_import_error(path, error))
            for journey in read_declared_journeys(path, self._sources):
                self._broken_journeys[journey.id] = journey
            return None
        return path, module

    def _collect_lists(self, path: Path, module: ModuleType) -> None:
        for value in vars(module).values():
            # `isinstance` would evaluate a proxy, which may not be bound yet.
            if not issubclass(type(value), MailList):
                continue
            known = self._lists.get(value.id)
            if known is not None and known is not value and known is not BUILT_IN_LIST:
                self._problem(path, 0, f"the list {value.id!r} is defined twice.")
            elif value.id == EVERYTHING or not ID.fullmatch(value.id):
                self._problem(path, 0, f"{value.id!r} is not a valid list id.", ID_REMEDY)
            else:
                self._lists[value.id] = value

    def _collect_policy(self, path: Path, module: ModuleType) -> None:
        policies = {
            id(value): value
            for value in vars(module).values()
            if issubclass(type(value), SendingPolicy) and value is not NO_POLICY
        }
        if path.name != POLICY_FILE:
            if policies:
                self._problem(
                    path, 0, "a SendingPolicy is ignored here.", f"Move it to {POLICY_FILE}."
                )
        elif len(policies) == 1:
            (self._policy,) = policies.values()
        else:
            self._policy = None
            problem = f"{POLICY_FILE} needs one SendingPolicy, but has {len(policies)}."
            self._problem(path, 0, problem, "Mail waits until then.")

    def _collect_journeys(self, path: Path, module: ModuleType) -> None:
        # A function may have several names in its module.
        for function in {id(value): value for value in vars(module).values()}.values():
            try:
                spec = getattr(function, SPEC_ATTRIBUTE, None)
                if type(spec) is not JourneySpec or function.__module__ != module.__name__:
                    continue
            except Exception:  # noqa: S112 (a proxy that is not bound yet is no journey)
                continue
            try:
                is_usable = self._collect_journey(path, spec, function)
            except Exception as error:
                self._broken.append(_describe_import_error(path, error))
                is_usable = False
            journey = None if is_usable else build_declared_journey(spec.id, spec.trigger, path)
            if journey is not None:
                self._broken_journeys[journey.id] = journey

    def _collect_journey(self, path: Path, spec: JourneySpec, function: JourneyFunction) -> bool:
        """Add a journey, or what is wrong with it; return whether the journey can be used."""
        line = inspect.unwrap(function).__code__.co_firstlineno
        code = find_code(function, self._sources)
        problems = [(problem, line) for problem in check_spec(spec, self._lists)]
        # The id may be any value, even one that is not hashable.
        if spec.id in tuple(self._journeys):
            other = self._journeys[spec.id].file
            problems.append(
                ((f"the same id is also defined in {other}.", "Rename one of the two."), line)
            )
        problems.extend(check_function(function, code))
        for (problem, remedy), problem_line in problems:
            self._problem(path, problem_line, f"the journey {spec.id!r}: {problem}", remedy)
        if not problems:
            version = self._sources.compute_version(f"{PACKAGE}.{path.stem}")
            journey = build_journey(spec, function, path, line, version)
            self._journeys[spec.id] = journey
            self._functions[spec.id] = function
            if code is not None:
                self._graphs[spec.id] = build_graph(code, journey.trigger.event)
        return not problems

    def _problem(self, path: Path, line: int, problem: str, remedy: str = "") -> None:
        self._broken.append(BrokenFile(path.name, line, problem, remedy))


def list_files(folder: Path) -> list[Path]:
    """Return the files of a folder that may hold journeys and lists."""
    return sorted(
        path
        for path in folder.glob("*.py")
        if not path.name.startswith(("_", "test_")) and path.is_file()
    )


@contextmanager
def _log_when_slow(path: Path) -> Generator[None]:
    """Log a file that takes long to load, because the start of the server waits for the file."""
    message = "%s has been loading for %.0f s; the start waits until it is loaded"
    timer = threading.Timer(SLOW_SECONDS, log.warning, (message, path.name, SLOW_SECONDS))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _without_bytecode() -> Generator[None]:
    """Write no bytecode, because Python ignores an edit within the same second otherwise."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _make_package(folder: Path) -> None:
    """Make `journeys` the package of this folder, and unload its earlier modules."""
    for name in [n for n in sys.modules if n == PACKAGE or n.startswith(PACKAGE + ".")]:
        del sys.modules[name]
    spec = ModuleSpec(PACKAGE, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    package = importlib.util.module_from_spec(spec)
    package.__path__ = [str(folder)]
    sys.modules[PACKAGE] = package
    # The finders' cache would hide an edit within the second of the last load.
    importlib.invalidate_caches()


def _to_match(event: str | EventMatch) -> EventMatch:
    return event if isinstance(event, EventMatch) else EventMatch(event)


def build_journey(
    spec: JourneySpec, function: Callable[..., object], path: Path, line: int, version: str = ""
) -> Journey:
    """Return the definition of a journey.

    Args:
        spec: the arguments of the decorator.
        function: the function.
        path: the file of the function.
        line: the line of the function in the file.
        version: the hash of the file and its imports; the hash of the file alone unless given.
    """
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        source = ""
    description = spec.description or inspect.getdoc(function) or ""
    return Journey(
        id=spec.id,
        name=spec.name or spec.id.replace("-", " ").replace("_", " ").capitalize(),
        description=description.strip().split("\n\n")[0].replace("\n", " "),
        trigger=_to_match(spec.trigger),
        entry=spec.entry if isinstance(spec.entry, Entry) else Entry(spec.entry),
        exit_on=tuple(_to_match(event) for event in spec.exit_on),
        suppress=spec.suppress,
        list_id=spec.list or BUILT_IN_LIST_ID,
        enabled=spec.enabled,
        entry_key=spec.key.path if spec.key is not None else None,
        on_retrigger=spec.on_retrigger,
        goal=_to_match(spec.goal) if spec.goal is not None else None,
        holdout=spec.holdout,
        time_zone=spec.time_zone,
        send_window=spec.send_window,
        accept_late=spec.accept_late,
        code_hash=version or hash_texts([path.read_bytes()]),
        file=path.name,
        line=line,
        source=source,
    )


def _describe_import_error(path: Path, error: BaseException) -> BrokenFile:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return BrokenFile(path.name, error.lineno or 0, f"{error.msg}.", "Fix the syntax error.")
    line = next(
        (
            frame.lineno or 0
            for frame in reversed(traceback.extract_tb(error.__traceback__))
            if frame.filename == str(path)
        ),
        0,
    )
    problem = mask_author_secrets(f"{type(error).__name__}: {error}")
    return BrokenFile(path.name, line, problem, explain_import_error(error))
