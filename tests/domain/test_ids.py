"""Ids sort by time, also when the clock is set back."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hogsend.domain.ids import IdGenerator, compute_first_id

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_an_id_is_a_uuid_of_version_seven_that_begins_with_its_instant():
    new_id = IdGenerator()(NOW)
    assert (new_id.version, new_id.variant) == (7, "specified in RFC 4122")
    assert new_id.int >> 80 == int(NOW.timestamp() * 1000)


def test_ids_of_one_millisecond_sort_in_order_of_creation():
    make = IdGenerator()
    ids = [make(NOW) for _ in range(10_000)]
    assert ids == sorted(set(ids))


def test_the_order_is_kept_when_the_clock_is_set_back():
    make = IdGenerator()
    later = make(NOW)
    assert make(NOW - timedelta(days=1)) > later
    assert make(NOW + timedelta(milliseconds=1)) > later


def test_the_first_id_of_an_instant_separates_earlier_ids_from_later_ones():
    make = IdGenerator()
    before, then = make(NOW - timedelta(milliseconds=1)), make(NOW)
    assert before < compute_first_id(NOW) <= then
    assert compute_first_id(NOW).version == 7


def test_a_forked_process_makes_other_ids_than_its_parent():
    make = IdGenerator()
    make(NOW)
    read_end, write_end = os.pipe()
    if (child := os.fork()) == 0:
        os.write(write_end, make(NOW).bytes)
        os._exit(0)
    own = make(NOW)
    os.waitpid(child, 0)
    theirs = UUID(bytes=os.read(read_end, 16))
    assert theirs != own and theirs.int >> 32 == own.int >> 32


def test_ids_of_several_threads_never_collide():
    make = IdGenerator()
    ids: list[UUID] = []

    def work() -> None:
        ids.extend([make(NOW) for _ in range(2000)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 8000
