"""`serve --reload`: loads the author's folder again when one of its files changes."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

from ..domain.journey import count_files
from ..services.content import Content, compute_fingerprint, load_content
from .runtime import Runtime

log = logging.getLogger("hogsend")

# Seconds after which the folder is checked without a notification: a file system of another
# machine sends none, nor does the target of a symbolic link.
CHECK_INTERVAL = 5.0
# Seconds that edited journeys may take to load before an error is logged.
LOAD_TIMEOUT = 30


async def reload_when_edited(runtime: Runtime) -> None:
    """Load journeys and mails again whenever a file of the folder changes; until cancelled."""
    folder = runtime.settings.journeys
    loaded = compute_fingerprint(folder)
    async for _ in _notifications(folder):
        try:
            current = compute_fingerprint(folder)
            if current != loaded:
                loaded = current
                await _reload(runtime)
        except OSError:
            continue
        except Exception:
            log.exception("the edited journeys could not be used; the next edit is tried again")


async def _notifications(folder: Path) -> AsyncGenerator[None]:
    """Yield whenever something in a folder has changed, and every few seconds besides."""
    from watchfiles import awatch  # pyright: ignore[reportUnknownVariableType]

    # It logs every change, also of files that do not matter.
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    while True:
        changes = awatch(
            folder,
            watch_filter=None,
            rust_timeout=int(CHECK_INTERVAL * 1000),
            yield_on_timeout=True,
        )
        try:
            async for _ in changes:
                yield
        except (OSError, RuntimeError):
            # The folder does not exist yet, or the system watches too many files already.
            await asyncio.sleep(CHECK_INTERVAL)
            yield


async def _reload(runtime: Runtime) -> None:
    content = await _load_in_thread(runtime)
    if content is None:
        log.error(
            "journeys did not load within %d s; look for code that does not end when it is "
            "imported",
            LOAD_TIMEOUT,
        )
        return
    await runtime.use(content)
    log.info(
        "loaded %d journeys and %d templates; %d files with problems",
        len(content.registry.journeys),
        len(content.templates.by_key),
        count_files(content.broken),
    )
    for broken in content.broken:
        log.warning("%s", broken)
    await runtime.plan_changes()


async def _load_in_thread(runtime: Runtime) -> Content | None:
    """Load the folder off the event loop, which keeps serving; return None after the timeout."""
    loop = asyncio.get_running_loop()
    loaded: asyncio.Future[Content] = loop.create_future()

    def settle(content: Content | None, error: BaseException | None) -> None:
        if loaded.done():
            return
        if content is not None:
            loaded.set_result(content)
        else:
            loaded.set_exception(RuntimeError(repr(error)))

    def load() -> None:
        content, failure = None, None
        try:
            content = load_content(runtime.settings, runtime.tokens)
        except BaseException as error:
            failure = error
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, content, failure)

    # A daemon thread, because imported code that never returns must not keep the process alive.
    threading.Thread(target=load, name="journey loader", daemon=True).start()
    with suppress(TimeoutError):
        async with asyncio.timeout(LOAD_TIMEOUT):
            return await loaded
    return None
