"""Compares the state of the system with that of the model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any
from uuid import UUID

from hogsend.domain.enrollment import Enrollment
from hogsend.domain.event import Event
from hogsend.domain.incoming import IngestResult
from hogsend.domain.send_policy import Send
from hogsend.store.fields import instant_or_none, to_id

from .model_values import ExpectedResult, ModelEnrollment, ModelEvent, ModelSend
from .reference_model import ReferenceModel
from .system_under_test import SystemUnderTest


def find_enrollment(
    model: ReferenceModel, enrollment_id: UUID, rows: Sequence[Enrollment]
) -> ModelEnrollment | None:
    """Return the model's enrollment for one of the system.

    The model's enrollments have no id until this function assigns the ids, in the order in which
    the contact entered the journey.

    Args:
        model: the model.
        enrollment_id: the id of the system's enrollment.
        rows: all enrollments of the system, the oldest first.
    """
    known_ids = {enrollment.id for enrollment in model.enrollments}
    target = next(row for row in rows if row.id == enrollment_id)
    for row in rows:
        is_earlier = row.id not in known_ids and row.id <= enrollment_id
        if is_earlier and _identify_entry(row) == _identify_entry(target):
            unassigned = (
                enrollment
                for enrollment in model.enrollments
                if enrollment.id is None and _is_same_entry(enrollment, row)
            )
            if match := next(unassigned, None):
                match.id = row.id
    return next(
        (enrollment for enrollment in model.enrollments if enrollment.id == enrollment_id), None
    )


def _identify_entry(row: Enrollment) -> tuple[UUID, str, str]:
    return row.contact_id, row.journey_id, row.entry_key


def _is_same_entry(enrollment: ModelEnrollment, row: Enrollment) -> bool:
    contact_ids = (enrollment.person.id, enrollment.person.survivor.id)
    entry = (enrollment.journey, enrollment.key)
    return row.contact_id in contact_ids and _identify_entry(row)[1:] == entry


def compare_result(expected: ExpectedResult, result: IngestResult) -> None:
    """Compare the decisions about an event; give the model's new enrollments their ids."""
    entered: dict[str, Any] = {}
    for row in result.enrollments:
        enrollment = expected.entered.get(row["journeyId"])
        if isinstance(enrollment, ModelEnrollment) and enrollment.id is None and "stateId" in row:
            enrollment.id = UUID(row["stateId"])
        entered[row["journeyId"]] = row.get("reason") or row.get("stateId")
    actual = {
        "stored": result.stored,
        "person": result.contact_id,
        "entered": entered,
        "exits": {row["stateId"]: row["exited"] for row in result.exits},
        "waits": sorted(row["stateId"] for row in result.waits),
        "conflict": result.conflict,
    }
    assert_equal_rows(
        "the answer",
        [actual],
        [
            {
                "stored": expected.stored,
                "person": expected.person.id,
                "entered": {
                    journey: str(enrollment.id)
                    if isinstance(enrollment, ModelEnrollment)
                    else enrollment
                    for journey, enrollment in expected.entered.items()
                },
                "exits": {
                    str(enrollment.id): exited for enrollment, exited in expected.exits.items()
                },
                "waits": sorted(str(enrollment.id) for enrollment in expected.waits),
                "conflict": expected.conflict,
            }
        ],
    )


def assert_equal_rows(what: str, actual: Sequence[Any], expected: Sequence[Any]) -> None:
    """Fail with the rows that differ."""
    if actual != expected:
        pairs = [pair for pair in zip_longest(actual, expected) if pair[0] != pair[1]]
        lines = [f"  actual   {row}\n  expected {expected_row}" for row, expected_row in pairs]
        raise AssertionError(f"{what}:\n" + "\n".join(lines))


