"""Reusable daemon threads, which do not keep the process from ending."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue

# The jobs of one thread; None ends the thread.
Jobs = SimpleQueue[Callable[[], None] | None]


class DaemonThreads:
    """Runs jobs on threads that are reused.

    The threads are daemons, so the process can end even if a job never ends.

    Args:
        name: the name of the threads.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._idle: list[Jobs] = []
        weakref.finalize(self, _end_threads, self._idle).atexit = False

    def run(self, job: Callable[[], None]) -> None:
        """Run a job on an idle thread, or on a new one."""
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


def _end_threads(idle: list[Jobs]) -> None:
    for jobs in idle:
        jobs.put(None)
