"""Events: the live tail, one with what it caused and what it did not, and a form to fire one."""

from __future__ import annotations

from quart import request

from ...domain.incoming import IncomingEvent, check_text
from ...errors import HogsendError, InvalidInput
from ...store.read_models import events as screen
from ..auth import Answer
from ..pages import content, context, page, posted
from .base import PAGE_SIZE, address, back, blueprint, change, cursor, id_from, missing
from .forms import person_of, properties_of


@blueprint.get("/events")
async def list_events() -> Answer:
    """Show events as they come, newest first."""
    return await _page()


async def _page(*, problem: str = "", status: int = 200) -> Answer:
    name, database = request.args.get("name", "").strip()[:200], context().database
    found = await database.read_one(screen.newest(PAGE_SIZE + 1, name=name, before=cursor()))
    shown = found[:PAGE_SIZE]
    form = await posted()
    return page(
        "admin/events.html",
        status=status,
        events=shown,
        people=await screen.people_of(database, shown),
        name=name,
        older=address("/events", name=name, before=shown[-1].id) if found[PAGE_SIZE:] else "",
        newest=address("/events", name=name) if cursor() else "",
        fire=bool(request.args.get("fire") or problem),
        problem=problem,
        given={"event": "user.created", "person": "", "email": "", "properties": "", **form},
        triggers=sorted({one.trigger.event for one in content().registry.journeys.values()}),
    )


@blueprint.get("/events/<event_id>")
async def show_event(event_id: str) -> Answer:
    """Show one event: its payload, and for each journey what came of it and why."""
    database = context().database
    found = await database.read_one(screen.line(id_from(event_id, "event")))
    if found is None:
        raise missing("event")
    people = await screen.people_of(database, [found])
    return page(
        "admin/event.html",
        event=found,
        contact=people.get(found.contact_id) if found.contact_id else None,
        journeys=content().registry.journeys,
    )


@blueprint.post("/events")
async def fire_event() -> Answer:
    """Take a test event in, as if the product had sent it."""
    form = await posted()
    name, email = form.get("event", "").strip(), form.get("email", "").strip()
    try:
        wrong = check_text(name) or ("is longer than 200 characters" if len(name) > 200 else "")
        if not name or wrong:
            raise InvalidInput(f"The event's name {wrong or 'is missing'}.")
        typed = form.get("person", "").strip()
        known = person_of(typed or email)
        taken = await context().ingest.submit(
            IncomingEvent(
                name=name,
                properties=properties_of(form.get("properties", "")),
                source="dashboard",
                user_id=known.user_id,
                email=person_of(email).email if email else known.email,
            )
        )
    except HogsendError as error:
        return await _page(problem=str(error), status=400)
    await change([], "fire event", f"/events/{taken.event_id}", after={"name": name})
    return back(f"/events/{taken.event_id}")
