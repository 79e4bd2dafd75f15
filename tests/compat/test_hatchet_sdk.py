"""What `hogsend.compat.hatchet_sdk` and `hatchet_child` rely on in Hatchet's SDK."""

from __future__ import annotations

import asyncio
import inspect
import logging
import multiprocessing.process
import multiprocessing.spawn
import sys
from collections.abc import AsyncIterator
from multiprocessing import resource_tracker
from typing import Any
from uuid import uuid4

import pytest

from hogsend.compat import hatchet_child
from hogsend.compat.hatchet_sdk import EngineConnection, SdkWorker, fetch_task_events
from tests.doubles.hatchet import HatchetDouble, hatchet_double

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
async def double(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HatchetDouble]:
    """A Hatchet whose token this process has."""
    async with hatchet_double() as opened:
        for name, value in opened.environment.items():
            monkeypatch.setenv(name, value)
        yield opened


@pytest.fixture
def hatchet(double: HatchetDouble) -> Any:
    """The SDK's client."""
    import hatchet_sdk

    return hatchet_sdk.Hatchet(config=hatchet_sdk.ClientConfig(disable_log_capture=True))


def read_source(function: Any) -> str:
    return inspect.getsource(function)


def test_a_worker_keeps_its_parts_where_we_look_for_them():
    from hatchet_sdk.worker.worker import Worker

    parts = read_source(Worker.__init__)
    for name in ("_loop", "_action_listener_process", "_action_runner", "_stop_listener_event"):
        assert f"self.{name}" in parts
    assert "self._stop_listener_event.set()" in read_source(Worker._stop_listener_action_loops)


def test_a_worker_ends_gracefully_and_by_force():
    from hatchet_sdk.worker.worker import Worker

    for method in (Worker.exit_gracefully, Worker._exit_forcefully):
        assert inspect.iscoroutinefunction(method)
        assert list(inspect.signature(method).parameters) == ["self"]


def test_a_worker_leaves_its_loop_open_and_exits():
    from hatchet_sdk.worker.worker import Worker

    assert "sys.exit(0)" in read_source(Worker.start)
    assert "close()" not in read_source(Worker.start)


def test_a_worker_can_evict_the_runs_that_wait():
    from hatchet_sdk.worker.runner.run_loop_manager import WorkerActionRunLoopManager

    assert inspect.iscoroutinefunction(WorkerActionRunLoopManager.evict_all_waiting_durable_runs)


def test_a_worker_replaces_the_signal_handlers_that_are_put_back():
    from hatchet_sdk.worker.worker import Worker

    handlers = read_source(Worker._setup_signal_handlers)
    assert {name for name in ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP") if name in handlers} == {
        "SIGTERM",
        "SIGINT",
        "SIGQUIT",
    }


async def test_a_worker_that_has_not_started_can_be_asked_to_end(hatchet: Any):
    worker = SdkWorker(hatchet, "idle", slots=1, durable_slots=1, tasks=[])
    worker.exit_gracefully()
    worker.kill_listener()
    assert not worker.exit_forcefully()
    assert worker.evict_waiting_runs() is None
    assert (worker.has_listener, worker.is_listener_dead) == (False, False)


async def test_the_engine_reports_its_version(hatchet: Any):
    connection = EngineConnection(hatchet)
    try:
        assert (await asyncio.to_thread(connection.fetch_version, 10)).startswith("v")
    finally:
        connection.close()


async def test_a_run_that_hatchet_does_not_know_has_no_events(hatchet: Any):
    assert await asyncio.to_thread(fetch_task_events, hatchet, str(uuid4()), 10) == []


def test_the_records_of_the_sdk_are_dropped_and_the_last_error_is_kept(
    monkeypatch: pytest.MonkeyPatch,
):
    sdk_log = hatchet_child.SdkLog()
    error = ValueError("connection\nrefused")
    record = logging.makeLogRecord(
        {"levelno": logging.ERROR, "msg": "could not listen\nmore", "exc_info": (None, error, None)}
    )
    monkeypatch.setattr(logging.getLogger("hogsend"), "level", logging.INFO)
    manager: Any = logging.getLogger("hogsend").manager
    manager._clear_cache()
    assert not sdk_log.filter(record)
    assert sdk_log.pop_last_error() == "could not listen: connection refused"
    assert sdk_log.pop_last_error() == ""


def test_the_resource_tracker_of_a_frozen_program_is_recognized():
    source = inspect.getsource(resource_tracker)
    assert "from multiprocessing.resource_tracker import main" in source
    assert "resource_tracker: There appear to be" in source


def test_the_sdk_logs_under_the_name_that_is_quieted():
    from hatchet_sdk.logger import logger

    assert logger is logging.getLogger("hatchet")


def test_a_child_process_of_the_sdk_is_recognized(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert hatchet_child.SPAWN_ARGUMENT in multiprocessing.spawn.get_command_line()
    assert multiprocessing.process.current_process().name == "MainProcess"
