"""The timeline describes the journal, also after wake-ups, timeouts and skipped calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from hogsend.domain.contact import Contact
from hogsend.domain.durations import days, hours
from hogsend.domain.enrollment import Enrollment, Wait
from hogsend.domain.following import Following, Move, MoveCause, Moves
from hogsend.domain.journal import Step
from hogsend.domain.journal_summary import Summary
from hogsend.domain.property_instant import PropertyInstant
from hogsend.domain.send_policy import Consents, Send
from hogsend.store.read_models.enrollment import EnrollmentPage
from hogsend.store.turns import Turn
from hogsend.web import formatting
from hogsend.web.admin import timeline

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CONTACT_ID, ENROLLMENT_ID, EVENT_ID, SEND_ID = (UUID(int=number) for number in range(1, 5))


def make_enrollment(**overrides: Any) -> Enrollment:
    defaults: dict[str, Any] = {
        "id": ENROLLMENT_ID,
        "contact_id": CONTACT_ID,
        "journey_id": "j",
        "entry_key": "",
        "state": "active",
        "trigger_event_id": EVENT_ID,
        "code_hash": "",
        "entered_at": NOW,
    }
    return Enrollment(**{**defaults, **overrides})


def make_page(enrollment: Enrollment, turns: Sequence[Turn] = (), **details: Any) -> EnrollmentPage:
    defaults: dict[str, Any] = {
        "contact": Contact(CONTACT_ID),
        "trigger": None,
        "sends": {},
        "consents": Consents(),
        "suppression": None,
    }
    return EnrollmentPage(enrollment, turns=turns, **{**defaults, **details})


def titles_and_tags(*turns: tuple[timedelta, list[Step]]) -> list[str]:
    """Return the title and the tag of each entry, for turns that ran so long after the start."""
    journal = [
        Turn(
            enrollment_id=ENROLLMENT_ID,
            number=number,
            played_at=NOW + after,
            code_hash="",
            outcome="waiting",
            steps=steps,
        )
        for number, (after, steps) in enumerate(turns, 1)
    ]
    page = make_page(make_enrollment(), journal)
    return [f"{entry.title} {entry.tag}".strip() for entry in timeline.build_timeline(page, None)]


def waiting_sleep(length: timedelta, label: str = "pause") -> Step:
    detail = {"until": (NOW + length).isoformat()}
    return Step(f"sleep:{label}", "sleep", label, detail=detail, waiting=True)


def ended(step: Step, answer: Any = None) -> Step:
    return Step(step.key, step.kind, step.label, answer)


def test_a_sleep_that_was_cut_short_says_so() -> None:
    pause = waiting_sleep(days(2))
    entries = titles_and_tags((timedelta(), [pause]), (hours(3), [ended(pause)]))
    assert entries[1] == "Slept three hours of two days woken"


def test_a_sleep_to_its_end_has_one_entry() -> None:
    pause = waiting_sleep(days(2))
    assert titles_and_tags((timedelta(), [pause]), (days(2), [ended(pause)]))[1:] == [
        "Slept two days"
    ]


def test_an_event_that_was_waited_for_is_named() -> None:
    detail = {"until": (NOW + days(7)).isoformat(), "events": ["plan.upgraded where to is “pro”"]}
    wait = Step("wait:plan.upgraded", "wait", "plan.upgraded", detail=detail, waiting=True)
    received_event = {"id": str(EVENT_ID), "name": "plan.upgraded", "properties": {}, "seq": 4}
    assert titles_and_tags((timedelta(), [wait]), (days(1), [ended(wait, received_event)]))[1:] == [
        "Waited for plan.upgraded where to is “pro”",
        "plan.upgraded received",
    ]
    after_timeout = titles_and_tags((timedelta(), [wait]), (days(7), [ended(wait)]))
    assert after_timeout[-1] == "plan.upgraded not received in time"


def test_an_event_that_had_come_already_is_not_waited_for() -> None:
    received_event = {"id": str(EVENT_ID), "name": "plan.upgraded", "properties": {}, "seq": 4}
    step = Step("wait:plan.upgraded", "wait", "plan.upgraded", received_event)
    assert titles_and_tags((timedelta(), [step]))[1:] == ["plan.upgraded received"]


@pytest.mark.parametrize(("key", "shown"), [("A", "A"), ("=7", "7"), ("=true", "true")])
def test_the_key_of_an_enrollment_is_shown_as_its_value(key: str, shown: str) -> None:
    (entered,) = timeline.build_timeline(make_page(make_enrollment(entry_key=key)), None)
    assert entered.notes == (f"for “{shown}”",)


def test_a_skipped_call_is_shown_as_not_done() -> None:
    step = Step("send:offer", "send", "offer", {"status": "skipped"}, passed=True)
    assert titles_and_tags((timedelta(), [step]))[1] == "Skipped: send offer not done"


def test_reads_show_the_answer_that_was_recorded() -> None:
    steps = [
        Step("user", "user", "", {"id": "x"}),
        Step("has_event:a", "has_event", "a", answer=True),
        Step("count:a", "count", "a", answer=3),
        Step("events:a", "events", "a", answer=[{}, {}]),
        Step("last_event:a", "last_event", "a"),
        Step("variant:subject", "variant", "subject", answer="b"),
        Step("checkpoint:half", "checkpoint", "half"),
    ]
    assert titles_and_tags((timedelta(), steps))[1:] == [
        "Checked for a yes",
        "Counted a 3",
        "Listed a 2 events",
        "Looked up the last a none",
        "Chose a variant of subject b",
        "Checkpoint: half",
    ]


def test_durations_are_written_in_words() -> None:
    expected = {
        timedelta(days=2): "two days",
        timedelta(days=14): "14 days",
        timedelta(hours=1): "one hour",
        timedelta(hours=1, minutes=30): "one hour and 30 minutes",
        timedelta(days=1, seconds=5): "one day",
        timedelta(0): "no time",
    }
    assert {length: formatting.format_duration(length) for length in expected} == expected


def test_instants_are_written_by_their_distance() -> None:
    expected = {
        timedelta(): "now",
        timedelta(minutes=-3): "3 min ago",
        timedelta(hours=20): "in 20 h",
        timedelta(days=-1, hours=-3): "27 h ago",
        timedelta(days=-40): "21 Jan",
        timedelta(days=-400): "26 Jan 2025",
    }
    assert {
        distance: formatting.format_relative(NOW + distance, NOW) for distance in expected
    } == expected


def test_a_compacted_journal_is_summarized_in_one_entry() -> None:
    enrollment = make_enrollment(state="completed", turn=3, ended_at=NOW + days(3))
    mail = Send(
        id=SEND_ID,
        contact_id=CONTACT_ID,
        template="welcome",
        list_id="journey",
        status="sent",
        created_at=NOW,
        enrollment_id=ENROLLMENT_ID,
        subject="Welcome, Ada",
    )
    summary = Summary(
        turns=3,
        failed=1,
        steps={"send": 1, "sleep": 2},
        first_at=NOW,
        last_at=NOW + days(3),
    )
    page = make_page(enrollment, sends={SEND_ID: mail}, summary=summary)

    entries = timeline.build_timeline(page, None)

    assert [entry.title for entry in entries] == [
        "Enrolled",
        "Sent “Welcome, Ada”",
        "Ran 3 turns",
        "Completed",
    ]
    assert entries[2].notes[:2] == ("1 of them failed", "1 send, 2 sleep")
    assert timeline.count_calls(page) == 3


# -- waits that follow a property -------------------------------------------------------------


def describe_entries(enrollment: Enrollment, *steps: Sequence[Step]) -> list[tuple[str, ...]]:
    """Return title, tag, notes and instant of each entry after the first."""
    journal = [
        Turn(ENROLLMENT_ID, number, NOW + days(7 * number - 7), "", "waiting", list(step))
        for number, step in enumerate(steps, 1)
    ]
    entries = timeline.build_timeline(make_page(enrollment, journal), None)[1:]
    return [
        (entry.title, *(note for note in entry.notes if note), *(text for _, text in entry.links))
        for entry in entries
    ]


TRIAL = PropertyInstant("trial_ends_at", days(-2))
MOVE = Move(NOW + days(1), NOW + days(5), NOW + days(7), MoveCause("extended", EVENT_ID))
MOVED = Following(TRIAL, "UTC", None, NOW + days(7), moves=Moves((MOVE,), 1))
FIRST = Step(
    "sleep:end",
    "sleep",
    "end",
    detail={"until": (NOW + days(5)).isoformat(), "follows": str(TRIAL)},
    waiting=True,
)


def test_a_wait_that_has_moved_says_from_what_to_what_and_why():
    waiting = make_enrollment(
        state="waiting",
        wake_at=NOW + days(7),
        wait=Wait("sleep:end", NOW + days(7), following=MOVED),
    )
    slept, moved, _ = describe_entries(waiting, [FIRST])
    assert slept[0] == "Sleeping seven days"
    assert "follows trial_ends_at - 2 days" in slept
    assert moved == (
        "Sleep moved to 9 Mar 09:00",
        "was Sat 09:00",
        "trial_ends_at - 2 days",
        "changed by extended",
        "view event",
    )
    assert timeline.summarize(waiting, NOW).endswith(", following trial_ends_at - 2 days.")


def test_a_wait_that_has_ended_still_shows_how_it_moved():
    end = Step(
        "sleep:end",
        "sleep",
        "end",
        True,
        {"until": (NOW + days(7)).isoformat(), "follows": str(TRIAL), **MOVED.moves.to_json()},
    )
    slept, moved, *_ = describe_entries(make_enrollment(), [FIRST], [end])
    assert (slept[0], moved[0]) == ("Slept seven days", "Sleep moved to 9 Mar 09:00")


def test_a_wait_without_an_instant_says_why():
    problem = "trial_ends_at is missing"
    lost = replace(MOVE, after=NOW + days(8), problem=problem)
    following = Following(TRIAL, "UTC", days(7), None, problem, Moves((lost,), 30))
    waiting = make_enrollment(
        state="waiting",
        wake_at=NOW + days(8),
        wait=Wait("sleep:end", NOW + days(8), following=following),
    )
    _, moved, _ = describe_entries(waiting, [FIRST])
    assert moved[0] == "No instant to wait for"
    assert {problem, "after 29 earlier moves"} <= {*moved}
    assert timeline.summarize(waiting, NOW).endswith(f": {problem}.")
    end = Step("sleep:end", "sleep", "end", False, {"problem": problem})
    assert describe_entries(make_enrollment(), [FIRST], [end])[1][0] == "No instant came in time"
