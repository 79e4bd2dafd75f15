"""A thread that sends queued events in batches."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Sequence

from .errors import EventsNotSent
from .event_queue import Body, EventQueue, Outcome

# How long queued events wait for others, and the longest pause between two attempts, in seconds.
FLUSH_INTERVAL = 0.5
LONGEST_PAUSE = 30.0


class ThreadSender:
    """Sends queued events from a thread, which starts with the first event.

    Args:
        build_queue: returns an empty queue.
        send: sends a batch once, and returns what came of it.
    """

    def __init__(
        self,
        build_queue: Callable[[], EventQueue],
        send: Callable[[Sequence[Body]], Outcome],
    ) -> None:
        self._build_queue, self._send = build_queue, send
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._queue = build_queue()
        atexit.register(self._close_at_exit)

    def add(self, event: Body) -> None:
        """Queue an event.

        Raises:
            QueueFull: too many events wait already.
            ValueError: the event is not JSON.
            RuntimeError: the client is closed.
        """
        self._start_in_child()
        with self._changed:
            if self._closing:
                raise RuntimeError("The client is closed.")
            self._queue.add(event)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="hogsend-client", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()

    def flush(self, patience: float) -> None:
        """Wait until all queued events are sent.

        Args:
            patience: for how long, in seconds.

        Raises:
            EventsNotSent: some are not sent yet; they stay queued.
        """
        self._start_in_child()
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._queue) == 0, patience):
                raise EventsNotSent(self._queue.list_events())

    def close(self, patience: float) -> None:
        """Send what is queued, and end the thread; a second call does nothing.

        Args:
            patience: how long to wait for the queue, in seconds.

        Raises:
            EventsNotSent: some events could not be sent; they are in the error.
        """
        self._start_in_child()
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._queue) == 0, patience)
            unsent = self._queue.empty()
            self._changed.notify_all()
        atexit.unregister(self._close_at_exit)
        if self._thread is not None:
            self._thread.join(patience)
        if unsent:
            raise EventsNotSent(unsent)

    def _close_at_exit(self) -> None:
        if os.getpid() == self._process:
            self.close(LONGEST_PAUSE)

    def _start_in_child(self) -> None:
        """Begin with an empty queue in a forked process: its parent sends what it had queued."""
        if os.getpid() == self._process:
            return
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._queue = self._build_queue()
        self._thread = None

    def _run(self) -> None:
        retries = 0
        while True:
            with self._changed:
                while not len(self._queue) and not self._closing:
                    self._changed.wait()
                if not len(self._queue):
                    return
                if not self._closing and retries == 0:
                    # Others may follow at once.
                    self._changed.wait_for(lambda: self._closing, FLUSH_INTERVAL)
                batch = self._queue.take_batch()
            outcome = self._send(batch)
            with self._changed:
                is_settled = self._queue.settle(outcome)
                retries = 0 if is_settled else retries + 1
                self._changed.notify_all()
                if not is_settled:
                    pause = min(FLUSH_INTERVAL * 2**retries, LONGEST_PAUSE)
                    self._changed.wait_for(lambda: not len(self._queue), pause)
