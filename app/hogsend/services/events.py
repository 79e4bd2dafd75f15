"""Events: submitted by products and operators, listed, and read with what each caused."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from ..domain.contact import Contact
from ..domain.ids import compute_first_id
from ..domain.incoming import IncomingEvent, IngestResult, check_text
from ..errors import Conflict, InvalidInput, NotFound, StoreUnavailable
from ..ingest.parsing import EventBody, build_event, parse_event, parse_event_body, parse_item
from ..store.db import Database, Write
from ..store.read_models import events as read_model
from ..store.read_models.events import ALL_EVENTS, EventFilter, EventLine
from .actor import Actor, Permission
from .audit import build_audit_entry
from .context import ServiceContext
from .identity_claims import authorize_claim
from .installation import Installation
from .masked_mail import mask_event
from .stepwise import read_stepwise

__all__ = [
    "EventBody",
    "EventDetail",
    "EventFilter",
    "EventLine",
    "EventPage",
    "IngestResult",
    "get_event",
    "list_events",
    "replay_event",
    "send_test_event",
    "submit_batch",
    "submit_event_json",
]

_MAX_NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page of events.

    Args:
        events: newest first.
        contacts: their contacts, by id.
        next_before: the event before which the next page starts; None on the last page.
    """

    events: Sequence[EventLine]
    contacts: Mapping[UUID, Contact]
    next_before: UUID | None = None


@dataclass(frozen=True, slots=True)
class EventDetail:
    """An event and its contact; None when the event names no contact yet."""

    event: EventLine
    contact: Contact | None


def submit_event_json(
    context: ServiceContext, actor: Actor, raw: bytes, idempotency_key: str | None
) -> Awaitable[IngestResult]:
    """Submit the body of `POST /v1/events`.

    Not a coroutine itself: this is the hottest path of the server.

    Args:
        context: where the event is stored.
        actor: who submits it.
        raw: the body as it was sent.
        idempotency_key: from the request's header; it wins over the body's.

    Returns:
        What came of the event, once it and all that it caused are durable.

    Raises:
        Forbidden: the actor may not ingest.
        InvalidInput: the body is not JSON, or a field is not valid.
        TooLarge: the event is past the size limit.
    """
    if actor.is_publishable:
        return _submit_public_event(context, actor, raw, idempotency_key)
    actor.require(Permission.INGEST)
    return context.ingest.submit(parse_event(raw, idempotency_key))


async def _submit_public_event(
    context: ServiceContext, actor: Actor, raw: bytes, idempotency_key: str | None
) -> IngestResult:
    """Submit an event of a web page, which may name nobody but its visitor."""
    actor.require(Permission.INGEST_PUBLIC)
    body = parse_event_body(raw)
    authorize_claim(
        context, actor, user_id=body.user_id, email=body.email, user_token=body.user_token
    )
    event = build_event(body, raw, idempotency_key, may_be_anonymous=True)
    # A page cannot speak for the recipient of mails.
    public = replace(event, lists={}, source=actor.event_source, is_public=True)
    return await context.ingest.submit(public)


async def submit_batch(
    context: ServiceContext, actor: Actor, bodies: Sequence[Any], *, has_escapes: bool = True
) -> Sequence[IngestResult | Exception]:
    """Submit several events; each succeeds or fails by itself.

    Args:
        context: where the events are stored.
        actor: who submits them.
        bodies: the events, as they were parsed from JSON.
        has_escapes: whether the JSON text has `\\u` escapes; without, its strings are not checked.

    Returns:
        For each event what came of it, or the error that refused it.

    Raises:
        Forbidden: the actor may not ingest.
        StoreUnavailable: no event was stored, and at least one may be submitted again later.
    """
    actor.require(Permission.INGEST)
    results = await context.ingest.submit_all(
        [_parse(body, has_escapes=has_escapes) for body in bodies]
    )
    if not any(isinstance(result, IngestResult) for result in results):
        for result in results:
            if isinstance(result, StoreUnavailable):
                raise result
    return results


def _parse(body: Any, *, has_escapes: bool) -> IncomingEvent | Exception:
    try:
        return parse_item(body, has_escapes=has_escapes)
    except Exception as error:
        return error


