"""What `hogsend.compat.cpython` relies on in the standard library."""

from __future__ import annotations

import ast
import gc
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import thread as thread_pools
from contextlib import contextmanager

from hogsend.compat.cpython import list_threads_that_block_exit, parse_source


def test_code_is_parsed_although_other_code_is_parsed_meanwhile():
    nested: list[str] = []

    def parse_once(phase: str, info: dict[str, int]) -> None:
        if not nested:
            nested.append(ast.dump(ast.parse("other = [1, (2, 3)]")))

    code = "\n".join(f"name_{number} = [{number}, (2, 3)]" for number in range(2000))
    threshold = gc.get_threshold()
    gc.callbacks.append(parse_once)
    gc.set_threshold(50)
    try:
        assert len(parse_source(code).body) == 2000
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(parse_once)
    assert nested


def test_python_lists_the_threads_of_pools():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        assert set(pool._threads) <= set(thread_pools._threads_queues)


def test_a_thread_of_a_pool_blocks_the_exit():
    with ThreadPoolExecutor(1, "pooled") as pool:
        pool.submit(int).result()
        assert "pooled_0" in names()


def test_a_daemon_thread_does_not_block_the_exit():
    with running_thread("daemon", daemon=True):
        assert "daemon" not in names()


def test_a_thread_that_is_no_daemon_blocks_the_exit():
    with running_thread("worker", daemon=False):
        assert "worker" in names()


@contextmanager
def running_thread(name: str, *, daemon: bool) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name=name, daemon=daemon)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def names() -> set[str]:
    return {thread.name for thread in list_threads_that_block_exit()}
