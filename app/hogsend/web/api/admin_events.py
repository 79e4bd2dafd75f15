"""`/v1/admin/events`: events with what they caused, and their replay."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from ...domain.contact import Contact
from ...domain.forms import Instant
from ...services.contacts import find_contact_ids
from ...services.events import EventFilter, EventLine, get_event, list_events, replay_event
from .events_fast_path import EXAMPLE_ANSWER, EventAnswer, result_to_json
from .routes import Answer, ApiCall, Reply, RouteTable
from .schemas import (
    InstantView,
    NoQuery,
    PageQuery,
    PageView,
    View,
    describe_page,
    parse_cursor,
    parse_path_id,
)

routes = RouteTable("Event log")


class EventView(View):
    """An event."""

    id: UUID
    user_id: str | None
    event: str
    properties: dict[str, Any]
    occurred_at: InstantView
    received_at: InstantView
    source: str
    user_email: str | None
    contact_id: UUID | None
    value: float | None = None
    currency: str | None = None


class EventDetailView(EventView):
    """An event with what it caused."""

    enrollments: list[dict[str, Any]]
    exits: list[dict[str, Any]]
    waits: list[dict[str, Any]]


class EventsQuery(PageQuery):
    """Which events to list."""

    user_id: str = Field("", max_length=330, description="Those of one contact.")
    event: str = Field("", max_length=200, description="Those with a name.")
    source: str = Field("", max_length=40, description="Those of a sender, such as `api`.")
    # `from` is a word of the language.
    since: Instant = Field("", alias="from", description="Those that arrived then or later.")
    until: Instant = Field("", alias="to", description="Those that arrived before.")


class EventsPage(PageView):
    """A page of events."""

    events: list[EventView]


class EventDetailAnswer(View):
    """One event."""

    event: EventDetailView


EXAMPLE: dict[str, Any] = {
    "id": "01a20364-0bb6-73eb-9330-0f5a70953204",
    "userId": "ada",
    "event": "plan.upgraded",
    "properties": {"plan": "team"},
    "occurredAt": "2026-01-02T03:04:05.678Z",
    "receivedAt": "2026-01-02T03:04:05.678Z",
    "source": "api",
    "userEmail": "ada@example.com",
    "contactId": "01a20364-0b6e-72a7-b294-d14dbb994441",
}


@routes.route(
    "GET",
    "/v1/admin/events",
    scope="read",
    query=EventsQuery,
    answers={
        200: Answer(EventsPage, "The events.", {"events": [EXAMPLE], "limit": 50, "offset": 0})
    },
)
async def list_all(call: ApiCall[EventsQuery, None]) -> EventsPage:
    """Return events, newest first.

    A page that is filtered by `source`, or of a contact by anything, may have few events and still
    a `nextCursor`.
    """
    query, context, actor = call.query, call.context, call.actor
    matching = EventFilter(
        name=query.event,
        contact_ids=await find_contact_ids(context, actor, query.user_id)
        if query.user_id
        else None,
        source=query.source,
        since=datetime.fromisoformat(query.since) if query.since else None,
        until=datetime.fromisoformat(query.until) if query.until else None,
    )
    page = await list_events(
        context,
        actor,
        matching=matching,
        before=parse_cursor(query.cursor),
        limit=query.limit,
        offset=query.skipped,
    )
    views = [
        EventView(**_describe(event, page.contacts.get(event.contact_id or UUID(int=0))))
        for event in page.events
    ]
    return EventsPage(events=views, **describe_page(query, str(page.next_before or "")))


@routes.route(
    "GET",
    "/v1/admin/events/<event_id>",
    scope="read",
    answers={
        200: Answer(
            EventDetailAnswer,
            "The event.",
            {"event": {**EXAMPLE, "enrollments": [], "exits": [], "waits": []}},
        )
    },
    errors=(404,),
)
async def show(call: ApiCall[NoQuery, None]) -> EventDetailAnswer:
    """Return an event with what it started, ended and did not start."""
    event_id = parse_path_id(call.values["event_id"], "Event")
    detail = await get_event(call.context, call.actor, event_id)
    event = detail.event
    view = EventDetailView(
        **_describe(event, detail.contact),
        enrollments=[dict(decision) for decision in event.enrollments],
        exits=[dict(decision) for decision in event.exits],
        waits=[dict(decision) for decision in event.waits],
    )
    return EventDetailAnswer(event=view)


@routes.route(
    "POST",
    "/v1/admin/events/<event_id>/replay",
    scope="journey-admin",
    answers={202: Answer(EventAnswer, "The new event is stored.", EXAMPLE_ANSWER)},
    errors=(404, 409),
)
async def replay(call: ApiCall[NoQuery, None]) -> Reply:
    """Submit an event again, as a new event of the same contact that happens now."""
    event_id = parse_path_id(call.values["event_id"], "Event")
    result = await replay_event(call.context, call.actor, event_id)
    return Reply(EventAnswer.model_validate(result_to_json(result)), 202)


def _describe(event: EventLine, contact: Contact | None) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": event.id,
        "user_id": contact.key if contact else None,
        "event": event.name,
        "properties": dict(event.properties),
        "occurred_at": event.occurred_at,
        "received_at": event.received_at,
        "source": event.source,
        "user_email": contact.email if contact else None,
        "contact_id": event.contact_id,
    }
    if event.value is not None:
        fields |= {"value": event.value, "currency": event.currency}
    return fields
