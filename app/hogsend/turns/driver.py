"""Drives turns on threads of their own, so that no journey can hold up the server."""

from __future__ import annotations

import asyncio
import ctypes
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from .facts import TurnInterrupted
from .play import Play

LANES = 2
THREADS = "journeys"
_LOOK_EVERY = 0.25
_GRACE = 1.0


class _Lane:
    """What one thread is doing, for whoever watches it."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self.play: Play | None = None
        self.since = 0.0
        self.abandoned = False

    def run(self, plays: Sequence[tuple[Play, object]]) -> None:
        """Advance plays one after the other, until told to stop."""
        self.thread = threading.get_ident()
        for play, answer in plays:
            if self.abandoned:
                return
            self.since, self.play = time.monotonic(), play
            try:
                play.advance(answer)
            except TurnInterrupted:
                play.fail(_too_long(self.since, ""))
            finally:
                self.play = None


class Driver:
    """Runs authors' code.

    Args:
        limit: how long one turn may keep its thread between two `ctx` calls.
    """

    def __init__(self, limit: timedelta = timedelta(seconds=60)) -> None:
        self._limit = limit.total_seconds()
        self._threads = self._make_threads()

    @staticmethod
    def _make_threads() -> ThreadPoolExecutor:
        return ThreadPoolExecutor(LANES, thread_name_prefix=THREADS)

    async def advance(self, plays: Sequence[tuple[Play, object]]) -> None:
        """Advance each play once with its answer.

        A play that keeps its thread past the limit is interrupted; where that is not possible its
        thread is given up, and the rest goes on in another one.
        """
        rest = list(plays)
        while rest:
            lane = _Lane()
            running = asyncio.get_running_loop().run_in_executor(self._threads, lane.run, rest)
            stuck = await self._watch(lane, running)
            if stuck is None:
                return
            rest = rest[[play for play, _ in rest].index(stuck) + 1 :]

    async def _watch(self, lane: _Lane, running: asyncio.Future[None]) -> Play | None:
        """Return None when the lane is done, or the play that cannot be interrupted."""
        interrupted: Play | None = None
        while True:
            wait = _GRACE if interrupted else _LOOK_EVERY
            done, _ = await asyncio.wait([running], timeout=wait)
            if done:
                running.result()
                return None
            play, since = lane.play, lane.since
            if interrupted is not None:
                if play is interrupted:
                    return self._give_up(lane, interrupted)
                interrupted = None
            elif play is not None and time.monotonic() - since > self._limit:
                interrupted = play
                _interrupt(lane.thread)

    def _give_up(self, lane: _Lane, play: Play) -> Play:
        lane.abandoned = True
        frame = sys._current_frames().get(lane.thread or 0)  # pyright: ignore[reportPrivateUsage]
        stack = "".join(traceback.format_stack(frame)) if frame else ""
        play.abandon(_too_long(lane.since, stack))
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._threads = self._make_threads()
        return play

    def close(self) -> None:
        """Let no more turns begin."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _interrupt(thread: int | None) -> None:
    if thread is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread), ctypes.py_object(TurnInterrupted)
        )


def _too_long(since: float, stack: str) -> str:
    seconds = time.monotonic() - since
    return (
        f"The journey kept its thread for {seconds:.0f} seconds between two ctx calls. "
        f"A turn must not block: wait with ctx.sleep.\n{stack}"
    )
