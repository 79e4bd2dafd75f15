"""Runs turns on threads of their own, so that no journey can hold up the server or another."""

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

# A turn that keeps its thread this long, in seconds, is left behind by the rest of its batch.
_SLOW = 0.25
# How long an interrupted turn has to return its thread, in seconds.
_GRACE = 1.0
# How long an interruption may take to be raised in its thread, in seconds.
_INTERRUPTION = 0.05
# A batch that has taken this long, in seconds, begins no more turns.
_MAX_BATCH_SECONDS = 1.0
# The number of turns with lost threads that ends a batch.
_MAX_LOST = 3
# The number of threads that slow turns of one batch may keep at the same time.
_MAX_SLOW = 4

Queue = deque[tuple[TurnExecution, object]]


class _Lane:
    """One thread that advances turns of a batch, one after the other.

    Args:
        queue: the turns with their answers, shared by the lanes of a batch.
        limit: how long one turn may keep threads altogether, in seconds.
    """

    def __init__(self, queue: Queue, limit: float) -> None:
        self._queue = queue
        self._limit = limit
        self._lock = threading.Lock()
        self._is_retired = False
        self._is_interrupted = False
        self._current: TurnExecution | None = None
        self._since = 0.0
        self._thread = 0
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def run(self) -> None:
        """Advance turns until there are no more, or the lane has been retired."""
        self._thread = threading.get_ident()
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
        """Return the turn that has had the thread this long; the lane then takes no other."""
        with self._lock:
            if self._current is None or time.monotonic() - self._since < after:
                return None
            self._is_retired = True
            return self._current

    def interrupt(self) -> None:
        """Raise `TurnInterrupted` in the turn that has the thread, if one still has it."""
        with self._lock:
            if self._current is not None:
                self._is_interrupted = True
                raise_in_thread(self._thread, TurnInterrupted)

    def give_up(self, execution: TurnExecution) -> None:
        """Fail a turn that cannot be interrupted; its thread may still return, or never."""
        stack = format_stack(self._thread)
        execution.abandon(_describe_overrun(execution.thread_seconds + self.seconds, stack))

    @property
    def seconds(self) -> float:
        """How long the current turn has had the thread this time."""
        return time.monotonic() - self._since


class Driver:
    """Runs authors' code.

    Args:
        limit: how long one turn may keep threads, everything between its reads together.
    """

    def __init__(self, limit: timedelta = timedelta(seconds=60)) -> None:
        self._limit = limit.total_seconds()
        self._slow = min(_SLOW, self._limit)
        self._threads = DaemonThreads("journeys")

    async def advance(
        self, executions: Sequence[tuple[TurnExecution, object]], *, begins_all: bool = False
    ) -> Mapping[TurnExecution, asyncio.Task[None]]:
        """Advance each turn once with its answer.

        A batch that has taken a second begins no more turns, and neither does one that has lost
        threads to some: the others are marked with `is_postponed`.

        Args:
            executions: turns, each with what its pending call's read or effect came to.
            begins_all: whether every turn is begun, however long it takes.

        Returns:
            The turns that still keep a thread when all others have been advanced. The task of each
            ends when the turn has been advanced as well, or has failed at the limit.
        """
        queue = Queue(executions)
        slow: dict[TurnExecution, asyncio.Task[None]] = {}
        lane: _Lane | None = self._open_lane(queue)
        ends = time.monotonic() + _MAX_BATCH_SECONDS
        while lane is not None or queue:
            if not begins_all and (time.monotonic() > ends or _count_stuck(slow) >= _MAX_LOST):
                _postpone(queue)
            if lane is None and sum(not task.done() for task in slow.values()) < _MAX_SLOW:
                lane = self._open_lane(queue)
            waits = [lane.ended] if lane else [task for task in slow.values() if not task.done()]
            await asyncio.wait(
                waits, timeout=self._slow if lane else None, return_when=asyncio.FIRST_COMPLETED
            )
            if lane is None:
                continue
            if lane.ended.done():
                lane = None
            elif (execution := lane.retire_if_slow(self._slow)) is not None:
                slow[execution] = asyncio.create_task(self._enforce_limit(lane, execution))
                lane = None
        return slow

    def _open_lane(self, queue: Queue) -> _Lane:
        lane = _Lane(queue, self._limit)
        self._threads.run(lane.run)
        return lane

    async def _enforce_limit(self, lane: _Lane, execution: TurnExecution) -> None:
        """Wait for a slow turn; at its limit interrupt it, then give up its thread."""
        remaining = max(0.0, self._limit - execution.thread_seconds - lane.seconds)
        done, _ = await asyncio.wait([lane.ended], timeout=remaining)
        if not done:
            lane.interrupt()
            done, _ = await asyncio.wait([lane.ended], timeout=_GRACE)
        if not done:
            lane.give_up(execution)


def _count_stuck(slow: Mapping[TurnExecution, asyncio.Task[None]]) -> int:
    return sum(execution.is_stuck for execution in slow)


def _postpone(queue: Queue) -> None:
    """Remove the turns that have not begun; lanes take from the other end meanwhile."""
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
    """Wait for an interruption that has not been raised yet, so that the next turn gets none.

    It cannot be taken back: Python 3.11 would then check for it at every step from now on, and
    never get past one that is profiled.
    """
    ends = time.monotonic() + _INTERRUPTION
    with suppress(TurnInterrupted):
        while time.monotonic() < ends:
            pass


def _describe_overrun(seconds: float, stack: str) -> str:
    return (
        f"{stack}The journey kept its thread for {seconds:.0f} seconds. "
        "A turn must not block: wait with ctx.sleep."
    )
