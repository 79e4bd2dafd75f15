"""Events: the live list, one event with what it caused, and a form to send a test event."""

from __future__ import annotations

from quart import request

from ...errors import InvalidInput
from ...services import events
from ..pages import get_content, get_context, read_form, render_page
from ..session import WebResponse
from .base import (
    FORM_ERRORS,
    PAGE_SIZE,
    blueprint,
    build_url,
    get_actor,
    parse_id,
    read_before_id,
    redirect_with_notice,
)
from .forms import Identity, parse_email, parse_identity, parse_properties


@blueprint.get("/events")
async def list_events() -> WebResponse:
    """Show events as they arrive, newest first."""
    return await _render_events()


async def _render_events(*, problem: str = "", status: int = 200) -> WebResponse:
    name = request.args.get("name", "").strip()[:200]
    matching = events.EventFilter(name)
    result = await events.list_events(
        get_context(), get_actor(), matching=matching, before=read_before_id(), limit=PAGE_SIZE
    )
    form = await read_form()
    return render_page(
        "admin/events.html",
        status=status,
        events=result.events,
        contacts=result.contacts,
        name=name,
        older=build_url("/events", name=name, before=result.next_before)
        if result.next_before
        else "",
        newest=build_url("/events", name=name) if read_before_id() else "",
        is_form_open=bool(request.args.get("fire") or problem),
        problem=problem,
        form={"event": "user.created", "person": "", "email": "", "properties": "", **form},
        triggers=sorted(
            {journey.trigger.event for journey in get_content().registry.journeys.values()}
        ),
    )


@blueprint.get("/events/<event_id>")
async def show_event(event_id: str) -> WebResponse:
    """Show one event: its payload, and what came of it in each journey and why."""
    detail = await events.get_event(get_context(), get_actor(), parse_id(event_id, "event"))
    return render_page(
        "admin/event.html",
        event=detail.event,
        contact=detail.contact,
        journeys=get_content().registry.journeys,
    )


@blueprint.post("/events/<event_id>/replay")
async def replay_event(event_id: str) -> WebResponse:
    """Submit an event again, as a new event that happens now."""
    event = parse_id(event_id, "event")
    result = await events.replay_event(get_context(), get_actor(), event)
    return redirect_with_notice(f"/events/{result.event_id}")


@blueprint.post("/events")
async def send_test_event() -> WebResponse:
    """Submit a test event, as if the product had sent it."""
    form = await read_form()
    person, email = form.get("person", "").strip(), form.get("email", "").strip()
    try:
        if not person and not email:
            raise InvalidInput("“User ID” and “Email” are both empty.", "Fill in one of them.")
        identity = parse_identity(person, "User ID") if person else Identity()
        result = await events.send_test_event(
            get_context(),
            get_actor(),
            form.get("event", "").strip(),
            user_id=identity.user_id,
            email=parse_email(email, "Email") if email else identity.email,
            properties=parse_properties(form.get("properties", ""), "Properties"),
        )
    except FORM_ERRORS as error:
        return await _render_events(problem=str(error), status=400)
    return redirect_with_notice(f"/events/{result.event_id}")
