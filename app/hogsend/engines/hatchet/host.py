"""Runs the SDK's worker inside this process, in a thread of its own with its own loop.

The worker starts a listener, a process that talks to Hatchet. When that process is killed, the
worker's thread may hang for ever, so the worker is abandoned and another one is made. Whatever ends
a worker, the next one starts after a pause.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from ...compat.hatchet_sdk import SdkWorker
from .client import Client
from .tasks import WorkerSpec, define_tasks

log = logging.getLogger("hogsend.hatchet")

# How many runs one worker holds at the same time, and how many cron tasks beside them.
DURABLE_SLOTS, SLOTS = 1000, 20
# The pause before the next worker: the first, and the limit of its doubling, in seconds.
FIRST_PAUSE, MAX_PAUSE = 1.0, 30.0
# A worker that ran for this long was healthy: the pause is reset to the first, in seconds.
_HEALTHY_AFTER = 60.0
# Seconds between two checks whether the listener lives,
_CHECK_INTERVAL = 1.0
# and, before that, whether Hatchet knows the tasks.
_READY_INTERVAL = 0.05
# Seconds that a worker may take to end by force.
_FORCED, _FORCED_AT_STOP = 8.0, 2.0
# Seconds between two evictions of the waiting runs of a worker that is ending.
_EVICT_INTERVAL = 1.0


class WorkerHost:
    """Keeps one worker running.

    Args:
        client: Hatchet.
        on_ready: called when Hatchet knows the worker's tasks.
    """

    def __init__(self, client: Client, on_ready: Callable[[], None]) -> None:
        self._client = client
        self._on_ready = on_ready
        self._worker: SdkWorker | None = None
        self._ended: asyncio.Future[None] | None = None
        self._stopping = False
        self._changed = asyncio.Event()

    async def run(self, spec: WorkerSpec) -> None:
        """Run a worker, and another one whenever it ends, until stopped."""
        pause = FIRST_PAUSE
        while not self._stopping:
            begun = time.monotonic()
            try:
                await self._run_once(spec)
            except Exception:
                log.exception("a Hatchet worker could not be created")
            if self._stopping:
                return
            pause = FIRST_PAUSE if time.monotonic() - begun > _HEALTHY_AFTER else pause
            log.warning("the Hatchet worker has ended; another one starts in %.0f s", pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()
            pause = min(pause * 2, MAX_PAUSE)

    async def stop(self, max_seconds: float) -> None:
        """Ask the worker to stop, and wait for it.

        Args:
            max_seconds: how long to wait, in seconds; then the worker is abandoned.
        """
        self._stopping = True
        self._changed.set()
        worker, ended = self._worker, self._ended
        if worker is None or ended is None or ended.done():
            return
        worker.exit_gracefully()
        await self._wait_for_end(worker, ended, max_seconds)
        if not ended.done():
            await self._force_end(worker, ended, _FORCED_AT_STOP)
        worker.kill_listener()
        if not ended.done():
            ended.set_result(None)

    async def _wait_for_end(
        self, worker: SdkWorker, ended: asyncio.Future[None], max_seconds: float
    ) -> None:
        """Wait until a worker has ended, and evict the runs that begin to wait meanwhile.

        The SDK evicts the waiting runs once, and then waits for the others without a limit.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + max_seconds
        eviction: Future[Any] | None = None
        while not ended.done() and (left := ends - loop.time()) > 0:
            await asyncio.wait([ended], timeout=min(left, _EVICT_INTERVAL))
            if not ended.done() and (eviction is None or eviction.done()):
                eviction = worker.evict_waiting_runs()

    async def _run_once(self, spec: WorkerSpec) -> None:
        loop = asyncio.get_running_loop()
        tasks = define_tasks(self._client, spec)
        worker = SdkWorker(
            self._client.hatchet,
            f"hogsend-{socket.gethostname()}-{os.getpid()}",
            slots=SLOTS,
            durable_slots=DURABLE_SLOTS,
            tasks=tasks.all,
        )
        ended: asyncio.Future[None] = loop.create_future()
        self._worker, self._ended = worker, ended

        def end() -> None:
            if not ended.done():
                ended.set_result(None)

        def run() -> None:
            try:
                worker.run()
            except BaseException as error:
                log.warning("the Hatchet worker has failed: %s", error)
            finally:
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(end)

        threading.Thread(target=run, name="hatchet worker", daemon=True).start()
        is_known = False
        while not ended.done():
            await asyncio.wait([ended], timeout=_CHECK_INTERVAL if is_known else _READY_INTERVAL)
            if not is_known and worker.has_listener:
                is_known, self._client.tasks = True, tasks.startable
                self._on_ready()
            if not ended.done() and not self._stopping and worker.is_listener_dead:
                log.warning("the listener of the Hatchet worker has ended")
                await self._force_end(worker, ended, _FORCED)
                break
        worker.kill_listener()

    async def _force_end(
        self, worker: SdkWorker, ended: asyncio.Future[None], max_seconds: float
    ) -> None:
        """Let a worker end by force; Hatchet gives the runs it had in hand to the next one.

        The thread of a worker that does not end would keep the process from exiting.
        """
        if worker.exit_forcefully():
            await asyncio.wait([ended], timeout=max_seconds)
