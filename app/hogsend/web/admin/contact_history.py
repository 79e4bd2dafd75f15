"""A contact's history: events, journeys, emails, engagement and consent on one timeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from ...domain.enrollment import Enrollment
from ...domain.journey import EVERYTHING
from ...domain.send_policy import Send
from ...services.contacts import ContactDetail, EngagementRecord, EventLine
from ...services.content import Registry
from .. import formatting
from .timeline import TimelineEntry

MAX_HISTORY_ENTRIES = 100
_SEND_VERBS = {
    "sent": "Sent",
    "delivered": "Sent",
    "queued": "Queued",
    "sending": "Sending",
    "blocked": "Blocked",
}
_SEND_KINDS = {"sent": "sent", "delivered": "sent", "queued": "act", "sending": "act"}


def build_history(detail: ContactDetail, registry: Registry) -> list[TimelineEntry]:
    """Return what concerns a contact, newest first, at most `MAX_HISTORY_ENTRIES` entries.

    Args:
        detail: the contact with everything that concerns it.
        registry: the names of journeys and lists.
    """
    subjects = {send.id: send.subject or send.template for send in detail.sends}
    entries = [entry for event in detail.events for entry in _describe_event(event, registry)]
    for enrollment in detail.enrollments:
        entries.extend(_describe_enrollment(enrollment, registry))
    labels = {contact_id: other.label for contact_id, other in detail.others.items()}
    for send in detail.sends:
        behalf = labels.get(send.on_behalf_of) if send.on_behalf_of else None
        is_for_another = send.is_for_another and behalf
        entries.append(_describe_send(send, f"on behalf of {behalf}" if is_for_another else ""))
    for send in detail.sends_for_others:
        entries.append(_describe_send(send, f"to {labels.get(send.contact_id, send.to_email)}"))
    entries.extend(_describe_engagement(record, subjects) for record in detail.engagement)
    entries.extend(_describe_other_consent(detail))
    entries.sort(key=_get_instant, reverse=True)
    return entries[:MAX_HISTORY_ENTRIES]


def _get_instant(entry: TimelineEntry) -> datetime:
    assert entry.at is not None  # noqa: S101 (past entries have an instant)
    return entry.at


def _describe_event(event: EventLine, registry: Registry) -> Iterator[TimelineEntry]:
    lists = event.properties.get("lists")
    if event.source in ("recipient", "dashboard") and isinstance(lists, dict):
        for list_id, subscribed in cast("dict[str, bool]", lists).items():
            yield _describe_consent(event, list_id, registry, subscribed=subscribed)
        return
    notes = ["" if event.source == "api" else f"from the {event.source}"]
    notes += [
        f"{name} {formatting.format_value(value)}"
        for name, value in _select_properties(event.properties)
    ]
    link = ((f"/events/{event.id}", "view event"),)
    yield TimelineEntry(event.received_at, "", event.name, notes=tuple(notes), links=link)


def _select_properties(properties: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in list(properties.items())[:3]:
        if not isinstance(value, dict | list):
            yield name, value


def _describe_consent(
    event: EventLine, list_id: str, registry: Registry, *, subscribed: bool
) -> TimelineEntry:
    mail_list = registry.lists.get(list_id)
    name = "all email" if list_id == EVERYTHING else mail_list.name if mail_list else list_id
    verb = "Subscribed to" if subscribed else "Unsubscribed from"
    links = [(f"/events/{event.id}", "view event")]
    if event.properties.get("sendId"):
        links.insert(0, (f"/emails/{event.properties['sendId']}", "from this email"))
    by = "by the recipient" if event.source == "recipient" else "by an operator"
    kind = "act" if subscribed else "no"
    return TimelineEntry(event.received_at, kind, f"{verb} {name}", notes=(by,), links=tuple(links))


def _describe_enrollment(enrollment: Enrollment, registry: Registry) -> Iterator[TimelineEntry]:
    journey = registry.journeys.get(enrollment.journey_id)
    name = journey.name if journey else enrollment.journey_id
    link = ((f"/enrollments/{enrollment.id}", "view enrollment"),)
    yield TimelineEntry(enrollment.entered_at, "act", f"Entered {name}", links=link)
    if enrollment.ended_at:
        kind = {"completed": "sent", "failed": "bad"}.get(enrollment.state, "no")
        state = enrollment.state.replace("_", " ").capitalize()
        reason = "" if enrollment.end_reason == enrollment.state else enrollment.end_reason
        notes = (formatting.describe_reason(reason),)
        yield TimelineEntry(enrollment.ended_at, kind, f"{state} {name}", notes=notes, links=link)


def _describe_send(send: Send, person: str) -> TimelineEntry:
    """Return the entry of a send.

    Args:
        send: the send.
        person: to whom or on whose behalf it is, when another person has a part in it.
    """
    title = f"“{send.subject}”" if send.subject else send.template
    template = send.template if send.subject else ""
    reason = formatting.describe_reason(send.reason)
    at = send.sent_at or send.created_at
    if send.status in ("suppressed", "skipped"):
        link = ((f"/emails/{send.id}", "view record"),)
        return TimelineEntry(
            at, "no", f"Did not send {title}", reason, "bad", (person, template), link
        )
    verb = _SEND_VERBS.get(send.status, send.status.replace("_", " ").capitalize() + ":")
    return TimelineEntry(
        at,
        _SEND_KINDS.get(send.status, "bad"),
        f"{verb} {title}",
        notes=(person, template, reason),
        links=((f"/emails/{send.id}", "view email"),),
    )


def _describe_engagement(record: EngagementRecord, subjects: Mapping[UUID, str]) -> TimelineEntry:
    verb = "Opened" if record.kind == "open" else "Clicked in"
    by = {"machine": "by a machine", "unsure": "by a person or a machine"}.get(record.verdict, "")
    return TimelineEntry(
        record.at,
        "" if by else "act",
        f"{verb} “{subjects[record.send_id]}”",
        notes=(by, record.url or ""),
        links=((f"/emails/{record.send_id}", "view email"),),
    )


def _describe_other_consent(detail: ContactDetail) -> Iterator[TimelineEntry]:
    """Return what no event of the contact shows: consent from the API, and suppression."""
    for record in detail.consents.values():
        if record.source not in ("recipient", "dashboard"):
            verb = "Subscribed to" if record.subscribed else "Unsubscribed from"
            name = "all email" if record.list_id == EVERYTHING else record.list_id
            kind = "act" if record.subscribed else "no"
            notes = (f"by the {record.source}",)
            yield TimelineEntry(record.at, kind, f"{verb} {name}", notes=notes)
    suppression = detail.suppression
    if suppression is not None:
        link = ((f"/emails/{suppression.send_id}", "from this email"),)
        yield TimelineEntry(
            suppression.at,
            "bad",
            f"{suppression.address} suppressed",
            formatting.describe_reason(suppression.reason),
            "bad",
            links=link if suppression.send_id else (),
        )
