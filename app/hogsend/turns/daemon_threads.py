"""Daemon threads that are used again: nobody waits for one when the process ends."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue

# What a thread is given to do; None lets it go.
Jobs = SimpleQueue[Callable[[], None] | None]


class DaemonThreads:
    """Threads that are used again.

    They are daemons: nobody waits for one when the process ends, not even for an endless loop.

    Args:
        name: what the system calls them.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._idle: list[Jobs] = []
        weakref.finalize(self, _let_go, self._idle).atexit = False

    def run(self, job: Callable[[], None]) -> None:
        """Do a job on a thread that has nothing to do."""
        try:
            jobs = self._idle.pop()
        except IndexError:
            jobs = Jobs()
            work = (jobs, self._idle)
            threading.Thread(target=_work, args=work, name=self._name, daemon=True).start()
        jobs.put(job)


def _work(jobs: Jobs, idle: list[Jobs]) -> None:
    while (job := jobs.get()) is not None:
        job()
        idle.append(jobs)


def _let_go(idle: list[Jobs]) -> None:
    for jobs in idle:
        jobs.put(None)
