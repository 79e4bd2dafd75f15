"""Runs the SDK's worker inside this process, in a thread of its own with its own loop.

The SDK means its worker to be the whole process. It has to be made on the main thread, where it
puts handlers of its own on the signals; these are put back at once. It starts a listener, a process
that speaks to Hatchet; when that is killed, the worker's thread may hang for ever, so it is left to
itself and another worker is made. Whatever ends a worker, the next one is started after a pause.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any

from .client import Client
from .tasks import Work, define

log = logging.getLogger("hogsend.hatchet")

# Runs that one worker holds at once, and chores beside them.
DURABLE_SLOTS, SLOTS = 1000, 20
# The next worker is made after so long, then after twice as long each time, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# One that has worked for this long was well, in seconds.
_WELL_AFTER = 60.0
# How often it is seen to whether the listener lives, in seconds.
_LOOK_EVERY = 1.0
# And, before, whether Hatchet knows the tasks.
_READY_EVERY = 0.05
# How long a worker that is ended by force may take, in seconds.
_FORCED, _FORCED_AT_STOP = 8.0, 2.0
# How often a worker that leaves puts away the runs that have begun to wait meanwhile, in seconds.
_PUT_AWAY_EVERY = 1.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


class WorkerHost:
    """Keeps a worker going.

    Args:
        client: Hatchet.
        on_ready: is called when Hatchet knows the worker's tasks.
    """

    def __init__(self, client: Client, on_ready: Callable[[], None]) -> None:
        self._client = client
        self._on_ready = on_ready
        self._worker: Any = None
        self._ended: asyncio.Future[None] | None = None
        self._stopping = False
        self._changed = asyncio.Event()

    async def run(self, work: Work) -> None:
        """Run a worker, and another one whenever it ends, until stopped."""
        pause = FIRST_PAUSE
        while not self._stopping:
            begun = time.monotonic()
            try:
                await self._run_once(work)
            except Exception:
                log.exception("a Hatchet worker could not be made")
            if self._stopping:
                return
            pause = FIRST_PAUSE if time.monotonic() - begun > _WELL_AFTER else pause
            log.warning("the Hatchet worker has ended; the next one starts in %.0f s", pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()
            pause = min(pause * 2, LONGEST_PAUSE)

    async def stop(self, patience: float) -> None:
        """Ask the worker to leave, and wait for it.

        Args:
            patience: for how long, in seconds; then it is left to itself.
        """
        self._stopping = True
        self._changed.set()
        worker, ended = self._worker, self._ended
        if worker is None or ended is None or ended.done():
            return
        loop: asyncio.AbstractEventLoop | None = worker._loop
        if loop is not None and loop.is_running():
            # Its future never completes: the worker stops its own loop.
            asyncio.run_coroutine_threadsafe(worker.exit_gracefully(), loop)
        await self._left(worker, ended, patience)
        if not ended.done():
            await self._give_up(worker, ended, _FORCED_AT_STOP)
        self._end_listener(worker)
        if not ended.done():
            ended.set_result(None)

    async def _left(self, worker: Any, ended: asyncio.Future[None], patience: float) -> None:
        """Wait until a worker has left, and put the runs away that began to wait meanwhile.

        The SDK does so once, and then waits for the others for ever.
        """
        ends = asyncio.get_running_loop().time() + patience
        putting: Future[None] | None = None
        while not ended.done() and (left := ends - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait([ended], timeout=min(left, _PUT_AWAY_EVERY))
            loop, runner = worker._loop, worker._action_runner
            if ended.done() or runner is None or loop is None or not loop.is_running():
                continue
            if putting is None or putting.done():
                putting = asyncio.run_coroutine_threadsafe(
                    runner.evict_all_waiting_durable_runs(), loop
                )

    async def _run_once(self, work: Work) -> None:
        loop = asyncio.get_running_loop()
        tasks = define(self._client, work)
        with _signals_kept():
            worker = self._client.hatchet.worker(
                f"hogsend-{socket.gethostname()}-{os.getpid()}",
                slots=SLOTS,
                durable_slots=DURABLE_SLOTS,
                workflows=tasks.all,
            )
        ended: asyncio.Future[None] = loop.create_future()
        self._worker, self._ended = worker, ended

        def end() -> None:
            if not ended.done():
                ended.set_result(None)

        def start() -> None:
            try:
                worker.start()
            except BaseException as error:
                # The SDK ends its worker by SystemExit, and complains by itself of what went wrong.
                if not isinstance(error, SystemExit):
                    log.warning("the Hatchet worker has failed: %s", error)
            finally:
                _close(worker._loop)
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(end)

        threading.Thread(target=start, name="hatchet worker", daemon=True).start()
        is_known = False
        while not ended.done():
            await asyncio.wait([ended], timeout=_LOOK_EVERY if is_known else _READY_EVERY)
            # The listener is started when all tasks are registered.
            if not is_known and worker._action_listener_process is not None:
                is_known, self._client.tasks = True, tasks.begun
                self._on_ready()
            if not ended.done() and not self._stopping and _listener_is_dead(worker):
                log.warning("the listener of the Hatchet worker has ended")
                await self._give_up(worker, ended, _FORCED)
                break
        self._end_listener(worker)

    async def _give_up(self, worker: Any, ended: asyncio.Future[None], patience: float) -> None:
        """Let a worker without a listener end by force; what it had in hand is taken up again.

        One that does not end would keep a thread that the process waits for when it ends itself.
        """
        if _listener_is_dead(worker):
            # One that was killed while it waited for this event is counted as a waiter for ever,
            # and setting the event waits for each waiter to wake.
            worker._stop_listener_event = threading.Event()
        loop: asyncio.AbstractEventLoop | None = worker._loop
        if loop is not None and loop.is_running():
            asyncio.run_coroutine_threadsafe(worker._exit_forcefully(), loop)
            await asyncio.wait([ended], timeout=patience)

    def _end_listener(self, worker: Any) -> None:
        process = worker._action_listener_process
        if process is not None and process.is_alive():
            process.kill()


def _listener_is_dead(worker: Any) -> bool:
    process = worker._action_listener_process
    return process is not None and process.exitcode is not None


def _close(loop: asyncio.AbstractEventLoop | None) -> None:
    """Close the loop that a worker has left, on its thread: the SDK leaves it open."""
    if loop is None or loop.is_running() or loop.is_closed():
        return
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=1.0))
    loop.close()


@contextmanager
def _signals_kept() -> Generator[None]:
    """Put the handlers of signals back that the SDK replaces."""
    kept = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
