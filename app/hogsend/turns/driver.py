"""Drives turns on threads of their own, so that no journey can hold up the server or another."""

from __future__ import annotations

import asyncio
import ctypes
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from .daemon_threads import DaemonThreads
from .execution import TurnExecution
from .turn import TurnInterrupted

# A turn that keeps its thread this long is left behind by the rest of its set.
_SLOW = 0.25
_GRACE = 1.0
# An interruption is raised within this time, in seconds, if it has not been raised already.
_INTERRUPTION = 0.05
# A set that has taken this long, in seconds, begins no more turns.
_LONGEST_SET = 1.0
# So many turns that did not come back end their set.
_MOST_LOST = 3
# Threads that one set may lose to slow turns at the same time.
_MOST_SLOW = 4

Todo = deque[tuple[TurnExecution, object]]


class _Lane:
    """What one thread is doing, for whoever watches it: plays of a set, one after the other.

    Args:
        todo: the plays with their answers, shared by the lanes of a set.
        limit: the seconds that one turn may keep a thread, all in all.
    """

    def __init__(self, todo: Todo, limit: float) -> None:
        self._todo = todo
        self._limit = limit
        self._lock = threading.Lock()
        self._retired = False
        self._interrupted = False
        self._play: TurnExecution | None = None
        self._since = 0.0
        self._thread = 0
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def run(self) -> None:
        """Advance plays until there are no more, or the lane has been given up."""
        self._thread = threading.get_ident()
        while (taken := self._take()) is not None:
            self._advance(*taken)
        # The loop may be gone when a turn that was given up comes back.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def _take(self) -> tuple[TurnExecution, object] | None:
        with self._lock:
            if self._retired or not self._todo:
                return None
            play, answer = self._todo.popleft()
            self._play, self._since = play, time.monotonic()
            return play, answer

    def _advance(self, play: TurnExecution, answer: object) -> None:
        advanced = False
        try:
            try:
                play.advance(answer)
                advanced = True
            finally:
                self._leave()
            if play.spent > self._limit and not play.over:
                play.fail(_too_long(play.spent, ""))
        except TurnInterrupted:
            self._leave()
            if not advanced:
                play.stuck = True
                play.fail(_too_long(play.spent, ""))

    def _leave(self) -> None:
        with self._lock:
            if self._play is not None:
                self._play.spent += time.monotonic() - self._since
            self._play = None
            interrupted, self._interrupted = self._interrupted, False
        if interrupted and not isinstance(sys.exc_info()[1], TurnInterrupted):
            _await_interruption()

    def slow_play(self, after: float) -> TurnExecution | None:
        """Return the play that has had the thread this long; the lane takes no other then."""
        with self._lock:
            if self._play is None or time.monotonic() - self._since < after:
                return None
            self._retired = True
            return self._play

    def interrupt(self) -> None:
        """Raise `TurnInterrupted` inside the play that has the thread, if one has it still."""
        with self._lock:
            if self._play is not None:
                self._interrupted = True
                _raise_in(self._thread)

    def give_up(self, play: TurnExecution) -> None:
        """Fail a play that cannot be interrupted; its thread may still come back, or never."""
        frame = sys._current_frames().get(self._thread)  # pyright: ignore[reportPrivateUsage]
        stack = "".join(traceback.format_stack(frame)) if frame else ""
        play.abandon(_too_long(play.spent + self.seconds, stack))

    @property
    def seconds(self) -> float:
        """How long the present play has had the thread this time."""
        return time.monotonic() - self._since


class Driver:
    """Runs authors' code.

    Args:
        limit: how long one turn may keep a thread, all that it does between its reads together.
    """

    def __init__(self, limit: timedelta = timedelta(seconds=60)) -> None:
        self._limit = limit.total_seconds()
        self._slow = min(_SLOW, self._limit)
        self._threads = DaemonThreads("journeys")

    async def advance(
        self, plays: Sequence[tuple[TurnExecution, object]], *, all_of_them: bool = False
    ) -> Mapping[TurnExecution, asyncio.Task[None]]:
        """Advance each play once with its answer.

        A set that has taken a second begins no more turns, and neither does one in which some
        did not come back: these are marked as `left`.

        Args:
            plays: turns, each with what it is to go on with.
            all_of_them: whether every turn is begun, however long it takes.

        Returns:
            The plays that keep their thread while all others have been advanced, each with what
            ends when it has been advanced too, or has failed at the limit: it was interrupted, or
            its thread was given up.
        """
        todo = deque(plays)
        slow: dict[TurnExecution, asyncio.Task[None]] = {}
        lane: _Lane | None = self._begin(todo)
        ends = time.monotonic() + _LONGEST_SET
        while lane is not None or todo:
            if not all_of_them and (time.monotonic() > ends or _lost(slow) >= _MOST_LOST):
                _leave(todo)
            if lane is None and sum(not task.done() for task in slow.values()) < _MOST_SLOW:
                lane = self._begin(todo)
            waits = [lane.ended] if lane else [task for task in slow.values() if not task.done()]
            await asyncio.wait(
                waits, timeout=self._slow if lane else None, return_when=asyncio.FIRST_COMPLETED
            )
            if lane is None:
                continue
            if lane.ended.done():
                lane = None
            elif (play := lane.slow_play(self._slow)) is not None:
                slow[play] = asyncio.create_task(self._see_through(lane, play))
                lane = None
        return slow

    def _begin(self, todo: Todo) -> _Lane:
        lane = _Lane(todo, self._limit)
        self._threads.run(lane.run)
        return lane

    async def _see_through(self, lane: _Lane, play: TurnExecution) -> None:
        left = max(0.0, self._limit - play.spent - lane.seconds)
        done, _ = await asyncio.wait([lane.ended], timeout=left)
        if not done:
            lane.interrupt()
            done, _ = await asyncio.wait([lane.ended], timeout=_GRACE)
        if not done:
            lane.give_up(play)


def _lost(slow: Mapping[TurnExecution, asyncio.Task[None]]) -> int:
    return sum(play.stuck for play in slow)


def _leave(todo: Todo) -> None:
    """Take out the turns that have not begun; lanes take from the other end meanwhile."""
    begun: list[tuple[TurnExecution, object]] = []
    with suppress(IndexError):
        while True:
            play, answer = todo.pop()
            if play.answers.asked:
                begun.append((play, answer))
            else:
                play.left = True
    todo.extend(begun)


def _raise_in(thread: int) -> None:
    """Raise `TurnInterrupted` in a thread at its next step."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(TurnInterrupted)
    )


def _await_interruption() -> None:
    """Let an interruption that has not been raised yet be raised here: the next play gets none.

    It is not taken back: Python 3.11 would then look for it at every step, for ever after, and
    never get past one that is profiled.
    """
    ends = time.monotonic() + _INTERRUPTION
    with suppress(TurnInterrupted):
        while time.monotonic() < ends:
            pass


def _too_long(seconds: float, stack: str) -> str:
    return (
        f"{stack}The journey kept its thread for {seconds:.0f} seconds. "
        "A turn must not block: wait with ctx.sleep."
    )
