"""The history of contacts as text, which a failing test prints."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from ..domain.enrollment import Enrollment
from ..domain.following import Moves
from ..domain.journal import Step
from ..domain.send_policy import Send
from ..store.turns import Turn
from ..turns.calls import find_call_by_kind
from ..turns.turn_state import ENROLLMENT_ENTRIES
from .snapshot import Snapshot

_MAX_TEXT_LENGTH = 100
_PACKAGE = re.escape(str(Path(__file__).parents[1]))
_OWN_FRAMES = re.compile(rf'^  File "{_PACKAGE}[/\\][^"\n]*".*\n(?:    .*\n)*', re.M)
Line = tuple[datetime, str]


def format_timeline(records: Snapshot, contact_id: UUID, now: datetime) -> str:
    """Return the history of a contact, the oldest entry first.

    Args:
        records: all records of the test.
        contact_id: the contact.
        now: the present instant, in the last line.
    """
    family = records.find_family(contact_id)
    contact = records.contacts.get(records.survivors.get(contact_id, contact_id))
    lines: list[Line] = []
    for event in records.events:
        if event.contact_id in family:
            at = event.received_at
            lines.append((at, f"{event.name}{_format_properties(event.properties)}"))
            for journey_id, reason in records.refusals.get(event.id, {}).items():
                lines.append((at, f"{journey_id}: not entered, {reason}"))
    for enrollment in records.enrollments:
        if enrollment.contact_id in family:
            lines += _describe_enrollment(enrollment, records.turns.get(enrollment.id, []), now)
    lines += [
        line
        for send in records.sends
        if send.contact_id in family or send.on_behalf_of in family
        for line in _describe_send(send, _describe_behalf(send, records))
    ]
    # The sort is stable, so lines of the same instant stay in the order of their kinds.
    lines.sort(key=lambda line: line[0])
    name = contact.email or contact.key if contact else str(contact_id)
    entries = [_indent(f"{_format_instant(instant)}  ", text) for instant, text in lines]
    return "\n".join(
        [f"What happened to {name}, in UTC:", *entries, f"  It is {_format_instant(now)} now."]
    )


def _indent(head: str, text: str) -> str:
    return "  " + head + textwrap.indent(text, " " * (len(head) + 2)).lstrip()


def _describe_enrollment(
    enrollment: Enrollment, turns: list[Turn], now: datetime
) -> Iterator[Line]:
    name = enrollment.journey_id
    yield enrollment.entered_at, f"{name}: entered"
    for turn in turns:
        for step in turn.steps:
            if step.kind not in ENROLLMENT_ENTRIES:
                for at, text in _describe_moves(step.key, Moves.from_json(step.detail or {})):
                    yield at, f"{name}: {text}"
                yield turn.played_at, f"{name}: {_describe_step(step)}"
        if turn.error is not None and turn.outcome != "drifted":
            what = f"turn {turn.number} failed ({turn.outcome})"
            yield turn.played_at, f"{name}: {what}\n{remove_own_frames(turn.error)}"
    if (wait := enrollment.wait) is not None and wait.following is not None:
        for at, text in _describe_moves(wait.key, wait.following.moves):
            yield at, f"{name}: {text}"
    yield from _describe_state(enrollment, now)


def _describe_state(enrollment: Enrollment, now: datetime) -> Iterator[Line]:
    name = enrollment.journey_id
    if enrollment.ended_at is not None:
        yield enrollment.ended_at, _add_reason(f"{name}: {enrollment.state}", enrollment)
    elif enrollment.state in ("drifted", "parked"):
        yield now, _add_reason(f"{name}: {enrollment.state}", enrollment)
    elif enrollment.attempt and enrollment.wake_at is not None:
        yield now, f"{name}: the turn is retried at {_format_instant(enrollment.wake_at)}"
    elif (wait := enrollment.wait) is not None:
        limit = f"until {_format_instant(wait.until)}" if wait.until else "without a limit"
        yield now, f"{name}: still in {wait.key}, {limit}"


def _describe_moves(key: str, moves: Moves) -> Iterator[Line]:
    for move in moves.latest:
        problem = f", {move.problem}" if move.problem else ""
        instants = f"from {_format_instant(move.before)} to {_format_instant(move.after)}"
        yield move.at, f"{key} moved {instants} by {move.cause.name}{problem}"


def remove_own_frames(traceback: str) -> str:
    """Return a traceback without the frames of Hogsend's own code."""
    return _OWN_FRAMES.sub("", traceback).strip()


def _add_reason(text: str, enrollment: Enrollment) -> str:
    return f"{text}, {enrollment.end_reason}" if enrollment.end_reason else text


def _describe_step(step: Step) -> str:
    detail: Mapping[str, Any] = step.detail or {}
    if step.passed:
        return f"{step.key}  (skipped: the contact was already past it)"
    if step.waiting:
        last_line = str(detail.get("error", "")).strip().rpartition("\n")[2]
        error = f"  failed: {_shorten(last_line)}" if last_line else ""
        until = detail.get("until")
        limit = (
            f"until {_format_instant(datetime.fromisoformat(until))}"
            if until
            else "without a limit"
        )
        return f"{step.key}{error}  (waits {limit})"
    answer = find_call_by_kind(step.kind).summarize(step)
    return f"{step.key}  → {_shorten(answer)}" if answer else step.key


def _describe_behalf(send: Send, records: Snapshot) -> str:
    """Return on whose behalf a mail was sent to its recipient; empty for an ordinary mail."""
    if send.on_behalf_of is None or not send.is_for_another:
        return ""
    survivor_id = records.survivors.get(send.on_behalf_of, send.on_behalf_of)
    sender = records.contacts.get(survivor_id)
    return f" on behalf of {sender.email or sender.key}" if sender else ""


def _describe_send(send: Send, behalf: str) -> Iterator[Line]:
    for attempt in send.attempts:
        if attempt["outcome"] != "accepted":
            reply = f"{attempt['outcome']}: {attempt['reply']}"
            at = datetime.fromisoformat(attempt["at"])
            yield at, f"mail {send.template} not accepted, {reply}"
    if send.sent_at is not None:
        yield send.sent_at, f"mail {send.template} sent to {send.to_email}{behalf}"
    elif send.status in ("cancelled", "failed", "bounced") or send.reason:
        at = send.updated_at or send.created_at
        yield at, f"mail {send.template} {send.status}, {send.reason or ''}"
    elif send.due_at is not None:
        yield send.created_at, f"mail {send.template} queued until {_format_instant(send.due_at)}"
    if send.opened_at is not None:
        yield send.opened_at, f"mail {send.template} opened"
    if send.clicked_at is not None:
        yield send.clicked_at, f"mail {send.template} clicked"


def _format_instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%a %Y-%m-%d %H:%M:%S}"


def _format_properties(properties: Mapping[str, Any]) -> str:
    if not properties:
        return ""
    return " " + _shorten(json.dumps(dict(properties), ensure_ascii=False))


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_TEXT_LENGTH else line[: _MAX_TEXT_LENGTH - 1] + "…"
