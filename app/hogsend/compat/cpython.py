"""The standard library: the threads that keep a Python process from exiting.

`concurrent.futures.thread` joins the threads of every pool when the interpreter exits. Only the
private `_threads_queues` lists these threads.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from concurrent.futures import thread as thread_pools

REQUIREMENT = "python>=3.11"


def list_threads_that_block_exit() -> list[threading.Thread]:
    """Return the threads, other than the calling one, that Python waits for before it exits.

    Python waits for threads that are not daemons, and for all threads of thread pools.
    """
    pooled: Collection[threading.Thread] = getattr(thread_pools, "_threads_queues", ())
    return [
        thread
        for thread in threading.enumerate()
        if thread is not threading.current_thread() and (not thread.daemon or thread in pooled)
    ]
