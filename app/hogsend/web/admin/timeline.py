"""An enrollment's journal as a timeline: what happened, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...domain.conditions import describe
from ...domain.enrollment import Enrollment, Wait
from ...domain.entry_key import describe_entry_key
from ...domain.journal import Step
from ...domain.journal_summary import Summary
from ...domain.journey import Journey
from ...services.enrollments import EnrollmentPage, Turn
from ...turns.calls import SendMail, describe_moves, find_call_by_kind
from ...turns.calls.description import Description, Link, Pause, RecordedCall
from ...turns.turn_state import USER
from .. import formatting

_ADDRESSES = {"event": "/events/{}", "send": "/emails/{}"}


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of a timeline.

    Args:
        at: when; None for a line without an instant, such as "then".
        kind: how it is drawn: `sent wait now next no bad act` or empty.
        title: what happened, in bold.
        tag: the short answer behind the title.
        tag_kind: the colour of the tag.
        notes: particulars, joined by a middle dot.
        links: addresses with their texts, after the notes.
        detail: a long text that can be unfolded, such as a traceback.
    """

    at: datetime | None
    kind: str
    title: str
    tag: str = ""
    tag_kind: str = ""
    notes: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    detail: str = ""


def build_timeline(page: EnrollmentPage, journey: Journey | None) -> list[TimelineEntry]:
    """Return the timeline of an enrollment, the oldest first, what is expected last.

    Args:
        page: the enrollment with its journal and mails.
        journey: its definition; None when it is no longer in the code.
    """
    timeline = [_describe_enrollment(page, journey)]
    if page.summary is not None and page.summary.turns:
        timeline.extend(_describe_summary(page, page.summary))
    timeline.extend(_describe_journal(page))
    timeline.extend(_describe_ending(page.enrollment))
    return timeline


def count_calls(page: EnrollmentPage) -> int:
    """Return how many calls an enrollment made, those of a summary included."""
    keys = {step.key for turn in page.turns for step in turn.steps if step.kind != USER}
    return len(keys) + (page.summary.calls if page.summary else 0)


# -- the journal ------------------------------------------------------------------------------


def _describe_journal(page: EnrollmentPage) -> Iterator[TimelineEntry]:
    pauses, seen = _collect_pauses(page.turns), set[str]()
    wait = page.enrollment.wait
    following = wait.following if wait else None
    if wait is not None and following is not None and wait.key in pauses:
        pauses[wait.key].until = wait.until
    for turn in page.turns:
        for step in turn.steps:
            # The contact as of enrollment is recorded for replays; it is nothing that happened.
            if step.kind != USER:
                is_first = step.key not in seen
                seen.add(step.key)
                pause = pauses.get(step.key, Pause())
                yield from _describe_step(
                    RecordedCall(step, turn.played_at, pause, is_first, page.sends)
                )
        if turn.error is not None:
            yield _describe_failure(turn)
    if following is not None:
        now = page.enrollment.entered_at
        for description in describe_moves(following.moves, str(following.instant), formatting):
            yield _build_entry(now, description)


def _collect_pauses(turns: Sequence[Turn]) -> Mapping[str, Pause]:
    """Return the waits of a journal by key, from the turns that began them to their ends."""
    pauses: dict[str, Pause] = {}
    for turn in turns:
        for step in turn.steps:
            pause = pauses.setdefault(step.key, Pause())
            # The end of a wait that has moved repeats its deadline.
            pause.until = _read_until(step.detail) or pause.until
            pause.ended = None if step.waiting else turn.played_at
    return pauses


def _read_until(detail: Mapping[str, Any] | None) -> datetime | None:
    value = (detail or {}).get("until")
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def _describe_step(record: RecordedCall) -> Iterator[TimelineEntry]:
    step = record.step
    if step.passed:
        call = f"{step.kind.replace('_', ' ')} {step.label}".strip()
        reason = "the contact was already past this point when it was added to the code"
        yield TimelineEntry(record.at, "", f"Skipped: {call}", "not done", notes=(reason,))
        return
    for description in find_call_by_kind(step.kind).describe_record(record, formatting):
        yield _build_entry(record.at, description)


def _build_entry(at: datetime, description: Description) -> TimelineEntry:
    return TimelineEntry(
        description.at or at,
        description.tone,
        description.title,
        description.tag,
        description.tag_tone,
        description.notes,
        tuple((_build_url(link), link.text) for link in description.links),
    )


def _build_url(link: Link) -> str:
    return _ADDRESSES[link.kind].format(link.id)


def _describe_failure(turn: Turn) -> TimelineEntry:
    error = turn.error or ""
    last = formatting.find_last_line(error)
    if turn.outcome == "drifted":
        return TimelineEntry(
            turn.played_at, "no", "Drifted", "drifted", "odd", (last,), detail=error
        )
    retry = "tried again later" if turn.outcome == "retrying" else "not tried again"
    title = f"Turn {turn.number} failed"
    return TimelineEntry(turn.played_at, "bad", title, notes=(last, retry), detail=error)


# -- what is no journal -----------------------------------------------------------------------


