"""Hatchet's SDK: its worker as one part of a process, the engine's version, and a run's events.

The SDK expects its worker to be the whole process. It has no public way to end a worker from
another thread, to close the worker's event loop, or to check whether the process that listens to
Hatchet is alive. The SDK's client has no public way to ask the engine for its version without a
worker, or for a task's events, or to restore a task. Importing the SDK takes seconds, so this
module imports the SDK only in functions.
"""

from __future__ import annotations

import asyncio
import importlib
import signal
import threading
from collections.abc import Coroutine, Generator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

REQUIREMENT = "hatchet-sdk>=1.43.1,<1.44"

_NOT_FOUND = 404
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


class SdkWorker:
    """A worker of the SDK that runs in a thread and is controlled from others.

    The SDK replaces the signal handlers when a worker is constructed, so the constructor has to run
    on the main thread; it restores the handlers.

    Args:
        hatchet: the SDK's client.
        name: the worker's name.
        slots: how many tasks the worker runs at the same time.
        durable_slots: how many durable tasks the worker runs at the same time.
        tasks: the tasks that the worker runs.
    """

    def __init__(
        self, hatchet: Any, name: str, *, slots: int, durable_slots: int, tasks: Sequence[Any]
    ) -> None:
        with _preserve_signal_handlers():
            self._worker = hatchet.worker(
                name, slots=slots, durable_slots=durable_slots, workflows=tasks
            )

    def run(self) -> None:
        """Run on this thread until the worker ends, and close the loop that the SDK leaves open.

        Raises:
            Exception: the worker failed; the SDK has logged why.
        """
        try:
            self._worker.start()
        except SystemExit:
            # The SDK ends a worker in this way.
            pass
        finally:
            _close_loop(self._worker._loop)

    @property
    def has_listener(self) -> bool:
        """Whether the listener was started, which happens when all tasks are registered."""
        return self._worker._action_listener_process is not None

    @property
    def is_listener_dead(self) -> bool:
        """Whether the process that listens to Hatchet was started and has ended."""
        process = self._worker._action_listener_process
        return process is not None and process.exitcode is not None

    def silence_loop(self) -> None:
        """Drop the errors of forgotten tasks on the worker's loop, which asyncio would log."""
        loop: asyncio.AbstractEventLoop | None = self._worker._loop
        if loop is not None:
            loop.set_exception_handler(_ignore_error)

    def kill_listener(self) -> None:
        """Kill the process that listens to Hatchet, if it is alive."""
        process = self._worker._action_listener_process
        if process is not None and process.is_alive():
            process.kill()

    def exit_gracefully(self) -> None:
        """Ask the worker to finish its running tasks and to end."""
        self._submit(self._worker.exit_gracefully)

    def exit_forcefully(self) -> bool:
        """Ask the worker to end immediately; Hatchet gives its tasks to another worker.

        Returns:
            Whether the worker is running and was asked.
        """
        if self.is_listener_dead:
            # Setting a `multiprocessing.Event` waits until each waiter has woken, and a listener
            # that was killed while it waited for this event never wakes.
            self._worker._stop_listener_event = threading.Event()
        return self._submit(self._worker._exit_forcefully) is not None

    def evict_waiting_runs(self) -> Future[Any] | None:
        """Free the slots of waiting runs; return None when the worker is not running."""
        runner = self._worker._action_runner
        return None if runner is None else self._submit(runner.evict_all_waiting_durable_runs)

    def _submit(self, function: Any) -> Future[Any] | None:
        loop: asyncio.AbstractEventLoop | None = self._worker._loop
        if loop is None or not loop.is_running():
            return None
        work: Coroutine[Any, Any, Any] = function()
        return asyncio.run_coroutine_threadsafe(work, loop)


class EngineConnection:
    """A connection to Hatchet's engine that fetches its version, to check that it responds.

    Args:
        hatchet: the SDK's client.
    """

    def __init__(self, hatchet: Any) -> None:
        connection = importlib.import_module("hatchet_sdk.connection")
        services = importlib.import_module("hatchet_sdk.contracts.dispatcher_pb2_grpc")
        self._token = hatchet.config.token
        self._channel = connection.new_conn(hatchet.config, False)
        self._dispatcher = services.DispatcherStub(self._channel)

    def fetch_version(self, timeout: float) -> str:
        """Return the engine's version.

        Args:
            timeout: how long to wait for the answer, in seconds.

        Raises:
            grpc.RpcError: the engine does not answer.
        """
        messages = importlib.import_module("hatchet_sdk.contracts.dispatcher_pb2")
        auth = importlib.import_module("hatchet_sdk.utils.api_auth")
        response = self._dispatcher.GetVersion(
            messages.GetVersionRequest(),
            timeout=timeout,
            metadata=auth.create_authorization_header(self._token),
        )
        return str(response.version)

    def close(self) -> None:
        """Disconnect."""
        self._channel.close()


def fetch_task_events(hatchet: Any, run_id: str, limit: int) -> list[Any]:
    """Return the events of a task's run; an empty list when Hatchet has no such run.

    Args:
        hatchet: the SDK's client.
        run_id: the id of the run.
        limit: the greatest number of events; the API returns no events without a limit.
    """
    api = importlib.import_module("hatchet_sdk.clients.rest.api.task_api")
    errors = importlib.import_module("hatchet_sdk.clients.rest.exceptions")
    with hatchet.runs.client() as rest:
        try:
            events = api.TaskApi(rest).v1_task_event_list(task=run_id, limit=limit)
        except errors.ApiException as error:
            # Hatchet was restored from a backup, or its retention has removed the run.
            if error.status != _NOT_FOUND:
                raise
            return []
        return list(events.rows or [])


def restore_task(hatchet: Any, run_id: str) -> None:
    """Queue an evicted run; do nothing when the run is not evicted or unknown.

    Args:
        hatchet: the SDK's client.
        run_id: the id of the run.
    """
    api = importlib.import_module("hatchet_sdk.clients.rest.api.task_api")
    errors = importlib.import_module("hatchet_sdk.clients.rest.exceptions")
    with hatchet.runs.client() as rest:
        try:
            api.TaskApi(rest).v1_task_restore(task=run_id)
        except errors.ApiException as error:
            if error.status != _NOT_FOUND:
                raise


def _ignore_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Ignore an error: the host notices when a worker does not work any more."""


def _close_loop(loop: asyncio.AbstractEventLoop | None) -> None:
    if loop is None or loop.is_running() or loop.is_closed():
        return
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=1.0))
    loop.close()


@contextmanager
def _preserve_signal_handlers() -> Generator[None]:
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
