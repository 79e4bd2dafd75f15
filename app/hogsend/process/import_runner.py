"""Runs the imports that pages and API calls have started, one after the other."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from ..domain.ids import new_id
from ..errors import StoreUnavailable
from ..services.import_files import get_file, get_folder
from ..services.import_leases import LeaseLost
from ..services.import_runs import run_import
from ..services.imports import TOPIC, find_unfinished, remove_old_files
from ..services.journey_context import JourneyContext

log = logging.getLogger("hogsend.imports")

# How often to look for imports that another process has left, in seconds: as long as a lease lasts.
POLL_INTERVAL = 15.0
SWEEP_INTERVAL = 3600.0


class ImportRunner:
    """Runs imports whose file is in the data folder of this process.

    Args:
        context: where contacts are imported to.
    """

    def __init__(self, context: JourneyContext) -> None:
        self._context = context
        self._holder = new_id(context.clock.now())
        self._changed = asyncio.Event()
        self._swept_at = -SWEEP_INTERVAL

    async def run(self) -> None:
        """Run imports as they are started, until cancelled; unfinished ones resume."""
        following = asyncio.create_task(self._follow())
        try:
            while True:
                self._changed.clear()
                # Without the folder, nothing was ever imported here, and nothing is asked.
                if get_folder(self._context.settings).exists():
                    await self._try_all()
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_INTERVAL):
                        await self._changed.wait()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _follow(self) -> None:
        async for topics in self._context.change_feed.subscribe():
            if TOPIC in topics:
                self._changed.set()

    async def _try_all(self) -> None:
        try:
            await self._sweep()
            for import_id in await find_unfinished(self._context):
                if get_file(self._context.settings, import_id).exists():
                    with suppress(LeaseLost):
                        await run_import(self._context, import_id, self._holder)
        except StoreUnavailable:
            # The import goes on when the database takes writes again.
            return
        except Exception:
            log.exception("imports could not be run; trying again")

    async def _sweep(self) -> None:
        now = time.monotonic()
        if now - self._swept_at >= SWEEP_INTERVAL:
            self._swept_at = now
            await remove_old_files(self._context)
