"""Opens what a test plays on: a fresh database in memory, the engine, and the author's mails."""

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
from ..delivery.render import Renderer
from ..delivery.templates import FOLDER, Templates
from ..delivery.tokens import Tokens
from ..delivery.tracking import Tracker
from ..domain.journey import MailList
from ..ingest import Ingest
from ..ingest.rules import load_rules
from ..process.journey_sync import see_journeys
from ..services.content import Content, fingerprint
from ..store.change_feed import ChangeFeed
from ..store.db import Database
from ..store.migrations import bring_up_to_date
from ..turns.decorator import JourneyFunction
from ..turns.folder_loader import load
from ..turns.function_registry import modules_kept, place_of, registry_of
from ..turns.registry import Registry
from .determinism_guard import DeterminismGuard
from .mailbox import FakeProvider
from .worker import KitWorker

Mails = Mapping[str, str] | str | Path | None
# The files of a folder with their sizes and times of change.
AsOf = frozenset[tuple[str, int, int]]

BASE_URL = "https://mail.example.com"
SENDER = "Tests <tests@example.com>"
# A folder that is kept in memory, where the machine has one.
_MEMORY = Path("/dev/shm")  # noqa: S108 (each test makes a folder of its own in it)


@dataclass
class KitEnvironment:
    """What a test plays on.

    Args:
        clock: set by hand.
        database: nobody else's.
        ingest: the door for facts.
        tracker: records opens and clicks.
        crew: plays journeys and delivers mail.
        content: the journeys of this test, and the mails.
        postbox: where mails go.
    """

    clock: ManualClock
    database: Database
    ingest: Ingest
    tracker: Tracker
    crew: KitWorker
    content: Content
    postbox: FakeProvider


@asynccontextmanager
async def open_stage(
    functions: Sequence[JourneyFunction],
    mails: Mails,
    start: datetime,
    watch: DeterminismGuard,
    *,
    twice: bool,
) -> AsyncGenerator[KitEnvironment]:
    """Open everything, and close it at the end.

    Args:
        functions: the journeys.
        mails: the author's mails, as `play` takes them.
        start: what the clock shows at first.
        watch: sees what the journeys do.
        twice: whether every turn is played a second time.
    """
    clock, changes, tokens = ManualClock(start), ChangeFeed(), Tokens(["hogsend.testing"])
    async with AsyncExitStack() as stack:
        memory = str(_MEMORY) if os.access(_MEMORY, os.W_OK) else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory("-hogsend", dir=memory)))
        content = _content(functions, mails, tokens, folder, watch)
        (folder / "test.db").write_bytes(empty_database())
        database = Database(f"sqlite://{folder / 'test.db'}", clock)
        await database.open()
        stack.push_async_callback(database.close)
        await see_journeys(database, content.registry, clock.now())
        ingest = Ingest(
            database,
            clock,
            await load_rules(database, content.registry.journeys, content.registry.lists),
            changes,
        )
        tracker = Tracker(database, clock, ingest, changes)
        postbox = FakeProvider(clock)
        crew = KitWorker(database, clock, ingest, postbox, content, twice=twice)
        await crew.start()
        stack.push_async_callback(crew.stop)
        yield KitEnvironment(clock, database, ingest, tracker, crew, content, postbox)


@lru_cache(maxsize=1)
def empty_database() -> bytes:
    """Return the bytes of a migrated database that holds nothing."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "empty.db")
        with ThreadPoolExecutor(1) as thread:
            work = bring_up_to_date(f"sqlite://{file}", backups=None)
            thread.submit(asyncio.run, work).result()
        return file.read_bytes()


def _content(
    functions: Sequence[JourneyFunction],
    mails: Mails,
    tokens: Tokens,
    scratch: Path,
    watch: DeterminismGuard,
) -> Content:
    folder = _folder_of(functions, mails, scratch)
    as_of = fingerprint(folder) if folder is not None else AsOf()
    loaded = _loaded(folder, as_of) if folder is not None else Registry()
    registry = registry_of(functions, {**_lists_beside(functions), **loaded.lists})
    templates = _templates(folder, as_of, frozenset(registry.lists)) if folder else Templates()
    watched = {one: watch.over(function) for one, function in registry.functions.items()}
    renderer = Renderer(templates, registry.lists, tokens, base_url=BASE_URL, sender=SENDER)
    registry = replace(registry, functions=watched, broken=loaded.broken)
    return Content(registry, templates, renderer)


def _folder_of(functions: Sequence[JourneyFunction], mails: Mails, scratch: Path) -> Path | None:
    """Return the folder that has the mails, if there is one."""
    if isinstance(mails, str | Path):
        return Path(mails).absolute()
    if mails is not None:
        return _written(mails, scratch)
    folders = [place_of(function)[0].parent for function in functions]
    return next((folder.absolute() for folder in folders if (folder / FOLDER).is_dir()), None)


def _written(mails: Mapping[str, str], scratch: Path) -> Path:
    emails = scratch / FOLDER
    emails.mkdir()
    for key, text in mails.items():
        whole = text if text.startswith("---") else f"---\nsubject: {key}\n---\n{text}\n"
        (emails / f"{key}.html").write_text(whole, "utf-8")
    return scratch


@lru_cache(maxsize=8)
def _loaded(folder: Path, as_of: AsOf) -> Registry:
    """Load an author's folder for its lists, once as long as no file changes."""
    with modules_kept():
        return load(folder)


@lru_cache(maxsize=8)
def _templates(folder: Path, as_of: AsOf, lists: frozenset[str]) -> Templates:
    """Load the mails of an author's folder, once as long as no file changes."""
    return Templates.load(folder, lists)


def _lists_beside(functions: Sequence[JourneyFunction]) -> dict[str, MailList]:
    """Return the lists that the journeys' own modules define or import."""
    return {
        value.id: value
        for function in functions
        for value in getattr(function, "__globals__", {}).values()
        if isinstance(value, MailList)
    }
