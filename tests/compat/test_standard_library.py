"""What `hogsend.compat` relies on in loops, threads and coroutines of the standard library."""

from __future__ import annotations

import asyncio
import ctypes
import threading
import warnings
from typing import Any

import pytest

from hogsend.compat.other_threads import format_stack, raise_in_thread
from hogsend.compat.running_loop import enter_loop, leave_loop
from hogsend.compat.unawaited_coroutines import UNAWAITED, watch_coroutines


def test_any_object_can_be_the_running_loop_and_the_current_task():
    loop, task = object(), object()
    enter_loop(loop, task)
    try:
        assert asyncio.get_running_loop() is loop
        assert asyncio.current_task() is task
    finally:
        leave_loop(loop, task)
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_an_exception_can_be_raised_in_another_thread():
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc is not None
    started, raised = threading.Event(), threading.Event()

    def run() -> None:
        try:
            started.set()
            while not raised.wait(0.01):
                pass
        except KeyError:
            raised.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait()
    raise_in_thread(thread.ident or 0, KeyError)
    assert raised.wait(20)
    thread.join()


def test_the_stack_of_another_thread_can_be_read():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, daemon=True)
    thread.start()
    try:
        assert "wait" in format_stack(thread.ident or 0)
    finally:
        stop.set()
        thread.join()
    assert format_stack(-1) == ""


def test_python_reports_a_released_coroutine_to_the_hook():
    async def forgotten() -> None: ...

    module: Any = warnings
    hook = module._warn_unawaited_coroutine
    try:
        watch_coroutines({forgotten.__code__: "forgotten"})
        names: list[str] = []
        token = UNAWAITED.set(names)
        try:
            forgotten()  # pyright: ignore[reportUnusedCoroutine]
        finally:
            UNAWAITED.reset(token)
        assert names == ["forgotten"]
    finally:
        module._warn_unawaited_coroutine = hook
