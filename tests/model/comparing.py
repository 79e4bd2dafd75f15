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

from .model import Model
from .real import Real
from .things import Answer, Mail, Stay


def identify(model: Model, one: UUID, rows: Sequence[Enrollment]) -> Stay | None:
    """Return the stay that an enrollment is; those not known yet are the next of their place.

    Args:
        model: whose stays.
        one: the enrollment.
        rows: all enrollments, the oldest first.
    """
    known = {stay.id for stay in model.stays}
    this = next(row for row in rows if row.id == one)
    for row in rows:
        if row.id not in known and row.id <= one and _place(row) == _place(this):
            of_place = (s for s in model.stays if s.id is None and _is_of(s, row))
            if stay := next(of_place, None):
                stay.id = row.id
    return next((stay for stay in model.stays if stay.id == one), None)


def _place(row: Enrollment) -> tuple[UUID, str, str]:
    return row.contact_id, row.journey_id, row.entry_key


def _is_of(stay: Stay, row: Enrollment) -> bool:
    whose = (stay.person.id, stay.person.home.id)
    return row.contact_id in whose and _place(row)[1:] == (stay.journey, stay.key)


def compare_answer(model: Model, expected: Answer, found: IngestResult) -> None:
    """Compare what was decided about a fact, and learn the ids of what it made."""
    entered: dict[str, Any] = {}
    for one in found.enrollments:
        stay = expected.entered.get(one["journeyId"])
        if isinstance(stay, Stay) and stay.id is None and "stateId" in one:
            stay.id = UUID(one["stateId"])
        entered[one["journeyId"]] = one.get("reason") or one.get("stateId")
    told = {
        "stored": found.stored,
        "person": found.contact_id,
        "entered": entered,
        "exits": {one["stateId"]: one["exited"] for one in found.exits},
        "waits": sorted(one["stateId"] for one in found.waits),
        "conflict": found.conflict,
    }
    agree(
        "the answer",
        [told],
        [
            {
                "stored": expected.stored,
                "person": expected.person.id,
                "entered": {
                    journey: str(stay.id) if isinstance(stay, Stay) else stay
                    for journey, stay in expected.entered.items()
                },
                "exits": {str(stay.id): exited for stay, exited in expected.exits.items()},
                "waits": sorted(str(stay.id) for stay in expected.waits),
                "conflict": expected.conflict,
            }
        ],
    )


def agree(what: str, found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Fail with those rows alone that are not the same."""
    if found != expected:
        pairs = [pair for pair in zip_longest(found, expected) if pair[0] != pair[1]]
        lines = [f"  found    {found}\n  expected {expected}" for found, expected in pairs]
        raise AssertionError(f"{what}:\n" + "\n".join(lines))


def compare(model: Model, real: Real) -> None:
    """Compare every enrollment, every goal, every mail and every event."""
    world = real.world
    rows = real.run(world.all_enrollments())
    for row in rows:
        identify(model, row.id, rows)
    model.stays.sort(key=lambda stay: stay.id or UUID(int=0))
    agree("enrollments", [_of_row(row) for row in rows], [_of_stay(stay) for stay in model.stays])
    reached = real.run(world.query("SELECT id, goal_at FROM enrollments ORDER BY id"))
    agree(
        "goals",
        [(to_id(row[0]), instant_or_none(row[1])) for row in reached],
        [(stay.id, stay.goal) for stay in model.stays],
    )
    ledger: dict[Any, list[Any]] = {}
    for send in real.run(world.sends()):
        ledger.setdefault(str(send.enrollment_id), []).append(_of_send(send))
    mails: dict[Any, list[Any]] = {}
    for mail in model.mails:
        mails.setdefault(str(mail.stay.id), []).append(_of_mail(mail))
    agree("mails", *([sorted(x.items()) for x in (ledger, mails)]))
    events = real.run(world.events())
    told = [(e.name, e.properties.get("k"), e.properties.get("got")) for e in events]
    happened = [(e.name, e.properties.get("k"), e.properties.get("got")) for e in model.events]
    agree("events", sorted(told, key=str), sorted(happened, key=str))


def _of_stay(stay: Stay) -> dict[str, Any]:
    waits = stay.wait is not None and stay.is_live
    return {
        "id": stay.id,
        "journey": stay.journey,
        "key": stay.key,
        "state": stay.state,
        "reason": stay.reason,
        "wake": stay.wake if stay.state in ("active", "waiting") else None,
        "wait": stay.wait.key if stay.wait and waits else None,
        "until": stay.wait.until if stay.wait and waits else None,
        "more": stay.wait.more if stay.wait and waits else None,
        "attempt": stay.attempt,
        "error": "ValueError: no" if stay.attempt else None,
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
        "more": row.wait.more if row.wait and waits else None,
        "attempt": row.attempt,
        "error": (row.error or "").rstrip().rsplit("\n", 1)[-1] if row.attempt else None,
    }


def _plain(reason: str | None) -> str | None:
    """Leave out the condition of an exit rule."""
    return reason.split(" where ")[0] if reason else reason


def _of_mail(mail: Mail) -> tuple[Any, ...]:
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