async def send_test_event(
    context: ServiceContext,
    actor: Actor,
    name: str,
    *,
    user_id: str | None = None,
    email: str | None = None,
    properties: Mapping[str, Any],
) -> IngestResult:
    """Submit an event by hand, as if the product had sent it.

    Args:
        context: where the event is stored.
        actor: who sends it.
        name: what happened.
        user_id: the contact, by the product's id.
        email: the contact, by address.
        properties: the event's properties.

    Raises:
        Forbidden: the actor may not operate.
        InvalidInput: the name is empty, too long or not printable.
    """
    actor.require(Permission.OPERATE)
    if not name:
        raise InvalidInput("The event has no name.", "Enter a name such as user.created.")
    problem = check_text(name)
    if len(name) > _MAX_NAME_LENGTH:
        problem = f"is longer than {_MAX_NAME_LENGTH} characters"
    if problem:
        raise InvalidInput(f"The event's name {problem}.", "Enter a name such as user.created.")

    def write_audit_entry(result: IngestResult) -> Sequence[Write]:
        subject = f"/events/{result.event_id}"
        return [build_audit_entry(context, actor, "fire event", subject, after={"name": name})]

    return await context.ingest.submit_with_rows(
        IncomingEvent(
            name=name,
            properties=properties,
            source=actor.event_source,
            user_id=user_id,
            email=email,
        ),
        write_audit_entry,
    )


async def list_events(
    installation: Installation,
    actor: Actor,
    *,
    matching: EventFilter = ALL_EVENTS,
    before: UUID | None = None,
    limit: int,
    offset: int = 0,
) -> EventPage:
    """Return events, newest first.

    The links in them, such as of a click, are masked for an actor who may only read. A page that is
    filtered by source, or of a contact by anything, may have fewer events than the limit although
    there are more.

    Args:
        installation: whose events.
        actor: who reads them.
        matching: only events that match it.
        before: only events older than this one.
        limit: how many at most.
        offset: how many of the newest to leave out.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    database = installation.database
    events, next_before = await _read_page(database, matching, before, offset, limit)
    if not actor.can_act_for_recipients:
        events = [mask_event(event) for event in events]
    return EventPage(events, await read_model.load_contacts(database, events), next_before)


async def _read_page(
    database: Database, matching: EventFilter, before: UUID | None, offset: int, limit: int
) -> tuple[Sequence[EventLine], UUID | None]:
    """Return a page of events, and the id before which the next one begins."""
    if matching.is_selective:
        lines = await database.read_one(
            read_model.find_newest(limit + 1, matching=matching, before=before, offset=offset)
        )
        page = lines[:limit]
        return page, page[-1].id if len(lines) > limit and page else None
    steps = await read_stepwise(
        database,
        lambda before, budget: read_model.find_bound(matching, before, budget),
        lambda before, down_to, limit: read_model.find_newest(
            limit, matching=matching, before=before, down_to=down_to
        ),
        lambda line: line.id,
        before=before,
        limit=offset + limit,
    )
    next_before = steps.next_before
    if next_before and matching.since and next_before < compute_first_id(matching.since):
        next_before = None
    return steps.items[offset:], next_before


async def replay_event(context: ServiceContext, actor: Actor, event_id: UUID) -> IngestResult:
    """Submit an event again, as a new event of the same contact that happens now.

    Journeys decide by their rules as they are now.

    Args:
        context: where the event is stored.
        actor: who replays it.
        event_id: which event.

    Returns:
        What came of the new event.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such event.
        Conflict: its contact is not known any more.
    """
    actor.require(Permission.OPERATE)
    detail = await get_event(context, actor, event_id)
    event, contact = detail.event, detail.contact
    if contact is None or not (contact.user_id or contact.email or contact.anonymous_id):
        raise Conflict("This event has no contact to replay it for.")

    def write_audit_entry(result: IngestResult) -> Sequence[Write]:
        subject, after = f"/events/{event_id}", {"event": str(result.event_id)}
        return [build_audit_entry(context, actor, "replay event", subject, after=after)]

    return await context.ingest.submit_with_rows(
        IncomingEvent(
            name=event.name,
            properties=event.properties,
            source=actor.event_source,
            user_id=contact.user_id,
            email=None if contact.user_id else contact.email,
            anonymous_id=None if contact.user_id or contact.email else contact.anonymous_id,
            value=event.value,
            currency=event.currency,
        ),
        write_audit_entry,
    )


async def get_event(installation: Installation, actor: Actor, event_id: UUID) -> EventDetail:
    """Return an event with its payload and what it caused.

    The links in it, such as of a click, are masked for an actor who may only read.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no such event.
    """
    actor.require(Permission.READ)
    event = await installation.database.read_one(read_model.find(event_id))
    if event is None:
        raise NotFound(
            "There is no such event.", "It may have been removed, or the link is incomplete."
        )
    if not actor.can_act_for_recipients:
        event = mask_event(event)
    contacts = await read_model.load_contacts(installation.database, [event])
    contact = contacts.get(event.contact_id) if event.contact_id else None
    return EventDetail(event, contact)
