"""Opens the environment of a test: the production worker with a separate database."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from ..clock import ManualClock
from ..delivery.mailer import Mailer
from ..delivery.providers.provider_set import ProviderSet
from ..delivery.render import Renderer
from ..delivery.templates import FOLDER, Templates
from ..delivery.tokens import Tokens
from ..delivery.tracking import Tracker
from ..domain.journey import MailList
from ..engines.embedded import EmbeddedEngine
from ..ingest import Ingest
from ..ingest.rules import load_rules
from ..process.event_bus import EventBus
from ..process.isolated_turns import IsolatedTurns
from ..process.journey_sync import sync_journeys
from ..process.worker import Worker
from ..services.content import Content, compute_fingerprint
from ..store.change_feed import ChangeFeed
from ..store.db import Database
from ..store.migrations import apply_pending
from ..turns.decorator import JourneyFunction
from ..turns.folder_loader import load
from ..turns.function_registry import build_registry, locate, preserve_modules
from ..turns.registry import Registry
from ..turns.runner import TurnRunner
from .activity import Activity
from .determinism_guard import DeterminismGuard
from .mailbox import FakeProvider

Mails = Mapping[str, str] | str | Path | None
# The files of a folder with their sizes and times of change.
FileVersions = frozenset[tuple[str, int, int]]

BASE_URL = "https://mail.example.com"
SENDER = "Tests <tests@example.com>"
# The folder for files in memory, which not every machine has.
_MEMORY = Path("/dev/shm")  # noqa: S108 (each test creates a private folder in it)
# How long a hand-over may take when a test ends, in seconds.
_STOP_TIMEOUT = 5.0


@dataclass
class KitEnvironment:
    """The parts of a test's server.

    Args:
        clock: the clock that the test sets.
        database: the test's own database.
        ingest: stores events.
        tracker: records opens and clicks.
        worker: runs journeys and delivers email.
        activity: notices commits.
        content: the journeys and the templates of the test.
        provider: keeps the emails that were sent.
    """

    clock: ManualClock
    database: Database
    ingest: Ingest
    tracker: Tracker
    worker: Worker
    activity: Activity
    content: Content
    provider: FakeProvider


@asynccontextmanager
async def open_environment(
    functions: Sequence[JourneyFunction],
    mails: Mails,
    start: datetime,
    guard: DeterminismGuard,
    *,
    checks_determinism: bool,
) -> AsyncGenerator[KitEnvironment]:
    """Open the parts of a server in memory, without retention, and close them at the end.

    Args:
        functions: the journeys.
        mails: the author's templates, as in `play`.
        start: the instant that the clock shows at first.
        guard: records the nondeterministic reads of the journeys.
        checks_determinism: whether every turn runs a second time from its journal.
    """
    clock, bus, change_feed = ManualClock(start), EventBus(), ChangeFeed()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(_make_temporary_folder()))
        content = _load_content(functions, mails, folder, guard)
        database = await _open_database(stack, folder, clock)
        await sync_journeys(database, content.registry, clock.now())
        rules = await load_rules(database, content.registry.journeys, content.registry.lists)
        ingest = Ingest(database, clock, rules, change_feed, on_commit=bus.publish)
        activity, provider = Activity(bus), FakeProvider(clock)
        tracker = Tracker(database, clock, ingest, change_feed)
        turn_runner = TurnRunner(
            database, clock, ingest, content.journey_code, checks_determinism=checks_determinism
        )
        turns = IsolatedTurns(turn_runner, database, clock, change_feed)
        mailer = Mailer(
            database=database,
            clock=clock,
            ingest=ingest,
            providers=ProviderSet.from_provider(provider),
            changes=change_feed,
            renderer=content.renderer,
        )
        worker = Worker(
            bus=bus,
            database=database,
            clock=clock,
            turn_runner=turn_runner,
            engine=EmbeddedEngine(database, clock, activity.watch(turns.run)),
            mailer=mailer,
        )
        await worker.start()
        stack.push_async_callback(worker.stop, _STOP_TIMEOUT)
        yield KitEnvironment(clock, database, ingest, tracker, worker, activity, content, provider)


def _make_temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a new folder, in memory if the machine has such a folder."""
    memory = str(_MEMORY) if os.access(_MEMORY, os.W_OK) else None
    return tempfile.TemporaryDirectory("-hogsend", dir=memory)


async def _open_database(stack: AsyncExitStack, folder: Path, clock: ManualClock) -> Database:
    """Return a migrated database without rows, which the stack closes."""
    file = folder / "test.db"
    file.write_bytes(build_empty_database())
    database = Database(f"sqlite://{file}", clock)
    await database.open()
    stack.push_async_callback(database.close)
    return database


@lru_cache(maxsize=1)
def build_empty_database() -> bytes:
    """Return the bytes of a migrated database without rows."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "empty.db")
        with ThreadPoolExecutor(1) as thread:
            work = apply_pending(f"sqlite://{file}", backups=None)
            thread.submit(asyncio.run, work).result()
        return file.read_bytes()


def _load_content(
    functions: Sequence[JourneyFunction],
    mails: Mails,
    scratch: Path,
    guard: DeterminismGuard,
) -> Content:
    folder = _find_mails_folder(functions, mails, scratch)
    versions = compute_fingerprint(folder) if folder is not None else FileVersions()
    loaded = _load_folder(folder, versions) if folder is not None else Registry()
    registry = build_registry(functions, {**_find_imported_lists(functions), **loaded.lists})
    templates = (
        _load_templates(folder, versions, frozenset(registry.lists)) if folder else Templates()
    )
    functions_by_id = {
        journey_id: guard.wrap(function) for journey_id, function in registry.functions.items()
    }
    tokens = Tokens(["hogsend.testing"])
    renderer = Renderer(templates, registry.lists, tokens, base_url=BASE_URL, sender=SENDER)
    registry = replace(registry, functions=functions_by_id, broken=loaded.broken)
    return Content(registry, templates, renderer)


def _find_mails_folder(
    functions: Sequence[JourneyFunction], mails: Mails, scratch: Path
) -> Path | None:
    """Return the folder with the templates, if there is one."""
    if isinstance(mails, str | Path):
        return Path(mails).absolute()
    if mails is not None:
        return _write_mails(mails, scratch)
    folders = [locate(function)[0].parent for function in functions]
    return next((folder.absolute() for folder in folders if (folder / FOLDER).is_dir()), None)


def _write_mails(mails: Mapping[str, str], scratch: Path) -> Path:
    emails = scratch / FOLDER
    emails.mkdir()
    for key, text in mails.items():
        source = text if text.startswith("---") else f"---\nsubject: {key}\n---\n{text}\n"
        (emails / f"{key}.html").write_text(source, "utf-8")
    return scratch


@lru_cache(maxsize=8)
def _load_folder(folder: Path, versions: FileVersions) -> Registry:
    """Load an author's folder for its lists; `versions` is the key of the cache."""
    with preserve_modules():
        return load(folder)


@lru_cache(maxsize=8)
def _load_templates(folder: Path, versions: FileVersions, lists: frozenset[str]) -> Templates:
    """Load the templates of an author's folder; `versions` is the key of the cache."""
    return Templates.load(folder, lists)


def _find_imported_lists(functions: Sequence[JourneyFunction]) -> dict[str, MailList]:
    """Return the lists that the journeys' own modules define or import."""
    return {
        value.id: value
        for function in functions
        for value in getattr(function, "__globals__", {}).values()
        if isinstance(value, MailList)
    }
