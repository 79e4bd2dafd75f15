"""What happened to people, as text: what a failing test prints."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from ..domain.enrollment import Enrollment
from ..domain.journal import Step
from ..domain.send_policy import Send
from ..store.turns import Turn
from .snapshot import Snapshot

_LONGEST = 100
_PACKAGE = re.escape(str(Path(__file__).parents[1]))
_OWN_FRAMES = re.compile(rf'^  File "{_PACKAGE}[/\\][^"\n]*".*\n(?:    .*\n)*', re.M)
Line = tuple[datetime, str]


def timeline_of(records: Snapshot, contact_id: UUID, now: datetime) -> str:
    """Tell what happened to a person, the oldest first.

    Args:
        records: everything that there is.
        contact_id: who.
        now: the present instant, which ends it.
    """
    family = records.family(contact_id)
    contact = records.people.get(records.survivors.get(contact_id, contact_id))
    lines: list[Line] = []
    for event in records.events:
        if event.contact_id in family:
            at = event.received_at or now
            lines.append((at, f"{event.name}{_properties(event.properties)}"))
            for journey_id, reason in records.refusals.get(event.id, {}).items():
                lines.append((at, f"{journey_id}: not entered, {reason}"))
    for enrollment in records.enrollments:
        if enrollment.contact_id in family:
            lines += _enrollment_lines(enrollment, records.turns.get(enrollment.id, []), now)
    lines += [line for send in records.sends if send.contact_id in family for line in _mail(send)]
    # What happened at one instant stays in the order of its kinds.
    lines.sort(key=lambda line: line[0])
    name = contact.email or contact.key if contact else str(contact_id)
    told = [_indented(f"{_instant(instant)}  ", text) for instant, text in lines]
    return "\n".join(
        [f"What happened to {name}, in UTC:", *told, f"  It is {now:%a %Y-%m-%d %H:%M:%S} now."]
    )


def _indented(head: str, text: str) -> str:
    return "  " + head + textwrap.indent(text, " " * (len(head) + 2)).lstrip()


def _enrollment_lines(enrollment: Enrollment, turns: list[Turn], now: datetime) -> Iterator[Line]:
    name = enrollment.journey_id
    yield enrollment.entered_at, f"{name}: entered"
    for turn in turns:
        for step in turn.steps:
            if step.kind not in ("user", "zone"):
                yield turn.played_at, f"{name}: {_step(step)}"
        if turn.error is not None and turn.outcome != "drifted":
            what = f"turn {turn.number} failed ({turn.outcome})"
            yield turn.played_at, f"{name}: {what}\n{authors_part(turn.error)}"
    if enrollment.ended_at is not None:
        yield enrollment.ended_at, _with_reason(f"{name}: {enrollment.state}", enrollment)
    elif enrollment.state in ("drifted", "parked"):
        yield now, _with_reason(f"{name}: {enrollment.state}", enrollment)
    elif enrollment.attempt and enrollment.wake_at is not None:
        yield now, f"{name}: the turn is tried again at {_instant(enrollment.wake_at)}"
    elif (wait := enrollment.wait) is not None:
        limit = f"until {_instant(wait.until)}" if wait.until else "without a limit"
        yield now, f"{name}: still in {wait.key}, {limit}"


def authors_part(traceback: str) -> str:
    """Return a traceback without our own frames, which tell an author nothing."""
    return _OWN_FRAMES.sub("", traceback).strip()


def _with_reason(text: str, enrollment: Enrollment) -> str:
    return f"{text}, {enrollment.end_reason}" if enrollment.end_reason else text


def _step(step: Step) -> str:
    detail: Mapping[str, Any] = step.detail or {}
    answer: Any = step.answer
    if step.passed:
        return f"{step.key}  (passed over: it lies behind)"
    if step.waiting:
        said = str(detail.get("error", "")).strip().rpartition("\n")[2]
        error = f"  failed: {_shortened(said)}" if said else ""
        until = detail.get("until")
        limit = f"until {_instant(datetime.fromisoformat(until))}" if until else "without a limit"
        return f"{step.key}{error}  (waits {limit})"
    if step.kind == "send":
        given = f"{answer['status']}, {answer.get('reason')}".removesuffix(", None")
    elif step.kind == "wait":
        given = answer["name"] if answer else "nothing came"
    elif step.kind in ("sleep", "checkpoint", "trigger"):
        return step.key
    else:
        given = _shortened(json.dumps(answer, ensure_ascii=False))
    return f"{step.key}  → {given}"


def _mail(send: Send) -> Iterator[Line]:
    for tried in send.attempts:
        if tried["outcome"] != "accepted":
            said = f"{tried['outcome']}: {tried['reply']}"
            yield datetime.fromisoformat(tried["at"]), f"mail {send.template} not taken, {said}"
    if send.sent_at is not None:
        yield send.sent_at, f"mail {send.template} left for {send.to_email}"
    elif send.status in ("cancelled", "failed", "bounced") or send.reason:
        at = send.updated_at or send.created_at
        yield at, f"mail {send.template} {send.status}, {send.reason or ''}"
    elif send.due_at is not None:
        yield (
            send.created_at,
            f"mail {send.template} is to leave {send.due_at:%a %Y-%m-%d %H:%M:%S}",
        )
    if send.opened_at is not None:
        yield send.opened_at, f"mail {send.template} opened"
    if send.clicked_at is not None:
        yield send.clicked_at, f"mail {send.template} clicked"


def _instant(instant: datetime) -> str:
    return f"{instant:%a %Y-%m-%d %H:%M:%S}"


def _properties(properties: Mapping[str, Any]) -> str:
    if not properties:
        return ""
    return " " + _shortened(json.dumps(dict(properties), ensure_ascii=False))


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
