"""Tells whether the real thing and the model are in the same state."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any
from uuid import UUID

from hogsend.domain.enrollment import Enrollment
from hogsend.domain.incoming import IngestResult
from hogsend.domain.send_policy import Send
from hogsend.store.fields import instant_or_none, to_id

from .model_values import ExpectedResult, ModelEnrollment, ModelSend
from .reference_model import ReferenceModel
from .system_under_test import SystemUnderTest


def find_enrollment(
    model: ReferenceModel, one: UUID, rows: Sequence[Enrollment]
) -> ModelEnrollment | None:
    """Return the enrollment that an enrollment is; those not known yet are the next of their place.

    Args:
        model: whose enrollments.
        one: the enrollment.
        rows: all enrollments, the oldest first.
    """
    known = {enrollment.id for enrollment in model.enrollments}
    this = next(row for row in rows if row.id == one)
    for row in rows:
        if row.id not in known and row.id <= one and _place(row) == _place(this):
            of_place = (s for s in model.enrollments if s.id is None and _is_of(s, row))
            if enrollment := next(of_place, None):
                enrollment.id = row.id
    return next((enrollment for enrollment in model.enrollments if enrollment.id == one), None)


def _place(row: Enrollment) -> tuple[UUID, str, str]:
    return row.contact_id, row.journey_id, row.entry_key


def _is_of(enrollment: ModelEnrollment, row: Enrollment) -> bool:
    whose = (enrollment.person.id, enrollment.person.survivor.id)
    return row.contact_id in whose and _place(row)[1:] == (enrollment.journey, enrollment.key)


def compare_result(model: ReferenceModel, expected: ExpectedResult, found: IngestResult) -> None:
    """Compare what was decided about an event, and learn the ids of what it made."""
    entered: dict[str, Any] = {}
    for one in found.enrollments:
        enrollment = expected.entered.get(one["journeyId"])
        if isinstance(enrollment, ModelEnrollment) and enrollment.id is None and "stateId" in one:
            enrollment.id = UUID(one["stateId"])
        entered[one["journeyId"]] = one.get("reason") or one.get("stateId")
    actual = {
        "stored": found.stored,
        "person": found.contact_id,
        "entered": entered,
        "exits": {one["stateId"]: one["exited"] for one in found.exits},
        "waits": sorted(one["stateId"] for one in found.waits),
        "conflict": found.conflict,
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


def assert_equal_rows(what: str, found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Fail with those rows alone that are not the same."""
    if found != expected:
        pairs = [pair for pair in zip_longest(found, expected) if pair[0] != pair[1]]
        lines = [f"  found    {found}\n  expected {expected}" for found, expected in pairs]
        raise AssertionError(f"{what}:\n" + "\n".join(lines))


def compare(model: ReferenceModel, system: SystemUnderTest) -> None:
    """Compare every enrollment, every goal, every mail and every event."""
    world = system.world
    rows = system.run(world.all_enrollments())
    for row in rows:
        find_enrollment(model, row.id, rows)
    model.enrollments.sort(key=lambda enrollment: enrollment.id or UUID(int=0))
    assert_equal_rows(
        "enrollments",
        [_of_row(row) for row in rows],
        [_of_enrollment(enrollment) for enrollment in model.enrollments],
    )
    reached = system.run(world.query("SELECT id, goal_at FROM enrollments ORDER BY id"))
    assert_equal_rows(
        "goals",
        [(to_id(row[0]), instant_or_none(row[1])) for row in reached],
        [(enrollment.id, enrollment.goal) for enrollment in model.enrollments],
    )
    ledger: dict[Any, list[Any]] = {}
    for send in system.run(world.sends()):
        ledger.setdefault(str(send.enrollment_id), []).append(_of_send(send))
    mails: dict[Any, list[Any]] = {}
    for mail in model.mails:
        mails.setdefault(str(mail.enrollment.id), []).append(_of_mail(mail))
    assert_equal_rows("mails", *([sorted(x.items()) for x in (ledger, mails)]))
    events = system.run(world.events())
    actual = [(e.name, e.properties.get("k"), e.properties.get("got")) for e in events]
    happened = [(e.name, e.properties.get("k"), e.properties.get("got")) for e in model.events]
    assert_equal_rows("events", sorted(actual, key=str), sorted(happened, key=str))


def _of_enrollment(enrollment: ModelEnrollment) -> dict[str, Any]:
    waits = enrollment.wait is not None and enrollment.is_live
    return {
        "id": enrollment.id,
        "journey": enrollment.journey,
        "key": enrollment.key,
        "state": enrollment.state,
        "reason": enrollment.reason,
        "wake": enrollment.wake if enrollment.state in ("active", "waiting") else None,
        "wait": enrollment.wait.key if enrollment.wait and waits else None,
        "until": enrollment.wait.until if enrollment.wait and waits else None,
        "more": enrollment.wait.more if enrollment.wait and waits else None,
        "attempt": enrollment.attempt,
        "error": "ValueError: no" if enrollment.attempt else None,
    }


def _of_row(row: Enrollment) -> dict[str, Any]:
    waits = row.wait is not None and row.is_live
    return {
        "id": row.id,
        "journey": row.journey_id,
        "key": row.entry_key,
        "state": row.state,
        "reason": None if row.state == "drifted" else _plain(row.end_reason),
        "wake": row.wake_at if row.state in ("active", "waiting") else None,
        "wait": row.wait.key if row.wait and waits else None,
        "until": row.wait.until if row.wait and waits else None,
        "more": row.wait.remaining if row.wait and waits else None,
        "attempt": row.attempt,
        "error": (row.error or "").rstrip().rsplit("\n", 1)[-1] if row.attempt else None,
    }


def _plain(reason: str | None) -> str | None:
    """Leave out the condition of an exit rule."""
    return reason.split(" where ")[0] if reason else reason


def _of_mail(mail: ModelSend) -> tuple[Any, ...]:
    due = mail.due if mail.status == "queued" else None
    return (
        *(mail.key, mail.template, mail.list, mail.status, mail.reason),
        *(mail.address, mail.decided_at, mail.left_at, due),
    )


def _of_send(send: Send) -> tuple[Any, ...]:
    sent = send.status == "sent"
    due = send.due_at if send.status == "queued" else None
    return (
        *(send.step_key, send.template, send.list_id, send.status, _plain(send.reason)),
        *(send.to_email if sent else None, send.created_at, send.sent_at, due),
    )
