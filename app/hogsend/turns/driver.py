"""Runs turns on separate threads, so that no journey can hold up the server or another journey."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from ..compat.other_threads import format_stack, raise_in_thread
from .daemon_threads import DaemonThreads
from .execution import TurnExecution
from .turn import TurnInterrupted

# The rest of a batch continues without a turn that keeps its thread this long.
_SLOW_SECONDS = 0.25
# How long an interrupted turn has to release its thread.
_GRACE_SECONDS = 1.0
# How long an interruption may take to be raised in its thread.
_INTERRUPTION_SECONDS = 0.05
# A batch that has taken this long begins no further turns.
_MAX_BATCH_SECONDS = 1.0
# A batch begins no further turns once this many have not released their threads.
_MAX_STUCK = 3
# The number of threads that slow turns of one batch may occupy at the same time.
_MAX_SLOW = 4

_Queue = deque[tuple[TurnExecution, object]]


class _TurnThread:
    """A thread that advances turns of a batch, one after the other.

    Args:
        queue: the turns with their answers, shared by the threads of a batch.
        limit: how long one turn may occupy threads in total, in seconds.
    """

    def __init__(self, queue: _Queue, limit: float) -> None:
        self._queue = queue
        self._limit = limit
        self._lock = threading.Lock()
        self._is_retired = False
        self._is_interrupted = False
        self._current: TurnExecution | None = None
        self._since = 0.0
        self._thread_id = 0
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def run(self) -> None:
        """Advance turns until the queue is empty or the thread is retired."""
        self._thread_id = threading.get_ident()
        while (item := self._take()) is not None:
            self._advance(*item)
        # The loop may have ended when a turn that was given up returns.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def _take(self) -> tuple[TurnExecution, object] | None:
        with self._lock:
            if self._is_retired or not self._queue:
                return None
            execution, answer = self._queue.popleft()
            self._current, self._since = execution, time.monotonic()
            return execution, answer

    def _advance(self, execution: TurnExecution, answer: object) -> None:
        has_advanced = False
        try:
            try:
                execution.advance(answer)
                has_advanced = True
            finally:
                self._release()
            if execution.thread_seconds > self._limit and not execution.is_over:
                execution.fail(_describe_overrun(execution.thread_seconds, ""))
        except TurnInterrupted:
            self._release()
            if not has_advanced:
                execution.is_stuck = True
                execution.fail(_describe_overrun(execution.thread_seconds, ""))

    def _release(self) -> None:
        with self._lock:
            if self._current is not None:
                self._current.thread_seconds += time.monotonic() - self._since
            self._current = None
            is_interrupted, self._is_interrupted = self._is_interrupted, False
        if is_interrupted and not isinstance(sys.exc_info()[1], TurnInterrupted):
            _await_interruption()

    def retire_if_slow(self, after: float) -> TurnExecution | None:
        """Return a turn that has occupied the thread this long; the thread then takes no other."""
        with self._lock:
            if self._current is None or time.monotonic() - self._since < after:
                return None
            self._is_retired = True
            return self._current

    def interrupt(self) -> None:
        """Raise `TurnInterrupted` in the turn that occupies the thread, if any."""
        with self._lock:
            if self._current is not None:
                self._is_interrupted = True
                raise_in_thread(self._thread_id, TurnInterrupted)

    def give_up(self, execution: TurnExecution) -> None:
        """Fail a turn that cannot be interrupted; the thread may never return from it."""
        stack = format_stack(self._thread_id)
        execution.abandon(_describe_overrun(execution.thread_seconds + self.seconds, stack))

    @property
    def seconds(self) -> float:
        """How long the current turn has occupied the thread since it was last advanced."""
        return time.monotonic() - self._since


class Driver:
    """Runs the code of authors.

    Args:
        limit: how long one turn may occupy threads, in total over all advances.
    """

    def __init__(self, limit: timedelta = timedelta(seconds=60)) -> None:
        self._limit = limit.total_seconds()
        self._slow = min(_SLOW_SECONDS, self._limit)
        self._threads = DaemonThreads("journeys")

    async def advance(
        self, executions: Sequence[tuple[TurnExecution, object]], *, begins_all: bool = False
    ) -> Mapping[TurnExecution, asyncio.Task[None]]:
        """Advance each turn once with its answer.

        After a second, or after several turns are stuck, the batch begins no further turns: the
        remaining turns get `is_postponed`.

        Args:
            executions: turns, each with the outcome of its pending call's read or effect.
            begins_all: whether every turn is begun, however long the batch takes.

        Returns:
            The turns that still occupy a thread when all others have been advanced. The task of
            each ends when the turn has been advanced, or has failed at the limit.
        """
        queue = _Queue(executions)
        slow: dict[TurnExecution, asyncio.Task[None]] = {}
        thread: _TurnThread | None = self._start_thread(queue)
        ends = time.monotonic() + _MAX_BATCH_SECONDS
        while thread is not None or queue:
            if not begins_all and (time.monotonic() > ends or _count_stuck(slow) >= _MAX_STUCK):
                _postpone(queue)
            if thread is None and _count_running(slow) < _MAX_SLOW:
                thread = self._start_thread(queue)
            waits = (
                [thread.ended] if thread else [task for task in slow.values() if not task.done()]
            )
            await asyncio.wait(
                waits, timeout=self._slow if thread else None, return_when=asyncio.FIRST_COMPLETED
            )
            if thread is None:
                continue
            if thread.ended.done():
                thread = None
            elif (execution := thread.retire_if_slow(self._slow)) is not None:
                slow[execution] = asyncio.create_task(self._enforce_limit(thread, execution))
                thread = None
        return slow

    def _start_thread(self, queue: _Queue) -> _TurnThread:
        thread = _TurnThread(queue, self._limit)
        self._threads.run(thread.run)
        return thread

    async def _enforce_limit(self, thread: _TurnThread, execution: TurnExecution) -> None:
        """Wait for a slow turn; at the limit, interrupt the turn, then give up the thread."""
        remaining = max(0.0, self._limit - execution.thread_seconds - thread.seconds)
        done, _ = await asyncio.wait([thread.ended], timeout=remaining)
        if not done:
            thread.interrupt()
            done, _ = await asyncio.wait([thread.ended], timeout=_GRACE_SECONDS)
        if not done:
            thread.give_up(execution)


def _count_running(slow: Mapping[TurnExecution, asyncio.Task[None]]) -> int:
    return sum(not task.done() for task in slow.values())


def _count_stuck(slow: Mapping[TurnExecution, asyncio.Task[None]]) -> int:
    return sum(execution.is_stuck for execution in slow)


def _postpone(queue: _Queue) -> None:
    """Postpone the turns that have not begun; meanwhile threads take from the other end."""
    begun: list[tuple[TurnExecution, object]] = []
    with suppress(IndexError):
        while True:
            execution, answer = queue.pop()
            if execution.replay.keys:
                begun.append((execution, answer))
            else:
                execution.is_postponed = True
    queue.extend(begun)


def _await_interruption() -> None:
    """Wait for an interruption that has not been raised yet, so that it does not hit the next turn.

    The interruption cannot be cancelled: Python 3.11 would then check for it at every instruction
    from now on, and loop forever at an instruction that is profiled.
    """
    ends = time.monotonic() + _INTERRUPTION_SECONDS
    with suppress(TurnInterrupted):
        while time.monotonic() < ends:
            pass


def _describe_overrun(seconds: float, stack: str) -> str:
    return (
        f"{stack}The journey kept its thread for {seconds:.0f} seconds. "
        "A turn must not block: wait with ctx.sleep."
    )
