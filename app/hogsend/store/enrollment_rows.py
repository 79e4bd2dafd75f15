"""The row mapper of enrollments: waits are stored as JSON, other fields in their own columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.enrollment import Enrollment, LookBack, Wait
from ..domain.event import Event, EventMatch, from_stored_event, to_stored_event
from ..domain.following import Following
from .fields import id_or_none, instant_or_none, micros_or_none
from .json_text import from_json, to_json, to_json_unchecked
from .models import EnrollmentRow
from .rows import RowMapper
from .stored import Stored, read_optional_object


def _read_wait(stored: str | None) -> Wait | None:
    if not stored:
        return None
    value = from_json(stored)
    until = value.get("until")
    return Wait(
        key=value["key"],
        until=datetime.fromisoformat(until) if until else None,
        events=tuple(EventMatch.from_json(match) for match in value.get("events", ())),
        remaining=value.get("more", 1),
        following=Following.from_json(value["follows"]) if "follows" in value else None,
    )


def _write_wait(wait: Wait | None) -> str | None:
    if wait is None:
        return None
    stored: dict[str, Any] = {
        "key": wait.key,
        "until": wait.until.isoformat() if wait.until else None,
    }
    if wait.events:
        stored["events"] = [match.to_json() for match in wait.events]
    if wait.remaining > 1:
        stored["more"] = wait.remaining
    if wait.following is not None:
        stored["follows"] = wait.following.to_json()
    return to_json(stored)


def _read_event(stored: str | None) -> Event | None:
    return from_stored_event(from_json(stored)) if stored else None


def _write_event(event: Event | None) -> str | None:
    return to_json(to_stored_event(event)) if event else None


def _read_look_back(seq: int, at: int, event: Any) -> LookBack:
    return LookBack(seq, instant_or_none(at or None), id_or_none(event))


def _write_look_back(look_back: LookBack) -> tuple[int, int, UUID | None]:
    return look_back.seq, micros_or_none(look_back.at) or 0, look_back.event


def _write_person(person: Mapping[str, Any] | None) -> str | None:
    return None if person is None else to_json_unchecked(person)


ENROLLMENTS = RowMapper(
    Enrollment,
    EnrollmentRow,
    "n",
    wait=Stored(_read_wait, _write_wait),
    wait_result=Stored(_read_event, _write_event),
    look_back=Stored(_read_look_back, _write_look_back, ("since_seq", "since_at", "since_event")),
    person=Stored(read_optional_object, _write_person),
)
