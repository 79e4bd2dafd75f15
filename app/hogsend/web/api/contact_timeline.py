"""`/v1/admin/contacts/{id}/timeline`: everything that happened to a contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from ...domain.enrollment import Enrollment
from ...domain.merge_record import MergeRecord
from ...domain.send_policy import Send
from ...errors import InvalidInput
from ...services.contact_timeline import (
    KINDS,
    EntryKind,
    RefusalEntry,
    TimelineItem,
    TurnSteps,
    list_timeline,
)
from ...services.contacts import (
    ConsentRecord,
    EngagementRecord,
    SuppressionRecord,
    find_contact,
)
from ...services.events import EventLine
from .routes import Answer, ApiCall, RouteTable
from .schemas import InstantView, PageQuery, PageView, View, format_instant

routes = RouteTable("Contacts (admin)")
# The kinds of entries that a type of the query selects.
TYPES: Mapping[str, Sequence[EntryKind]] = {
    "": KINDS,
    "event": ("event",),
    "journey": ("journey",),
    "email": ("email",),
    "steps": ("steps", "journey_ended"),
    "engagement": ("engagement",),
    "consent": ("consent", "suppression"),
    "merge": ("merge",),
    "refusal": ("refusal",),
}


class TimelineQuery(PageQuery):
    """Which entries to list."""

    offset: int = Field(0, ge=0, le=1000, description="How many to leave out.")
    type: str = Field("", description=f"Only one of {', '.join(filter(None, TYPES))}.")


class EntryView(View):
    """An entry; `data` depends on the type."""

    type: str
    timestamp: InstantView
    data: dict[str, Any]


class TimelinePageView(PageView):
    """A page of a timeline."""

    timeline: list[EntryView]


EXAMPLE: dict[str, Any] = {
    "type": "event",
    "timestamp": "2026-01-02T03:04:05.678Z",
    "data": {
        "id": "01a20364-0bb6-73eb-9330-0f5a70953204",
        "event": "plan.upgraded",
        "properties": {"plan": "team"},
        "source": "api",
    },
}


@routes.route(
    "GET",
    "/v1/admin/contacts/<contact_id>/timeline",
    scope="read",
    query=TimelineQuery,
    answers={
        200: Answer(
            TimelinePageView, "The entries.", {"timeline": [EXAMPLE], "limit": 50, "offset": 0}
        )
    },
    errors=(404,),
)
async def show_timeline(call: ApiCall[TimelineQuery, None]) -> TimelinePageView:
    """Return everything that happened to a contact, newest first.

    What happened to contacts that were merged into it is part of it.
    """
    query = call.query
    if query.type not in TYPES:
        raise InvalidInput(
            f"There is no type {query.type!r}.",
            details=[{"path": ["type"], "message": "is not a type of entries"}],
        )
    contact = await find_contact(call.context, call.actor, call.values["contact_id"])
    page = await list_timeline(
        call.context,
        call.actor,
        contact.id,
        kinds=TYPES[query.type],
        limit=query.offset + query.limit,
        cursor=query.cursor,
    )
    fields: dict[str, Any] = {"limit": query.limit, "offset": query.offset}
    if page.next_cursor:
        fields["next_cursor"] = page.next_cursor
    entries = [
        EntryView(type=item.kind, timestamp=item.at, data=_describe(item))
        for item in page.items[query.offset :]
    ]
    return TimelinePageView(timeline=entries, **fields)


def _describe(item: TimelineItem) -> dict[str, Any]:
    value = item.value
    if isinstance(value, EventLine):
        return {
            "id": str(value.id),
            "event": value.name,
            "properties": dict(value.properties),
            "source": value.source,
        }
    if isinstance(value, Enrollment):
        return _describe_enrollment(value)
    if isinstance(value, Send):
        return _describe_send(value)
    if isinstance(value, MergeRecord):
        return _describe_merge(value)
    return _describe_other(value)


def _describe_enrollment(enrollment: Enrollment) -> dict[str, Any]:
    ended_at = _format(enrollment.ended_at)
    return {
        "id": str(enrollment.id),
        "journeyId": enrollment.journey_id,
        "status": enrollment.state,
        "currentNodeId": enrollment.wait.key if enrollment.wait else None,
        "completedAt": ended_at if enrollment.state == "completed" else None,
        "exitedAt": ended_at if enrollment.state == "exited" else None,
        "reason": enrollment.end_reason,
    }


def _describe_send(send: Send) -> dict[str, Any]:
    return {
        "id": str(send.id),
        "templateKey": send.template,
        "subject": send.subject,
        "status": send.status,
        "reason": send.reason,
        "toEmail": send.to_email,
        "sentAt": _format(send.sent_at),
        "deliveredAt": _format(send.delivered_at),
        "openedAt": _format(send.opened_at),
        "clickedAt": _format(send.clicked_at),
    }


def _describe_merge(record: MergeRecord) -> dict[str, Any]:
    return {
        "mergedId": str(record.merged_id),
        "survivorId": str(record.survivor_id),
        "source": record.source,
        "note": record.note,
        "undoneAt": _format(record.undone_at),
    }


def _describe_other(value: object) -> dict[str, Any]:
    if isinstance(value, TurnSteps):
        return {
            "enrollmentId": str(value.enrollment_id),
            "journeyId": value.journey_id,
            "turn": value.number,
            "outcome": value.outcome,
            "steps": list(value.steps),
        }
    if isinstance(value, EngagementRecord):
        kind, verdict = value.kind, value.verdict
        return {"emailId": str(value.send_id), "kind": kind, "url": value.url, "verdict": verdict}
    if isinstance(value, ConsentRecord):
        return {"list": value.list_id, "subscribed": value.subscribed, "source": value.source}
    if isinstance(value, SuppressionRecord):
        return {"address": value.address, "reason": value.reason}
    if isinstance(value, RefusalEntry):
        event_id = str(value.event_id)
        return {"journeyId": value.journey_id, "reason": value.reason, "eventId": event_id}
    raise TypeError(f"no entry of a timeline: {value!r}")


def _format(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant else None
