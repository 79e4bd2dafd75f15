"""An enrollment's journal in words: what happened, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from ...domain.conditions import describe
from ...domain.enrollment import Enrollment
from ...domain.event import EventMatch
from ...domain.journal import Step
from ...domain.journal_summary import Summary
from ...domain.journey import Journey
from ...domain.send_policy import Send
from ...store.read_models.enrollment import EnrollmentPage
from ...store.turns import Turn
from .. import formatting


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of a timeline.

    Args:
        at: when; None for what has no instant, such as "then".
        kind: how it is marked: `sent wait now next no bad act` or empty.
        title: what happened, in bold.
        tag: the short answer behind the title.
        tag_kind: its colour.
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


def entries(found: EnrollmentPage, journey: Journey | None) -> list[TimelineEntry]:
    """Tell the story of an enrollment, oldest first, what is expected last.

    Args:
        found: the enrollment with its journal and mails.
        journey: its definition; None when the code has lost it.
    """
    waits = _waits(found.turns)
    told = [_enrolled(found, journey)]
    if found.summary is not None and found.summary.turns:
        told.extend(_summed_up(found, found.summary))
    for turn in found.turns:
        for step in turn.steps:
            told.extend(_step(step, turn, waits, found))
        if turn.error is not None:
            told.append(_trouble(turn))
    told.extend(_ending(found.enrollment))
    return told


def calls(found: EnrollmentPage) -> int:
    """Return how many calls an enrollment made, those that are only counted any more included."""
    keys = {step.key for turn in found.turns for step in turn.steps if step.kind != "user"}
    return len(keys) + (found.summary.calls if found.summary else 0)


@dataclass(slots=True)
class _Span:
    """A wait from the turn that began it to the turn that saw its end."""

    until: datetime | None = None
    ended: datetime | None = None
    told: bool = False

    @property
    def cut_short(self) -> bool:
        return bool(self.until and self.ended and self.ended < self.until)


def _waits(turns: Sequence[Turn]) -> dict[str, _Span]:
    spans: dict[str, _Span] = {}
    for turn in turns:
        for step in turn.steps:
            if step.kind in ("sleep", "wait"):
                span = spans.setdefault(step.key, _Span())
                span.until = span.until or _instant(step.detail, "until")
                span.ended = None if step.waiting else turn.played_at
    return spans


def _enrolled(found: EnrollmentPage, journey: Journey | None) -> TimelineEntry:
    notes: list[str] = []
    links: tuple[tuple[str, str], ...] = ()
    if found.trigger is not None:
        links = ((f"/events/{found.trigger.id}", f"by {found.trigger.name}"),)
    if journey is not None:
        if journey.trigger.where is not None:
            notes.append(describe(journey.trigger.where))
        notes.append(formatting.entry(journey.entry))
    if found.enrollment.entry_key:
        notes.append(f"for “{found.enrollment.entry_key}”")
    return TimelineEntry(
        found.enrollment.entered_at, "act", "Enrolled", notes=tuple(notes), links=links
    )


def _summed_up(found: EnrollmentPage, summary: Summary) -> Iterator[TimelineEntry]:
    """Tell what is known of turns whose steps are not kept: the mails, and how many there were."""
    for send in sorted(found.sends.values(), key=lambda send: send.id):
        if summary.last_at is None or send.created_at <= summary.last_at:
            answer = {"sendId": str(send.id)}
            step = Step(send.step_key or "send", "send", send.template, answer)
            yield _sent(step, send.created_at, found.sends)
    calls = ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in summary.steps.items())
    failed = f"{summary.failed:,} of them failed" if summary.failed else ""
    why = "its steps were kept for a time after its end; its mails and events still are"
    played = f"Played {formatting.many(summary.turns, 'turn')}"
    yield TimelineEntry(summary.last_at, "", played, "summed up", notes=(failed, calls, why))


def _step(
    step: Step, turn: Turn, waits: Mapping[str, _Span], found: EnrollmentPage
) -> Iterator[TimelineEntry]:
    at = turn.played_at
    if step.kind == "user":
        # The contact as of enrollment: recorded for the replay, nothing that happened.
        return
    if step.passed:
        what = f"{step.kind.replace('_', ' ')} {step.label}".strip()
        why = "it lies behind this person since the code changed"
        yield TimelineEntry(at, "", f"Passed over: {what}", "not done", notes=(why,))
    elif step.kind == "send":
        yield _sent(step, at, found.sends)
    elif step.kind in ("sleep", "wait"):
        span = waits[step.key]
        if not span.told and (step.waiting or step.kind == "sleep"):
            yield _sleep(step, turn, span) if step.kind == "sleep" else _wait(step, turn, span)
        if step.kind == "wait" and not step.waiting:
            yield _wait_over(step, at, span)
        span.told = True
    else:
        yield _looked(step, at)


# What a sleep is called whose author gave it no label: its length, or `until`.
_UNLABELLED = re.compile(r"(\d+ days?, )?\d+:\d\d:\d\d(\.\d+)?$|until$")


def _sleep(step: Step, turn: Turn, span: _Span) -> TimelineEntry:
    at, until, ended = turn.played_at, span.until, span.ended
    label = "" if _UNLABELLED.match(step.label) else step.label
    if until is None or until <= at:
        return TimelineEntry(at, "wait", "Did not sleep", notes=(label, "the time was past"))
    length, end = formatting.duration(until - at), f"until {formatting.beside(until, at)}"
    if ended is None:
        return TimelineEntry(at, "now", f"Sleeping {length}", notes=(label, end))
    if span.cut_short:
        slept = formatting.duration(ended - at)
        return TimelineEntry(
            at, "wait", f"Slept {slept} of {length}", "woken", "run", notes=(label,)
        )
    return TimelineEntry(at, "wait", f"Slept {length}", notes=(label, end))


def _wait(step: Step, turn: Turn, span: _Span) -> TimelineEntry:
    at, until = turn.played_at, span.until
    named = " or ".join(str(match) for match in _events(step.detail)) or step.label
    limit = "" if until is None else f"up to {formatting.duration(until - at)}"
    label = step.label if step.label not in named else ""
    if span.ended is None:
        return TimelineEntry(at, "now", f"Waiting for {named}", notes=(limit, label))
    return TimelineEntry(at, "wait", f"Waited for {named}", notes=(limit, label))


def _wait_over(step: Step, at: datetime, span: _Span) -> TimelineEntry:
    event = _pairs(step.answer)
    if event:
        link = ((f"/events/{event['id']}", "see the event"),) if event.get("id") else ()
        return TimelineEntry(at, "act", f"{event.get('name', step.label)} came", links=link)
    if span.cut_short:
        return TimelineEntry(at, "wait", f"Woken before {step.label} came", "woken", "run")
    return TimelineEntry(at, "wait", f"{step.label} did not come in time")


_NOT_SENT = ("suppressed", "skipped", "cancelled")


def _sent(step: Step, at: datetime, sends: Mapping[UUID, Send]) -> TimelineEntry:
    answer = _pairs(step.answer)
    send = sends.get(_uuid(answer.get("sendId")))
    status = send.status if send else str(answer.get("status", "queued"))
    why = formatting.reason(send.reason if send else answer.get("reason"))
    link = ((f"/emails/{send.id}", "see the mail"),) if send else ()
    name = send.template if send else step.label
    title = f"“{send.subject}”" if send and send.subject else name
    template = name if title != name else ""
    if status in _NOT_SENT:
        verb = "Cancelled" if status == "cancelled" else "Did not send"
        link = tuple((href, "see the record") for href, _ in link)
        return TimelineEntry(at, "no", f"{verb} {name}", why or status, "bad", links=link)
    if status == "failed":
        return TimelineEntry(
            at, "bad", f"Could not send {title}", "failed", "bad", (template, why), link
        )
    if status == "in_doubt":
        return TimelineEntry(
            at, "no", f"{title} may or may not have left", "in doubt", "odd", (why,), link
        )
    if status in ("queued", "sending"):
        due = f"leaves {formatting.beside(send.due_at, at)}" if send and send.due_at else ""
        return TimelineEntry(at, "act", f"Queued {title}", status, "run", (template, due), link)
    tag = ("", "") if status in ("sent", "delivered") else (status, "bad")
    return TimelineEntry(at, "sent", f"Sent {title}", *tag, (template, *_mail_facts(send)), link)


def _mail_facts(send: Send | None) -> Iterator[str]:
    if send is None:
        return
    if send.sent_at:
        yield f"left {formatting.beside(send.sent_at, send.created_at)}"
    if send.opened_at:
        yield f"context {formatting.beside(send.opened_at, send.created_at)}"
    if send.clicked_at:
        yield f"clicked {formatting.beside(send.clicked_at, send.created_at)}"


_QUESTIONS = {
    "has_event": "Looked: has {}?",
    "count": "Counted {}",
    "events": "Looked up {}",
    "last_event": "Looked up the last {}",
    "is_subscribed": "Looked: subscribed to {}?",
    "contact": "Looked at the contact as it is now",
    "now": "Looked at the clock",
    "random": "Rolled the dice",
    "uuid": "Made an id",
    "trigger": "Triggered {}",
    "checkpoint": "Checkpoint: {}",
    "variant": "Chose a variant of {}",
    "when": "Worked out an instant",
    "step": "Did {}",
}
_REPLAYED = "recorded, so a replay sees the same"


def _looked(step: Step, at: datetime) -> TimelineEntry:
    title = _QUESTIONS.get(step.kind, step.kind.replace("_", " ").capitalize() + " {}")
    kind = "act" if step.kind in ("trigger", "checkpoint", "step") else ""
    notes = (_REPLAYED,) if step.kind in ("has_event", "count", "is_subscribed") else ()
    tag, links = _answer(step)
    return TimelineEntry(at, kind, title.format(step.label).strip(), tag, notes=notes, links=links)


def _answer(step: Step) -> tuple[str, tuple[tuple[str, str], ...]]:
    answer = step.answer
    if step.kind in ("checkpoint", "contact"):
        return "", ()
    if step.kind == "trigger":
        event_id = _uuid(_pairs(answer).get("id") or answer)
        return "", ((f"/events/{event_id}", "see the event"),) if event_id.int else ()
    if isinstance(answer, list):
        return formatting.many(len(cast("list[Any]", answer)), "event"), ()
    if isinstance(answer, dict):
        pairs = cast("dict[str, Any]", answer)
        shown = next(iter(pairs.values())) if len(pairs) == 1 else pairs.get("name", "recorded")
        return str(shown)[:60], ()
    if answer is None:
        return ("none" if step.kind == "last_event" else ""), ()
    return formatting.plain(answer)[:60], ()


def _trouble(turn: Turn) -> TimelineEntry:
    error = turn.error or ""
    last = last_line(error)
    if turn.outcome == "drifted":
        return TimelineEntry(
            turn.played_at, "no", "Drifted", "drifted", "odd", (last,), detail=error
        )
    again = "tried again later" if turn.outcome == "retrying" else "not tried again"
    return TimelineEntry(
        turn.played_at, "bad", f"Turn {turn.number} failed", "", "", (last, again), detail=error
    )


def last_line(traceback: str) -> str:
    """Return the line of a traceback that says what went wrong."""
    lines = [line.strip() for line in traceback.strip().splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _ending(enrollment: Enrollment) -> Iterator[TimelineEntry]:
    wake, wait = enrollment.wake_at, enrollment.wait
    if enrollment.state in ("completed", "exited", "failed", "held_out"):
        kinds = {"completed": "sent", "failed": "bad", "exited": "no", "held_out": "no"}
        why = formatting.reason(enrollment.end_reason)
        why = "" if why == enrollment.state else why
        title = enrollment.state.replace("_", " ").capitalize()
        yield TimelineEntry(
            enrollment.ended_at, kinds[enrollment.state], title, notes=(why,) if why else ()
        )
    elif enrollment.state == "parked":
        yield TimelineEntry(wake, "next", "Parked: the journey is gone from the code or broken")
    elif enrollment.state == "drifted":
        yield TimelineEntry(wake, "next", "Drifted: an operator decides how this goes on")
    elif enrollment.wait_result is not None:
        yield TimelineEntry(wake, "next", f"Next turn: {enrollment.wait_result.name} has come")
    elif wait is not None and wait.events:
        named = " or ".join(match.event for match in wait.events)
        yield TimelineEntry(
            wait.until, "next", "If nothing comes: goes on without it", notes=(f"no {named}",)
        )
    elif wait is not None:
        yield TimelineEntry(wake, "next", "Wakes and goes on", notes=("the next turn",))
    elif enrollment.attempt:
        yield TimelineEntry(
            wake, "next", "Tries the turn again", notes=(f"attempt {enrollment.attempt + 1}",)
        )
    elif wake is not None:
        yield TimelineEntry(
            wake, "next", "The first turn" if not enrollment.turn else "The next turn"
        )


def summary(enrollment: Enrollment, now: datetime) -> str:
    """Say in one sentence where an enrollment stands.

    Args:
        enrollment: as stored.
        now: the present instant.
    """
    wake, wait = enrollment.wake_at, enrollment.wait
    due = f"{formatting.exact(wake)}, {formatting.relative(wake, now)}" if wake else ""
    if enrollment.state == "waiting" and enrollment.wait_result is not None:
        return f"{enrollment.wait_result.name} has come: the next turn is due."
    if enrollment.state == "waiting" and wait is not None:
        until = f"until {formatting.exact(wait.until)}" if wait.until else "without a limit"
        if wait.events:
            named = " or ".join(str(match) for match in wait.events)
            return f"Waiting for {named} {until}."
        return f"Sleeping {until}."
    if enrollment.state == "active":
        if enrollment.attempt:
            return f"The last turn failed; it is tried again {due}."
        return "The next turn is due."
    why = formatting.reason(enrollment.end_reason)
    return {
        "completed": "The journey was played to its end.",
        "exited": f"Left before the end: {why}." if why else "Left before the end.",
        "failed": f"Failed: {last_line(enrollment.error or '') or why}.",
        "drifted": "The code changed under this person; an operator decides how it goes on.",
        "parked": "The journey is gone from the code or broken; exits still reach this person.",
        "held_out": "Held out for comparison: nothing was sent.",
    }.get(enrollment.state, "")


def _instant(detail: Mapping[str, Any] | None, name: str) -> datetime | None:
    value = (detail or {}).get(name)
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def _events(detail: Mapping[str, Any] | None) -> list[EventMatch]:
    named = (detail or {}).get("events", ())
    return [EventMatch(one) if isinstance(one, str) else EventMatch.from_json(one) for one in named]


def _pairs(answer: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}


def _uuid(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        return UUID(int=0)
