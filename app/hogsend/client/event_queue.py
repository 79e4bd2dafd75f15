"""Events that wait to be sent in batches, in memory, in order."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from .errors import ApiRefusal, QueueFull

log = logging.getLogger("hogsend.client")

# The server accepts 1,000 events and 5 MiB in one request.
MAX_BATCH_SIZE = 500
_MAX_BATCH_BYTES = 4 * 1024 * 1024
MAX_QUEUED = 100_000

# The codes of errors after which an event may be sent again.
_PASSING = frozenset({"internal", "unavailable", "overloaded"})

Body = Mapping[str, Any]
# What came of a batch: the answer, the refusal of all of it, or None when nothing is known.
Outcome = Body | ApiRefusal | None
# Receives an event that the server refuses for good, and why.
OnRefused = Callable[[Body, ApiRefusal], None]


def log_refused(event: Body, refusal: ApiRefusal) -> None:
    """Log that the server refuses an event for good; the event's content is not logged."""
    log.error("an event %r was refused: %s", event.get("name"), refusal)


class EventQueue:
    """The bodies of events, and the batch that is being sent.

    It has no lock: the client that owns it makes its calls one after another.

    Args:
        max_queued: how many events it holds at most.
        on_refused: receives the events that the server refuses for good.
    """

    def __init__(self, max_queued: int, on_refused: OnRefused) -> None:
        self._max_queued = max_queued
        self._on_refused = on_refused
        self._waiting: deque[tuple[Body, int]] = deque()
        self._sending: list[Body] = []

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sending)

    def add(self, event: Body) -> None:
        """Add an event.

        Raises:
            QueueFull: there is no room.
            ValueError: the event is not JSON.
        """
        if len(self) >= self._max_queued:
            raise QueueFull(f"{len(self)} events wait to be sent already.")
        try:
            size = len(json.dumps(event, allow_nan=False))
        except TypeError as error:
            raise ValueError(f"The event is not JSON: {error}.") from None
        self._waiting.append((event, size))

    def take_batch(self) -> Sequence[Body]:
        """Return the next events to send; the same ones until they are concluded."""
        size = sum(len(json.dumps(event)) for event in self._sending)
        while self._waiting and len(self._sending) < MAX_BATCH_SIZE:
            size += self._waiting[0][1]
            if self._sending and size > _MAX_BATCH_BYTES:
                break
            self._sending.append(self._waiting.popleft()[0])
        return list(self._sending)

    def settle(self, outcome: Outcome) -> bool:
        """Remove the events that the server answered for, and report those that it refuses.

        Args:
            outcome: what came of the batch: the answer, the refusal of the whole batch, or None
                when it has to be sent again.

        Returns:
            Whether no event of the batch has to be sent again.
        """
        if outcome is None or not self._sending:
            return not self._sending
        sent, self._sending = self._sending, []
        if isinstance(outcome, ApiRefusal):
            for event in sent:
                self._report(event, outcome)
            return True
        results = outcome.get("results")
        if not isinstance(results, list) or len(cast("list[Body]", results)) != len(sent):
            # Another program answered, such as a proxy.
            self._sending = sent
            return False
        for event, result in zip(sent, cast("list[Body]", results), strict=True):
            if "error" in result:
                self._conclude_error(event, result)
        return not self._sending

    def _conclude_error(self, event: Body, result: Body) -> None:
        if result.get("code") in _PASSING:
            self._sending.append(event)
            return
        refusal = ApiRefusal(
            400,
            str(result["error"]),
            code=str(result.get("code", "")),
            details=result.get("details") or (),
        )
        self._report(event, refusal)

    def _report(self, event: Body, refusal: ApiRefusal) -> None:
        try:
            self._on_refused(event, refusal)
        except Exception:
            # The events behind it have to be sent all the same.
            log.exception("on_refused failed")

    def list_events(self) -> list[Body]:
        """Return all events, the oldest first."""
        return [*self._sending, *(event for event, _ in self._waiting)]

    def empty(self) -> list[Body]:
        """Remove and return all events."""
        events = self.list_events()
        self._sending, self._waiting = [], deque()
        return events
