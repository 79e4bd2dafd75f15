"""Loads a journeys' folder, in a checkout or beside a binary; one broken file harms no other."""

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

from ..domain.event import EventMatch
from ..domain.graph import JourneyGraph
from ..domain.journey import EVERYTHING, JOURNEY_LIST, BrokenFile, Entry, Journey, MailList
from ..ingest.rules import BUILT_IN_LIST
from .decorator import MARK, JourneyFunction, JourneySpec
from .definition_checks import ID, ID_REMEDY, function_problems, mark_problems
from .registry import Registry
from .static_analysis.graphs import code_of_function
from .static_analysis.modules import PACKAGE, Sources, version_of
from .static_analysis.step_reader import graph_of_function

log = logging.getLogger("hogsend.turns")

# Reading a file takes this long at most, in seconds, before it is told.
SLOW = 5.0


def load(folder: Path) -> Registry:
    """Read every Python file of a folder.

    Args:
        folder: the author's folder; one that is not there holds nothing, and is reported.

    Returns:
        The journeys and lists, and every file that could not be used. Nothing is raised for what
        an author wrote.
    """
    return _Loading(folder).run()


class _Loading:
    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._broken: list[BrokenFile] = []
        self._lists: dict[str, MailList] = {JOURNEY_LIST: BUILT_IN_LIST}
        self._journeys: dict[str, Journey] = {}
        self._functions: dict[str, JourneyFunction] = {}
        self._flows: dict[str, JourneyGraph] = {}
        self._sources = Sources(self._folder)

    def run(self) -> Registry:
        if not self._folder.is_dir():
            where = f"the journeys' folder {self._folder} is not there."
            remedy = "Set HOGSEND_JOURNEYS, or make one with `hogsend init`."
            self._broken.append(BrokenFile(self._folder.name, 0, where, remedy))
        else:
            _make_package(self._folder)
            with _nothing_left_behind():
                modules = [m for path in files_of(self._folder) if (m := self._import(path))]
            for path, module in modules:
                self._collect_lists(path, module)
            for path, module in modules:
                self._collect_journeys(path, module)
        return Registry(
            self._journeys, self._functions, self._lists, tuple(self._broken), self._flows
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
            with _told_when_slow(path):
                spec.loader.exec_module(module)
        except BaseException as error:
            # Whatever it is, it is this file's: the others are loaded.
            sys.modules.pop(name, None)
            self._broken.append(_broken_import(path, error))
            return None
        return path, module

    def _collect_lists(self, path: Path, module: ModuleType) -> None:
        for value in vars(module).values():
            # By its type: what is looked at may be a stand-in that answers to nothing yet.
            if not issubclass(type(value), MailList):
                continue
            known = self._lists.get(value.id)
            if known is not None and known is not value and known is not BUILT_IN_LIST:
                self._problem(path, 0, f"the list {value.id!r} is defined twice.")
            elif value.id == EVERYTHING or not ID.fullmatch(value.id):
                self._problem(path, 0, f"{value.id!r} is no list id.", ID_REMEDY)
            else:
                self._lists[value.id] = value

    def _collect_journeys(self, path: Path, module: ModuleType) -> None:
        # A function may have several names in its module.
        for function in {id(value): value for value in vars(module).values()}.values():
            try:
                mark = getattr(function, MARK, None)
                if type(mark) is not JourneySpec or function.__module__ != module.__name__:
                    continue
            except Exception:  # noqa: S112 (a stand-in that answers to nothing yet is no journey)
                continue
            try:
                self._collect_journey(path, mark, function)
            except Exception as error:
                self._broken.append(_broken_import(path, error))

    def _collect_journey(self, path: Path, mark: JourneySpec, function: JourneyFunction) -> None:
        line = inspect.unwrap(function).__code__.co_firstlineno
        code = code_of_function(function, self._sources)
        found = [(problem, line) for problem in mark_problems(mark, self._lists)]
        # Authors need not check types: what is no id need not be hashable.
        if mark.id in tuple(self._journeys):
            other = self._journeys[mark.id].file
            found.append(((f"it is also defined in {other}.", "Give one another id."), line))
        found.extend(function_problems(function, code))
        for (problem, remedy), where in found:
            self._problem(path, where, f"the journey {mark.id!r}: {problem}", remedy)
        if not found:
            version = self._sources.version(f"{PACKAGE}.{path.stem}")
            self._journeys[mark.id] = journey_of(mark, function, path, line, version)
            self._functions[mark.id] = function
            if code is not None:
                self._flows[mark.id] = graph_of_function(
                    code, self._journeys[mark.id].trigger.event
                )

    def _problem(self, path: Path, line: int, problem: str, remedy: str = "") -> None:
        self._broken.append(BrokenFile(path.name, line, problem, remedy))


def files_of(folder: Path) -> list[Path]:
    """Return the files of a folder that may hold journeys and lists."""
    return sorted(
        path
        for path in folder.glob("*.py")
        if not path.name.startswith(("_", "test_")) and path.is_file()
    )


@contextmanager
def _told_when_slow(path: Path) -> Generator[None]:
    """Name a file that takes long to read: whoever waits for the start sees what it waits for."""
    said = "%s has been loading for %.0f s; what waits for it goes on when it is loaded"
    timer = threading.Timer(SLOW, log.warning, (said, path.name, SLOW))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _nothing_left_behind() -> Generator[None]:
    """Write no compiled files beside the author's: an edit within a second would not be seen."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _make_package(folder: Path) -> None:
    """Make `journeys` a package that is this folder, forgetting one that was loaded before."""
    for name in [n for n in sys.modules if n == PACKAGE or n.startswith(PACKAGE + ".")]:
        del sys.modules[name]
    spec = ModuleSpec(PACKAGE, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    package = importlib.util.module_from_spec(spec)
    package.__path__ = [str(folder)]
    sys.modules[PACKAGE] = package
    # An edit within the second of the last load would else be served from the finders' cache.
    importlib.invalidate_caches()


def _match(event: str | EventMatch) -> EventMatch:
    return event if isinstance(event, EventMatch) else EventMatch(event)


def journey_of(
    mark: JourneySpec, function: Callable[..., object], path: Path, line: int, version: str = ""
) -> Journey:
    """Make the definition of a journey out of what its decorator was given.

    Args:
        mark: what it was given.
        function: the function.
        path: its file.
        line: its line there.
        version: the hash of the file and of all that it imports; of the file alone unless given.
    """
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        source = ""
    described = mark.description or inspect.getdoc(function) or ""
    return Journey(
        id=mark.id,
        name=mark.name or mark.id.replace("-", " ").replace("_", " ").capitalize(),
        description=described.strip().split("\n\n")[0].replace("\n", " "),
        trigger=_match(mark.trigger),
        entry=mark.entry if isinstance(mark.entry, Entry) else Entry(mark.entry),
        exit_on=tuple(_match(event) for event in mark.exit_on),
        suppress=mark.suppress,
        list_id=mark.list or JOURNEY_LIST,
        enabled=mark.enabled,
        entry_key=mark.key.path if mark.key is not None else None,
        on_retrigger=mark.on_retrigger,
        goal=_match(mark.goal) if mark.goal is not None else None,
        holdout=mark.holdout,
        time_zone=mark.time_zone,
        send_window=mark.send_window,
        accept_late=mark.accept_late,
        code_hash=version or version_of([path.read_bytes()]),
        file=path.name,
        line=line,
        source=source,
    )


def _broken_import(path: Path, error: BaseException) -> BrokenFile:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return BrokenFile(path.name, error.lineno or 0, f"{error.msg}.", "Python cannot read it.")
    line = next(
        (
            frame.lineno or 0
            for frame in reversed(traceback.extract_tb(error.__traceback__))
            if frame.filename == str(path)
        ),
        0,
    )
    return BrokenFile(path.name, line, f"{type(error).__name__}: {error}")
