"""Loads a journeys' folder, in a checkout or beside a binary; one broken file harms no other."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from ..domain.event import EventMatch
from ..domain.journey import EVERYTHING, JOURNEY_LIST, BrokenFile, Entry, Journey, MailList
from ..ingest.rules import BUILT_IN_LIST
from .marks import MARK, JourneyFunction, Mark
from .registry import Registry

# Authors may import their own modules as `journeys.lists` or `.lists`, wherever the folder is.
PACKAGE = "journeys"
_ID = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
LONGEST_ID = 100


def load(folder: Path) -> Registry:
    """Read every Python file of a folder.

    Args:
        folder: the author's folder; one that is not there holds nothing.

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

    def run(self) -> Registry:
        if self._folder.is_dir():
            _make_package(self._folder)
            modules = [m for path in self._files() if (m := self._import(path))]
            for path, module in modules:
                self._collect_lists(path, module)
            for path, module in modules:
                self._collect_journeys(path, module)
        return Registry(self._journeys, self._functions, self._lists, tuple(self._broken))

    def _files(self) -> list[Path]:
        return sorted(
            path
            for path in self._folder.glob("*.py")
            if not path.name.startswith(("_", "test_")) and path.is_file()
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
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            sys.modules.pop(name, None)
            self._broken.append(_broken_import(path, error))
            return None
        return path, module

    def _collect_lists(self, path: Path, module: ModuleType) -> None:
        for value in vars(module).values():
            if not isinstance(value, MailList):
                continue
            known = self._lists.get(value.id)
            if known is not None and known is not value and known is not BUILT_IN_LIST:
                self._problem(path, 0, f"the list {value.id!r} is defined twice.")
            elif value.id == EVERYTHING or not _ID.fullmatch(value.id):
                self._problem(path, 0, f"{value.id!r} is no list id.", _ID_REMEDY)
            else:
                self._lists[value.id] = value

    def _collect_journeys(self, path: Path, module: ModuleType) -> None:
        for function in list(vars(module).values()):
            mark = getattr(function, MARK, None)
            if not isinstance(mark, Mark) or function.__module__ != module.__name__:
                continue
            line = function.__code__.co_firstlineno
            problems = list(self._check(mark, function))
            for problem, remedy in problems:
                self._problem(path, line, problem, remedy)
            if not problems:
                self._journeys[mark.id] = _journey(mark, function, path, line)
                self._functions[mark.id] = function

    def _check(self, mark: Mark, function: Callable[..., object]) -> Iterator[tuple[str, str]]:
        if not _ID.fullmatch(mark.id) or len(mark.id) > LONGEST_ID:
            yield f"{mark.id!r} is no journey id.", _ID_REMEDY
        if mark.id in self._journeys:
            other = self._journeys[mark.id].file
            yield f"the journey {mark.id!r} is also defined in {other}.", "Give one another id."
        if not inspect.iscoroutinefunction(function):
            yield f"the journey {mark.id!r} is not an async function.", "Write `async def`."
        elif len(inspect.signature(function).parameters) != 2:
            yield f"the journey {mark.id!r} must take (user, ctx).", ""
        if mark.list is not None and mark.list not in self._lists:
            known = ", ".join(sorted(self._lists))
            yield f"the list {mark.list!r} is not known.", f"Define it in lists.py; known: {known}."
        if isinstance(mark.entry, str) and mark.entry not in ("once", "unlimited"):
            yield f"entry is {mark.entry!r}.", 'Use "once", "unlimited" or once_per(days(7)).'
        for what, period in (("suppress", mark.suppress), ("once_per", _period(mark))):
            if period is not None and period <= timedelta(0):
                yield f"{what} is not a positive duration.", "Use for example hours(12)."
        if mark.on_retrigger not in ("ignore", "restart"):
            yield f"on_retrigger is {mark.on_retrigger!r}.", 'Use "ignore" or "restart".'

    def _problem(self, path: Path, line: int, problem: str, remedy: str = "") -> None:
        self._broken.append(BrokenFile(path.name, line, problem, remedy))


_ID_REMEDY = "Use lower-case letters, digits and single hyphens, such as trial-conversion."


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


def _period(mark: Mark) -> timedelta | None:
    return mark.entry.period if isinstance(mark.entry, Entry) else None


def _match(event: str | EventMatch) -> EventMatch:
    return event if isinstance(event, EventMatch) else EventMatch(event)


def _journey(mark: Mark, function: Callable[..., object], path: Path, line: int) -> Journey:
    text = path.read_bytes()
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
        code_hash=hashlib.sha256(text).hexdigest()[:8],
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
