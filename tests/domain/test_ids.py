"""Ids sort by time, also when the clock is set back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hogsend.domain.ids import IdMaker, first_id

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_an_id_is_a_uuid_of_version_seven_that_begins_with_its_instant():
    made = IdMaker()(NOW)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == int(NOW.timestamp() * 1000)


def test_ids_of_one_millisecond_are_in_the_order_they_were_made():
    make = IdMaker()
    made = [make(NOW) for _ in range(10_000)]
    assert made == sorted(set(made))


def test_the_order_is_kept_when_the_clock_is_set_back():
    make = IdMaker()
    later = make(NOW)
    assert make(NOW - timedelta(days=1)) > later
    assert make(NOW + timedelta(milliseconds=1)) > later


def test_the_first_id_of_an_instant_parts_what_was_made_before_from_what_came_then():
    make = IdMaker()
    before, then = make(NOW - timedelta(milliseconds=1)), make(NOW)
    assert before < first_id(NOW) <= then
    assert first_id(NOW).version == 7


def test_ids_of_several_threads_never_collide():
    make = IdMaker()
    made: list[UUID] = []

    def work() -> None:
        made.extend([make(NOW) for _ in range(2000)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8000
