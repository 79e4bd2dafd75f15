"""A contact's timeline as lines of its page: what happened, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, cast

from ...domain.enrollment import Enrollment
from ...domain.journey import EVERYTHING
from ...domain.merge_record import BY_EVENT, MergeRecord
from ...domain.send_policy import Send
from ...services.contact_timeline import RefusalEntry, TimelineItem, TimelinePage, TurnSteps
from ...services.contacts import ConsentRecord, EngagementRecord, SuppressionRecord
from ...services.content import Registry
from ...services.events import EventLine
from .. import formatting
from .timeline import TimelineEntry

HISTORY_PAGE_SIZE = 50
_SEND_VERBS = {
    "sent": "Sent",
    "delivered": "Sent",
    "queued": "Queued",
    "sending": "Sending",
    "blocked": "Blocked",
}
_SEND_KINDS = {"sent": "sent", "delivered": "sent", "queued": "act", "sending": "act"}
# Who makes a choice as an event, which has a line of its own.
_CHOSEN_BY_EVENT = ("recipient", "dashboard")
_MAX_STEPS = 6


def build_history(page: TimelinePage, registry: Registry) -> list[TimelineEntry]:
    """Return the lines of a page of a contact's timeline, newest first.

    Args:
        page: what happened.
        registry: the names of journeys and lists.
    """
    describe = partial(_describe, page=page, registry=registry)
    return [entry for item in page.items for entry in describe(item)]


def _describe(
    item: TimelineItem, *, page: TimelinePage, registry: Registry
) -> Iterator[TimelineEntry]:
    value = item.value
    if isinstance(value, EventLine):
        yield from _describe_event(value, registry)
    elif isinstance(value, ConsentRecord):
        if value.source not in _CHOSEN_BY_EVENT:
            yield _describe_choice(value, registry)
    elif isinstance(value, Enrollment | TurnSteps | RefusalEntry):
        yield _describe_journey(item, value, registry)
    else:
        yield _describe_other_entry(value, page)


def _describe_journey(
    item: TimelineItem, value: Enrollment | TurnSteps | RefusalEntry, registry: Registry
) -> TimelineEntry:
    if isinstance(value, Enrollment):
        return _describe_enrollment(item, value, registry)
    if isinstance(value, TurnSteps):
        return _describe_turn(item, value, registry)
    return _describe_refusal(item, value, registry)


def _describe_other_entry(value: object, page: TimelinePage) -> TimelineEntry:
    if isinstance(value, Send):
        return _describe_send(value, _describe_other(value, page))
    if isinstance(value, EngagementRecord):
        return _describe_engagement(value, page)
    if isinstance(value, SuppressionRecord):
        return _describe_suppression(value)
    if isinstance(value, MergeRecord):
        return _describe_merge(value, page)
    raise TypeError(f"no entry of a timeline: {value!r}")


def _describe_other(send: Send, page: TimelinePage) -> str:
    """Return to whom or on whose behalf an email is, when another person has a part in it."""
    if not send.is_for_another or send.on_behalf_of is None:
        return ""
    if send.contact_id == page.contact_id:
        other = page.others.get(send.on_behalf_of)
        return f"on behalf of {other.label}" if other else ""
    other = page.others.get(send.contact_id)
    return f"to {other.label if other else send.to_email}"


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


def _name_journey(journey_id: str, registry: Registry) -> str:
    journey = registry.journeys.get(journey_id)
    return journey.name if journey else journey_id


def _describe_enrollment(
    item: TimelineItem, enrollment: Enrollment, registry: Registry
) -> TimelineEntry:
    name = _name_journey(enrollment.journey_id, registry)
    link = ((f"/enrollments/{enrollment.id}", "view enrollment"),)
    if item.kind == "journey":
        return TimelineEntry(item.at, "act", f"Entered {name}", links=link)
    kind = {"completed": "sent", "failed": "bad"}.get(enrollment.state, "no")
    state = enrollment.state.replace("_", " ").capitalize()
    reason = "" if enrollment.end_reason == enrollment.state else enrollment.end_reason
    notes = (formatting.describe_reason(reason),)
    return TimelineEntry(item.at, kind, f"{state} {name}", notes=notes, links=link)


def _describe_turn(item: TimelineItem, turn: TurnSteps, registry: Registry) -> TimelineEntry:
    steps = [key for key in turn.steps if key != "user"]
    shown = ", ".join(steps[:_MAX_STEPS]) + (" …" if steps[_MAX_STEPS:] else "")
    name = _name_journey(turn.journey_id, registry)
    kind = "bad" if turn.outcome in ("failed", "retrying") else ""
    link = ((f"/enrollments/{turn.enrollment_id}", "view enrollment"),)
    return TimelineEntry(
        item.at, kind, f"Turn {turn.number} of {name}", notes=(turn.outcome, shown), links=link
    )


def _describe_refusal(
    item: TimelineItem, refusal: RefusalEntry, registry: Registry
) -> TimelineEntry:
    return TimelineEntry(
        item.at,
        "no",
        f"Did not enter {_name_journey(refusal.journey_id, registry)}",
        notes=(formatting.describe_reason(refusal.reason),),
        links=((f"/events/{refusal.event_id}", "view event"),),
    )


def _describe_merge(record: MergeRecord, page: TimelinePage) -> TimelineEntry:
    merged = page.others.get(record.merged_id)
    by = "by an event that names both" if record.source == BY_EVENT else f"by {record.source}"
    undone = ""
    if record.undone_at is not None:
        undone = f"undone by {record.undone_by}, {formatting.format_exact(record.undone_at)}"
    name = merged.label if merged else str(record.merged_id)
    title = f"Merged with {name}"
    notes = (by, record.note, undone)
    links: tuple[tuple[str, str], ...] = ()
    if record.undone_at is not None:
        links = ((f"/contacts/{record.merged_id}", "view contact"),)
    return TimelineEntry(record.at, "no" if undone else "act", title, notes=notes, links=links)


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


def _describe_engagement(record: EngagementRecord, page: TimelinePage) -> TimelineEntry:
    verb = "Opened" if record.kind == "open" else "Clicked in"
    by = {"machine": "by a machine", "unsure": "by a person or a machine"}.get(record.verdict, "")
    send = page.sends.get(record.send_id)
    title = f"“{send.subject or send.template}”" if send else "an email"
    return TimelineEntry(
        record.at,
        "" if by else "act",
        f"{verb} {title}",
        notes=(by, record.url or ""),
        links=((f"/emails/{record.send_id}", "view email"),),
    )


def _describe_choice(record: ConsentRecord, registry: Registry) -> TimelineEntry:
    """Return the line of a choice that no event of the contact shows."""
    mail_list = registry.lists.get(record.list_id)
    name = mail_list.name if mail_list else record.list_id
    verb = "Subscribed to" if record.subscribed else "Unsubscribed from"
    title = f"{verb} {'all email' if record.list_id == EVERYTHING else name}"
    by = "from the merged contact" if record.source == "merge" else f"by the {record.source}"
    return TimelineEntry(record.at, "act" if record.subscribed else "no", title, notes=(by,))


def _describe_suppression(suppression: SuppressionRecord) -> TimelineEntry:
    link = ((f"/emails/{suppression.send_id}", "from this email"),)
    return TimelineEntry(
        suppression.at,
        "bad",
        f"{suppression.address} suppressed",
        formatting.describe_reason(suppression.reason),
        "bad",
        links=link if suppression.send_id else (),
    )
