"""Runs the SDK's worker inside this process, in a separate thread with its own event loop.

The worker starts a child process, the listener, which communicates with Hatchet. If the listener is
killed, the worker's thread may hang for ever, so the host abandons the worker and creates another
one. After the end of a worker, for any reason, the next one starts after a pause.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from ...compat.hatchet_child import sdk_log
from ...compat.hatchet_sdk import SdkWorker
from .client import Client
from .tasks import WorkerSpec, define_tasks

log = logging.getLogger("hogsend.hatchet")

# How many runs one worker holds at the same time, and how many cron tasks in addition.
DURABLE_SLOTS, SLOTS = 1000, 20
# The pause before the next worker doubles from the first to the second value, in seconds.
FIRST_PAUSE, MAX_PAUSE = 1.0, 30.0
# How long a worker must run until the pause is reset, in seconds.
_HEALTHY_AFTER = 60.0
# The interval between checks whether the listener is alive, in seconds.
_CHECK_INTERVAL = 1.0
# The interval between checks whether Hatchet knows the tasks yet, in seconds.
_READY_INTERVAL = 0.05
# How long a worker may take to end by force, while the server runs and when it stops, in seconds.
_FORCED_TIMEOUT, _FORCED_TIMEOUT_AT_STOP = 8.0, 2.0
# The interval between evictions of the waiting runs of a worker that is ending, in seconds.
_EVICT_INTERVAL = 1.0


class WorkerHost:
    """Keeps one worker running.

    Args:
        client: the connection to Hatchet.
        on_ready: called when Hatchet knows the worker's tasks.
        check_health: returns whether Hatchet answers and did so during the last minute. An outage
            is logged there, once; what follows from it is not logged here.
    """

    def __init__(
        self,
        client: Client,
        on_ready: Callable[[], None],
        check_health: Callable[[], Awaitable[bool]],
    ) -> None:
        self._client = client
        self._on_ready = on_ready
        self._check_health = check_health
        self._worker: SdkWorker | None = None
        self._ended: asyncio.Future[None] | None = None
        self._stopping = False
        self._changed = asyncio.Event()

    async def run(self, spec: WorkerSpec) -> None:
        """Run a worker, and another one whenever it ends, until stopped."""
        pause = FIRST_PAUSE
        while not self._stopping:
            started_at = time.monotonic()
            try:
                await self._run_once(spec)
            except Exception:
                log.exception("a Hatchet worker could not be created")
            if self._stopping:
                return
            pause = FIRST_PAUSE if time.monotonic() - started_at > _HEALTHY_AFTER else pause
            reason = sdk_log.pop_last_error()
            log.log(
                logging.WARNING if await self._check_health() else logging.DEBUG,
                "the Hatchet worker has ended%s; another one starts in %.0f s",
                f" ({reason})" if reason else "",
                pause,
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()
            pause = min(pause * 2, MAX_PAUSE)

    async def stop(self, max_seconds: float) -> None:
        """Ask the worker to stop, and wait for its end.

        Args:
            max_seconds: how long to wait; after that the worker is ended by force.
        """
        self._stopping = True
        self._changed.set()
        worker, ended = self._worker, self._ended
        if worker is None or ended is None or ended.done():
            return
        worker.exit_gracefully()
        await self._wait_for_end(worker, ended, max_seconds)
        if not ended.done():
            await self._force_end(worker, ended, _FORCED_TIMEOUT_AT_STOP)
        worker.kill_listener()
        if not ended.done():
            ended.set_result(None)

    async def _wait_for_end(
        self, worker: SdkWorker, ended: asyncio.Future[None], max_seconds: float
    ) -> None:
        """Wait until a worker has ended; evict the runs that begin to wait during this time.

        The SDK evicts the waiting runs only once, and then waits for all others without a limit.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + max_seconds
        eviction: Future[Any] | None = None
        while not ended.done() and (seconds_left := deadline - loop.time()) > 0:
            await asyncio.wait([ended], timeout=min(seconds_left, _EVICT_INTERVAL))
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
                # With the reason in the SDK's log, the host logs the end of the worker.
                log.debug("the Hatchet worker has failed: %s", error)
            finally:
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(end)

        threading.Thread(target=run, name="hatchet worker", daemon=True).start()
        is_known = False
        while not ended.done():
            await asyncio.wait([ended], timeout=_CHECK_INTERVAL if is_known else _READY_INTERVAL)
            worker.silence_loop()
            if not is_known and worker.has_listener:
                is_known, self._client.tasks = True, tasks.startable
                self._on_ready()
            if not ended.done() and not self._stopping and worker.is_listener_dead:
                level = logging.WARNING if await self._check_health() else logging.DEBUG
                log.log(level, "the listener of the Hatchet worker has ended")
                await self._force_end(worker, ended, _FORCED_TIMEOUT)
                break
        worker.kill_listener()

    async def _force_end(
        self, worker: SdkWorker, ended: asyncio.Future[None], max_seconds: float
    ) -> None:
        """End a worker by force; Hatchet assigns its runs to the next worker.

        The thread of a worker that does not end would keep the process from exiting.
        """
        if worker.exit_forcefully():
            await asyncio.wait([ended], timeout=max_seconds)