def _describe_enrollment(page: EnrollmentPage, journey: Journey | None) -> TimelineEntry:
    notes: list[str] = []
    links: tuple[tuple[str, str], ...] = ()
    if page.trigger is not None:
        links = ((f"/events/{page.trigger.id}", f"by {page.trigger.name}"),)
    if journey is not None:
        if journey.trigger.where is not None:
            notes.append(describe(journey.trigger.where))
        notes.append(formatting.describe_entry(journey.entry))
    if page.enrollment.entry_key:
        notes.append(f"for “{describe_entry_key(page.enrollment.entry_key)}”")
    return TimelineEntry(
        page.enrollment.entered_at, "act", "Enrolled", notes=tuple(notes), links=links
    )


def _describe_summary(page: EnrollmentPage, summary: Summary) -> Iterator[TimelineEntry]:
    """Yield what is known of turns whose steps are not kept: the mails, and how many there were."""
    for send in sorted(page.sends.values(), key=lambda send: send.id):
        if summary.last_at is None or send.created_at <= summary.last_at:
            key, answer = send.step_key or SendMail.kind, {"sendId": str(send.id)}
            step = Step(key, SendMail.kind, send.template, answer)
            yield from _describe_step(RecordedCall(step, send.created_at, sends=page.sends))
    calls = ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in summary.steps.items())
    failed = f"{summary.failed:,} of them failed" if summary.failed else ""
    reason = "steps are kept for a limited time after the end; mails and events remain"
    title = f"Ran {formatting.pluralize(summary.turns, 'turn')}"
    yield TimelineEntry(summary.last_at, "", title, "summary", notes=(failed, calls, reason))


_END_KINDS = {"completed": "sent", "failed": "bad", "exited": "no", "held_out": "no"}


def _describe_ending(enrollment: Enrollment) -> Iterator[TimelineEntry]:
    wake, wait = enrollment.wake_at, enrollment.wait
    if enrollment.state in _END_KINDS:
        reason = formatting.describe_reason(enrollment.end_reason)
        notes = (reason,) if reason and reason != enrollment.state else ()
        title = enrollment.state.replace("_", " ").capitalize()
        yield TimelineEntry(enrollment.ended_at, _END_KINDS[enrollment.state], title, notes=notes)
    elif enrollment.state == "parked":
        yield TimelineEntry(wake, "next", "Parked: the journey is missing from the code or broken")
    elif enrollment.state == "drifted":
        yield TimelineEntry(wake, "next", "Drifted: an operator has to decide how to continue")
    elif enrollment.is_retrying:
        attempt = f"attempt {enrollment.attempt + 1}"
        yield TimelineEntry(wake, "next", "Tries the turn again", notes=(attempt,))
    elif enrollment.wait_result is not None:
        yield TimelineEntry(wake, "next", f"Next turn: {enrollment.wait_result.name} has arrived")
    elif wait is not None and wait.events:
        names = " or ".join(match.event for match in wait.events)
        title = "If nothing arrives, the journey continues"
        yield TimelineEntry(wait.until, "next", title, notes=(f"without {names}",))
    elif wait is not None:
        yield TimelineEntry(wake, "next", "Wakes up and continues", notes=("the next turn",))
    elif wake is not None:
        title = "The next turn" if enrollment.turn else "The first turn"
        yield TimelineEntry(wake, "next", title)


def _describe_following(wait: Wait) -> str:
    """Return what a wait follows, as the end of a sentence; empty when it follows nothing."""
    following = wait.following
    if following is None:
        return ""
    text = f", following {following.instant}"
    return f"{text}: {following.problem}" if following.problem else text


def summarize(enrollment: Enrollment, now: datetime) -> str:
    """Return in one sentence where an enrollment stands.

    Args:
        enrollment: as stored.
        now: the present instant.
    """
    wake, wait = enrollment.wake_at, enrollment.wait
    due = (
        f"{formatting.format_exact(wake)}, {formatting.format_relative(wake, now)}" if wake else ""
    )
    if enrollment.is_retrying:
        return f"The last turn failed; it will be tried again {due}."
    if enrollment.state == "waiting" and enrollment.wait_result is not None:
        return f"{enrollment.wait_result.name} has arrived: the next turn is due."
    if enrollment.state == "waiting" and wait is not None:
        until = f"until {formatting.format_exact(wait.until)}" if wait.until else "without a limit"
        if wait.events:
            names = " or ".join(str(match) for match in wait.events)
            return f"Waiting for {names} {until}."
        return f"Sleeping {until}{_describe_following(wait)}."
    if enrollment.state == "active":
        return "The next turn is due."
    reason = formatting.describe_reason(enrollment.end_reason)
    return {
        "completed": "The journey ran to its end.",
        "exited": f"Left before the end: {reason}." if reason else "Left before the end.",
        "failed": f"Failed: {formatting.find_last_line(enrollment.error or '') or reason}.",
        "drifted": "The code changed under this person; an operator has to decide how to continue.",
        "parked": "The journey is missing from the code or broken; exits still take effect.",
        "held_out": "Held out for comparison: nothing was sent.",
    }.get(enrollment.state, "")
