"""The event bus: every handler of a type gets its events, and none can come too late."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from hogsend.process.event_bus import DatabaseChanged, DatabaseRecovered, EventBus, WorkersLost


async def test_an_event_reaches_the_handlers_of_its_type_in_the_order_of_subscription() -> None:
    bus, calls = EventBus(), list[tuple[str, object]]()

    async def first(event: WorkersLost) -> None:
        await asyncio.sleep(0)
        calls.append(("first", event))

    async def second(event: WorkersLost) -> None:
        calls.append(("second", event))

    async def of_another_type(event: DatabaseChanged) -> None:
        calls.append(("another type", event))

    bus.subscribe(WorkersLost, first)
    bus.subscribe(DatabaseChanged, of_another_type)
    bus.subscribe(WorkersLost, second)
    event = WorkersLost([UUID(int=1)])

    await bus.publish(event)

    assert calls == [("first", event), ("second", event)]


async def test_an_event_without_a_handler_is_no_error() -> None:
    await EventBus().publish(DatabaseChanged())


async def test_what_a_handler_raises_reaches_the_publisher() -> None:
    bus = EventBus()

    async def fail(event: DatabaseChanged) -> None:
        raise LookupError("from the handler")

    bus.subscribe(DatabaseChanged, fail)

    with pytest.raises(LookupError, match="from the handler"):
        await bus.publish(DatabaseChanged())


async def test_a_handler_that_subscribes_after_the_first_event_is_refused() -> None:
    bus = EventBus()

    async def handle(event: DatabaseChanged) -> None:
        """Do nothing."""

    await bus.publish(DatabaseRecovered())

    with pytest.raises(RuntimeError, match="DatabaseChanged"):
        bus.subscribe(DatabaseChanged, handle)
