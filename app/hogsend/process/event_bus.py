"""The event bus that connects the parts of one process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class DatabaseChanged:
    """Another process changed the database."""


@dataclass(frozen=True, slots=True)
class DatabaseRecovered:
    """The database accepts reads and writes again."""


@dataclass(frozen=True, slots=True)
class DatabaseGone:
    """The database was deleted, moved or replaced; this process cannot use it again."""


@dataclass(frozen=True, slots=True)
class WorkersLost:
    """Other workers have stopped without leaving; what they held is free."""

    worker_ids: Sequence[UUID]


class EventBus:
    """Delivers each event to the handlers of its type, in the order in which they subscribed.

    Parts subscribe while the process is put together. The first event ends that: a part that
    subscribed later would have missed it.
    """

    def __init__(self) -> None:
        self._handlers: dict[type, list[Callable[[Any], Awaitable[None]]]] = {}
        self._is_sealed = False

    def subscribe(self, event_type: type[E], handler: Callable[[E], Awaitable[None]]) -> None:
        """Call a handler for every event of a type.

        Args:
            event_type: the events' class.
            handler: awaited before `publish` returns; what it raises reaches the publisher.

        Raises:
            RuntimeError: an event was published already.
        """
        if self._is_sealed:
            raise RuntimeError(f"subscribe to {event_type.__name__} before the first event")
        self._handlers.setdefault(event_type, []).append(handler)

    async def publish(self, event: object) -> None:
        """Deliver an event; return when every handler has returned."""
        self._is_sealed = True
        for handler in self._handlers.get(type(event), ()):
            await handler(event)
