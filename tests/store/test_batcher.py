"""Work that arrives at the same time is written in sets; one bad item fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from hogsend.errors import StoreUnavailable
from hogsend.store.batcher import Batcher


class Disk:
    """Notes each set that is written, and holds it until it is let go."""

    def __init__(self) -> None:
        self.sets: list[list[int]] = []
        self.asked, self.free = asyncio.Event(), asyncio.Event()
        self.free.set()

    async def write(self, items: Sequence[int]) -> Sequence[int | Exception]:
        self.sets.append(list(items))
        self.asked.set()
        await self.free.wait()
        if any(item < 0 for item in items):
            raise OSError("the disk did not take it")
        return [ValueError(f"{item} is odd") if item % 2 else item * 10 for item in items]


async def test_an_item_is_written_at_once_when_nothing_else_is():
    disk = Disk()
    assert await Batcher(disk.write).submit(2) == 20
    assert disk.sets == [[2]]


async def test_items_that_arrive_during_a_write_form_the_next_batch_in_order():
    disk = Disk()
    batcher = Batcher(disk.write)
    disk.free.clear()
    first = asyncio.create_task(batcher.submit(2))
    await disk.asked.wait()
    others = [asyncio.create_task(batcher.submit(item)) for item in (4, 6, 8)]
    await asyncio.sleep(0)
    disk.free.set()
    assert await asyncio.gather(first, *others) == [20, 40, 60, 80]
    assert disk.sets == [[2], [4, 6, 8]]


async def test_a_set_has_a_largest_size():
    disk = Disk()
    batcher = Batcher(disk.write, max_size=2)
    assert await asyncio.gather(*map(batcher.submit, (2, 4, 6, 8, 10))) == [20, 40, 60, 80, 100]
    assert disk.sets == [[2, 4], [6, 8], [10]]


async def test_an_answer_that_is_an_error_fails_its_item_alone():
    disk = Disk()
    batcher = Batcher(disk.write)
    answers = await asyncio.gather(*map(batcher.submit, (2, 3, 4)), return_exceptions=True)
    assert (answers[0], answers[2]) == (20, 40)
    assert isinstance(answers[1], ValueError)
    assert disk.sets == [[2, 3, 4]]


async def test_each_item_of_a_failed_batch_is_retried_alone():
    disk = Disk()
    batcher = Batcher(disk.write)
    answers = await asyncio.gather(*map(batcher.submit, (2, -1, 4)), return_exceptions=True)
    assert (answers[0], answers[2]) == (20, 40)
    assert isinstance(answers[1], OSError)
    assert disk.sets == [[2, -1, 4], [2], [-1], [4]]


async def test_a_single_item_is_retried_too():
    """It may have met with another process's change."""
    disk = Disk()
    with pytest.raises(OSError, match="did not take"):
        await Batcher(disk.write).submit(-1)
    assert disk.sets == [[-1], [-1]]


async def test_where_the_database_takes_nothing_the_whole_set_has_failed_at_once():
    """Five hundred tries, each waiting for the same lock, would take the best part of an hour."""
    sets: list[Sequence[int]] = []

    async def write(items: Sequence[int]) -> Sequence[int | Exception]:
        sets.append(items)
        raise StoreUnavailable("The disk is full")

    batcher = Batcher(write)
    answers = await asyncio.gather(*map(batcher.submit, (2, 4, 6)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
    assert sets == [[2, 4, 6]]


async def test_a_cancelled_caller_does_not_harm_the_others():
    disk = Disk()
    batcher = Batcher(disk.write)
    gone, there = asyncio.create_task(batcher.submit(2)), asyncio.create_task(batcher.submit(4))
    await asyncio.sleep(0)
    gone.cancel()
    assert await there == 40
    await batcher.wait_until_idle()
    assert await batcher.submit(6) == 60
    assert disk.sets[0] == [2, 4]


async def test_idle_is_when_everything_has_been_written():
    disk = Disk()
    batcher = Batcher(disk.write, max_size=1)
    futures = [batcher.enqueue(item) for item in (2, 4, 6)]
    await batcher.wait_until_idle()
    assert [future.result() for future in futures] == [20, 40, 60]


async def test_an_item_that_meets_another_processs_change_is_tried_again_and_no_other_fault_is():
    tried: list[str] = []

    async def write(items: Sequence[str]) -> Sequence[str]:
        tried.extend(items)
        if len(items) > 1 or tried.count("shared") < 4:
            raise asyncpg.UniqueViolationError("somebody was faster")
        return items

    batcher: Batcher[str, str] = Batcher(write)
    # Alone in its set: once there, then three times on its own.
    assert await batcher.submit("shared") == "shared"
    assert tried == ["shared"] * 4

    async def broken(items: Sequence[str]) -> Sequence[str]:
        tried.append("broken")
        raise LookupError

    with pytest.raises(LookupError):
        await Batcher[str, str](broken).submit("one")
    assert tried.count("broken") == 2


async def test_items_submitted_together_are_answered_in_order_each_with_its_own_error():
    disk = Disk()
    answers = await Batcher(disk.write, max_size=2).submit_all([2, 3, 4])
    assert (answers[0], answers[2]) == (20, 40)
    assert isinstance(answers[1], ValueError)
    assert disk.sets == [[2, 3], [4]]


async def test_items_submitted_together_are_written_although_their_caller_has_gone():
    disk = Disk()
    batcher = Batcher(disk.write)
    disk.free.clear()
    caller = asyncio.create_task(batcher.submit_all([2, 4]))
    await disk.asked.wait()
    caller.cancel()
    await asyncio.wait([caller])
    assert caller.cancelled()
    disk.free.set()
    await batcher.wait_until_idle()
    assert disk.sets == [[2, 4]]
