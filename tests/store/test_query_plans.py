"""What is asked for every turn and every event takes an index that leads to a few rows."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.domain.failure_filter import ALL_FAILURES, FailureFilter
from hogsend.domain.ids import new_id
from hogsend.store import (
    blocked_mails,
    contacts,
    counters,
    engagement,
    enrollment_states,
    enrollments,
    erased_content,
    erasures,
    events,
    goals,
    lag,
    last_mails,
    results,
    sends,
    steps,
    turns,
)
from hogsend.store.counters import to_day
from hogsend.store.db import Database, Query
from hogsend.store.read_models import counts, emails, journeys, overview
from hogsend.store.read_models import events as event_lists
from tests.databases import opened

# What a search may start from: an id, a person, or the head of a journey's queue.
NARROW = re.compile(
    r"\((id|contact_id|on_behalf_of|merged_into|enrollment_id|send_id)=\?"
    r"|\(status=\? AND id=\?\)|\(journey_id=\? AND (due_at|wake_at)[<>]\?"
    r"|\(journey_id>\?\)|^SCAN (due_|later_|leap)"
    r"|^SEARCH \w+ USING (COVERING )?INDEX (sends_due|enrollment_turns)$"
)


@pytest.mark.parametrize("people", [1, 4, 64, 1024])
async def test_a_set_of_any_size_reads_only_its_own_rows(
    sqlite_url: str, clock: ManualClock, people: int
):
    now = clock.now()
    ids: list[UUID] = [new_id(now) for _ in range(people)]
    asked: list[Query[Any]] = [
        events.count_by_names(ids, ["feature.used"], None),
        events.find_by_names(ids, ["feature.used", "plan.upgraded"], 3),
        events.find_triggers(ids),
        events.find_properties(ids),
        last_mails.find_last_queued(ids, ["welcome", "other"]),
        sends.count_queued(ids, [(ids[0], "welcome")]),
        sends.find_due([None, "welcome"], 100, now),
        sends.find_queued_journeys(),
        goals.find_candidates([(contact_id, "welcome") for contact_id in ids]),
        results.find_by_ids(ids),
        enrollments.find_last_entries(ids),
        enrollments.find_live(ids),
        enrollments.find_past(ids),
        sends.find_past(ids),
        enrollments.find_with_queued_sends(ids),
        enrollments.find_due([("welcome", 10), ("other", 10)], now),
        enrollments.find_due_journeys(),
        turns.find_by_enrollments(ids),
        steps.find_by_enrollments(ids),
        contacts.find_merged(ids),
        engagement.find_recorded(ids, ""),
        engagement.find_by_sends(ids),
        blocked_mails.find(ids),
        blocked_mails.find_reasons(ids, ""),
    ]
    written: list[Query[Any]] = [
        Query(write.sql, write.rows[0], list)
        for write in (
            sends.cancel_by_enrollments({ids[0]: "exit"}, now),
            sends.cancel({ids[0]: "merged"}, now),
            sends.move([(ids[0], ids[0])]),
            sends.cancel_by_journeys({(ids[0], "welcome"): "exit"}, now),
            steps.delete([(ids[0], "step:x")]),
            blocked_mails.release([ids[0]], now),
            blocked_mails.fail({ids[0]: "too old"}, now),
            contacts.raise_revisions([ids[0]]),
        )
    ]
    database = Database(sqlite_url)
    await database.open()
    try:
        for query in (*asked, *written):
            plan = Query(f"EXPLAIN QUERY PLAN {query.sql}", query.values, list)
            lines = [row[3] for row in await database.read_one(plan)]
            wide = [
                line
                for line in lines
                if line.startswith(("SCAN", "SEARCH")) and not NARROW.search(line)
            ]
            assert not wide, (wide, query.sql[:300])
    finally:
        await database.close()


@pytest.mark.parametrize("state", ["failed", "drifted", "retrying"])
async def test_a_bulk_action_reads_only_the_next_rows_in_its_state(
    sqlite_url: str, clock: ManualClock, state: str
):
    failures = FailureFilter("KeyError", clock.now())
    asked: list[Query[Any]] = [
        query
        for selected in (ALL_FAILURES, failures)
        for query in (
            enrollment_states.find_ids_in_state(
                "welcome", state, None, new_id(clock.now()), 100, failures=selected
            ),
            journeys.find_enrollment_ids("welcome", [state], [], None, 51, failures=selected),
        )
    ]
    index = "enrollment_retries" if state == "retrying" else "(journey_id=? AND state=?"
    database = Database(sqlite_url)
    await database.open()
    try:
        for query in asked:
            plan = Query(f"EXPLAIN QUERY PLAN {query.sql}", query.values, list)
            searches = [
                line
                for _, _, _, line in await database.read_one(plan)
                if line.startswith(("SCAN enrollments", "SEARCH enrollments"))
            ]
            assert searches and all(index in line for line in searches), (searches, query.sql)
    finally:
        await database.close()


@pytest.mark.parametrize(("template", "reason"), [("", ""), ("hello", ""), ("", "no plan")])
async def test_a_look_at_blocked_mails_reads_no_other_mails(
    sqlite_url: str, clock: ManualClock, template: str, reason: str
):
    last = new_id(clock.now())
    asked: list[Query[Any]] = [
        blocked_mails.find_ids(template, reason, None, last, 100),
        blocked_mails.find_ids(template, reason, last, last, 100),
        blocked_mails.group(),
        blocked_mails.group("welcome"),
        blocked_mails.find_versions(),
        blocked_mails.find_by_versions("hello", "1 2", 100),
        blocked_mails.find_expired(clock.now(), 100),
    ]
    database = Database(sqlite_url)
    await database.open()
    try:
        for query in asked:
            plan = Query(f"EXPLAIN QUERY PLAN {query.sql}", query.values, list)
            lines = [row[3] for row in await database.read_one(plan)]
            reads = [line for line in lines if re.match("(SCAN|SEARCH) (sends|s|b) ", line)]
            narrow = [line for line in reads if re.search(r"\((status|send_id|id)=\?", line)]
            assert reads and reads == narrow, (lines, query.sql)
    finally:
        await database.close()


@pytest.mark.parametrize("journey_ids", [["welcome"], ["welcome", "other"]])
async def test_the_enrollments_being_retried_are_counted_without_reading_the_others(
    sqlite_url: str, journey_ids: list[str]
):
    query = journeys.count_retrying(journey_ids)
    database = Database(sqlite_url)
    await database.open()
    try:
        plan = Query(f"EXPLAIN QUERY PLAN {query.sql}", query.values, list)
        lines = [row[3] for row in await database.read_one(plan)]
    finally:
        await database.close()
    assert len(lines) == 1 and lines[0].endswith("USING INDEX enrollment_retries"), lines


async def test_the_overview_never_reads_a_whole_table(sqlite_url: str, clock: ManualClock):
    now = clock.now()
    asked: list[Query[Any]] = [
        overview.count_sends("in_doubt", UUID(int=0)),
        overview.count_overdue(now),
        overview.count_queued(),
        overview.find_oldest_due(),
        lag.find_next_send(),
        overview.find_last_error("welcome"),
        overview.find_last_retried_error("welcome"),
        *(query for _, query in overview.count_wakes_by_day(now)),
        counts.find_totals([counters.EVENTS], to_day(now)),
        journeys.count_retrying(["welcome", "other"]),
        journeys.count_missed("welcome"),
        journeys.find_wait_keys("welcome"),
    ]
    database = Database(sqlite_url)
    await database.open()
    try:
        for query in asked:
            plan = Query(f"EXPLAIN QUERY PLAN {query.sql}", query.values, list)
            lines = [row[3] for row in await database.read_one(plan)]
            whole = [line for line in lines if line.startswith("SCAN") and "INDEX" not in line]
            small = ("SCAN counted", "SCAN leap", "SCAN queued", "SCAN firsts")
            assert all(line in small for line in whole), (whole, query.sql)
    finally:
        await database.close()


async def test_an_erasure_reads_only_the_rows_of_its_person(
    sqlite_url: str, clock: ManualClock
) -> None:
    now, id_ = clock.now(), new_id(clock.now())
    asked: list[Query[Any]] = [
        erasures.find_erased("00" * 16, ["a@example.com"]),
        erasures.count_stored(id_),
        erasures.count_queued([id_]),
        erasures.lock_merged(id_, ""),
        erasures.find_identities([id_]),
        erased_content.find_last_seq(id_, 0, 100),
        *erased_content.erase_events(id_, 0, 100),
        erased_content.find_enrollments(id_, id_, 100),
        *erased_content.erase_enrollments([id_], now),
        erased_content.find_turns([id_], 100),
        erased_content.find_sends(id_, id_, 100),
        *erased_content.erase_sends([id_]),
        erased_content.find_refusals(id_, 100),
        erased_content.redact_audit_subjects(["/contacts/x"]),
        erased_content.find_naming_enrollments([id_], id_, 100),
        erased_content.redact_turns([id_], "a@example.com"),
        *(Query(write.sql, write.rows[0], list) for write in erasures.cut([id_], now)),
        Query((finish := erasures.finish(id_, now)).sql, finish.rows[0], list),
    ]
    async with opened(sqlite_url) as database:
        for query in asked:
            plan = Query(f"EXPLAIN QUERY PLAN {query.sql}", query.values, list)
            lines = [row[3] for row in await database.read_one(plan)]
            # Scans are only of what a part of the statement has found.
            wide = [
                line for line in lines if line.startswith("SCAN") and line not in _SCANS_OF_RESULTS
            ]
            assert not wide, (wide, query.sql)


async def test_an_erasure_looks_each_idempotency_key_up_by_its_event(sqlite_url: str) -> None:
    # By the instant alone, each event would lead to all keys of the batch that stored it.
    query = erased_content.erase_events(UUID(int=1), 0, 100)[0]
    async with opened(sqlite_url) as database:
        plan = Query(f"EXPLAIN QUERY PLAN {query.sql}", query.values, list)
        lines = [row[3] for row in await database.read_one(plan)]
    searches = [line for line in lines if re.match(r"SEARCH (k|idempotency_keys) ", line)]
    assert sorted(re.findall(r"\(.*\)", line)[0] for line in searches) == [
        "(created_at=? AND event_id=?)",
        "(key=?)",
    ]


_SCANS_OF_RESULTS = ("SCAN theirs", "SCAN next_events", "SCAN CONSTANT ROW")


# How each filter of the lists is to be read: by the columns of one index, in its order.
_ID = UUID(int=1 << 100)
_MAIL_FILTERS: list[tuple[emails.SendFilter, str]] = [
    (emails.SendFilter(), ""),
    (emails.SendFilter(status="failed"), "(status=?"),
    (emails.SendFilter(status="sent"), "(status=?"),
    (emails.SendFilter(journey_id="a"), "(journey_id=?"),
    (emails.SendFilter(template="a"), "(template=?"),
    (emails.SendFilter(template="a", status="failed"), "(status=?"),
    (emails.SendFilter(template="a", status="sent"), "(template=?"),
    (emails.SendFilter(template="a", journey_id="b", status="sent"), "(journey_id=?"),
    (emails.SendFilter(journey_id="a", status="failed"), "(status=?"),
    (emails.SendFilter(status="sent", to_email="a@b.c", contact_ids=[_ID]), "(contact_id=?"),
    (emails.SendFilter(template="a", contact_ids=[_ID]), "(contact_id=?"),
]
_EVENT_FILTERS: list[tuple[event_lists.EventFilter, str]] = [
    (event_lists.EventFilter(), ""),
    (event_lists.EventFilter("a"), "(name=?"),
    (event_lists.EventFilter(source="a"), ""),
    (event_lists.EventFilter("a", source="b"), "(name=?"),
    (event_lists.EventFilter(contact_ids=[_ID]), "(contact_id=?"),
    (event_lists.EventFilter("a", [_ID], "b"), "(contact_id=?"),
]


async def test_a_filtered_list_is_read_along_one_index_from_its_cursor_on(
    sqlite_url: str, clock: ManualClock
) -> None:
    now, some_id = clock.now(), new_id(clock.now())
    pages: list[tuple[Query[Any], str]] = []
    for matching, index in _MAIL_FILTERS:
        for chosen in (matching, replace(matching, since=now, until=now)):
            pages += [
                (emails.find_newest(51, chosen, before=some_id, down_to=some_id), index),
                (emails.find_newest(51, chosen), index),
                (emails.find_bound(chosen, some_id, 1000), index),
            ]
    for matching, index in _EVENT_FILTERS:
        for chosen in (matching, replace(matching, since=now, until=now)):
            pages += [
                (
                    event_lists.find_newest(51, matching=chosen, before=some_id, down_to=some_id),
                    index,
                ),
                (event_lists.find_newest(51, matching=chosen), index),
                (event_lists.find_bound(chosen, some_id, 1000), index),
            ]
    async with opened(sqlite_url) as database:
        for query, index in pages:
            plan = Query(f"EXPLAIN QUERY PLAN {query.sql}", query.values, list)
            lines = [row[3] for row in await database.read_one(plan)]
            reads = [line for line in lines if line.startswith(("SCAN", "SEARCH"))]
            assert index in reads[0], (reads, query.sql)
            assert index or "sqlite_autoindex" in reads[0], (reads, query.sql)
            # A contact has few emails, which may be sorted; everything else comes in order.
            is_sorted = any("TEMP B-TREE" in line for line in lines)
            assert not is_sorted or ("sends" in query.sql and "contact_id" in index), lines