def compare(model: ReferenceModel, system: SystemUnderTest) -> None:
    """Compare all enrollments, goals, emails and events."""
    world = system.world
    rows = system.run(world.all_enrollments())
    for row in rows:
        find_enrollment(model, row.id, rows)
    model.enrollments.sort(key=lambda enrollment: enrollment.id or UUID(int=0))
    assert_equal_rows(
        "enrollments",
        [_describe_row(row) for row in rows],
        [_describe_enrollment(enrollment) for enrollment in model.enrollments],
    )
    goals = system.run(world.query("SELECT id, goal_at FROM enrollments ORDER BY id"))
    assert_equal_rows(
        "goals",
        [(to_id(row[0]), instant_or_none(row[1])) for row in goals],
        [(enrollment.id, enrollment.goal) for enrollment in model.enrollments],
    )
    ledger: dict[Any, list[Any]] = {}
    for send in system.run(world.sends()):
        ledger.setdefault(str(send.enrollment_id), []).append(_describe_send(send))
    mails: dict[Any, list[Any]] = {}
    for mail in model.mails:
        mails.setdefault(str(mail.enrollment.id), []).append(_describe_model_send(mail))
    assert_equal_rows("mails", *([sorted(x.items()) for x in (ledger, mails)]))
    events = system.run(world.events())
    assert_equal_rows(
        "events",
        sorted(map(_describe_event, events), key=str),
        sorted(map(_describe_event, model.events), key=str),
    )


def _describe_event(event: Event | ModelEvent) -> tuple[Any, ...]:
    return event.name, event.properties.get("k"), event.properties.get("got")


def _describe_enrollment(enrollment: ModelEnrollment) -> dict[str, Any]:
    is_waiting = enrollment.wait is not None and enrollment.is_live
    return {
        "id": enrollment.id,
        "journey": enrollment.journey,
        "key": enrollment.key,
        "state": enrollment.state,
        "reason": enrollment.reason,
        "wake": enrollment.wake if enrollment.state in ("active", "waiting") else None,
        "wait": enrollment.wait.key if enrollment.wait and is_waiting else None,
        "until": enrollment.wait.until if enrollment.wait and is_waiting else None,
        "more": enrollment.wait.more if enrollment.wait and is_waiting else None,
        "attempt": enrollment.attempt,
        "error": enrollment.error if enrollment.attempt else None,
    }


def _describe_row(row: Enrollment) -> dict[str, Any]:
    is_waiting = row.wait is not None and row.is_live
    return {
        "id": row.id,
        "journey": row.journey_id,
        "key": row.entry_key,
        "state": row.state,
        "reason": None if row.state == "drifted" else _remove_condition(row.end_reason),
        "wake": row.wake_at if row.state in ("active", "waiting") else None,
        "wait": row.wait.key if row.wait and is_waiting else None,
        "until": row.wait.until if row.wait and is_waiting else None,
        "more": row.wait.remaining if row.wait and is_waiting else None,
        "attempt": row.attempt,
        "error": _find_error(row) if row.attempt else None,
    }


def _find_error(row: Enrollment) -> str:
    """Return the last line of an error; of a property without an instant, in short."""
    line = (row.error or "").rstrip().rsplit("\n", 1)[-1]
    return "no instant" if "ends is missing" in line else line


def _remove_condition(reason: str | None) -> str | None:
    """Return a reason without the condition of an exit rule."""
    return reason.split(" where ")[0] if reason else reason


def _describe_model_send(mail: ModelSend) -> tuple[Any, ...]:
    due = mail.due if mail.status == "queued" else None
    return (
        *(mail.key, mail.template, mail.list, mail.status, mail.reason),
        *(mail.address, mail.decided_at, mail.left_at, due),
    )


def _describe_send(send: Send) -> tuple[Any, ...]:
    sent = send.status == "sent"
    due = send.due_at if send.status == "queued" else None
    return (
        *(send.step_key, send.template, send.list_id, send.status, _remove_condition(send.reason)),
        *(send.to_email if sent else None, send.created_at, send.sent_at, due),
    )
