"""The standard library: threads that keep a process from exiting, and a fault of `ast.parse`.

`concurrent.futures.thread` joins the threads of every pool when the interpreter exits. Only the
private `_threads_queues` lists these threads.

Before Python 3.11.8, all calls of `ast.parse` count their depth in one place. When another thread
parses at the same time, or when an error is logged while Python collects garbage in the middle, the
call raises a SystemError: https://github.com/python/cpython/issues/106905
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Collection
from concurrent.futures import thread as thread_pools

REQUIREMENT = "python>=3.11"
_MAX_ATTEMPTS = 20


def parse_source(text: str | bytes, file: str = "<unknown>") -> ast.Module:
    """Return the syntax tree of Python code, whatever other threads parse meanwhile.

    Args:
        text: the code.
        file: the name of its file, for messages.

    Raises:
        SyntaxError: the text is not valid Python.
        ValueError: the text contains a null byte.
        RecursionError: the text is nested too deeply.
    """
    for _ in range(_MAX_ATTEMPTS):
        try:
            return ast.parse(text, file)
        except SystemError:
            continue
    return ast.parse(text, file)


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
