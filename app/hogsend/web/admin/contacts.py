"""Contacts: found by anything they are known by, and one with everything that concerns them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from quart import request

from ...domain.incoming import IncomingEvent
from ...domain.journey import EVERYTHING, MailList
from ...domain.send_policy import Consents, Send
from ...store import consents, contacts
from ...store.read_models import contacts as screen
from ...store.read_models.contacts import ContactPage, Hit, ListWord, Place
from ...store.read_models.events import EventLine
from .. import formatting
from ..auth import Answer
from ..pages import content, context, page, posted
from .base import PAGE_SIZE, address, back, blueprint, change, id_from, missing
from .timeline import TimelineEntry

LONGEST_STORY = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """A list as one contact has it.

    Args:
        list: the list.
        gets: whether its mail reaches the contact, "everything" considered.
        chosen: whether the contact is on it, "everything" left aside.
        said: what the contact or an operator said about it, if anything.
    """

    list: MailList
    gets: bool
    chosen: bool
    said: ListWord | None


@blueprint.get("/contacts")
async def list_contacts() -> Answer:
    """Show contacts, those seen last first, or those known by a text."""
    database, text = context().database, request.args.get("q", "").strip()[:320]
    after = Place.read(request.args.get("after", ""))
    if text:
        query = screen.known_as(text, PAGE_SIZE, is_sqlite=database.is_sqlite)
    else:
        query = screen.newest_ids(PAGE_SIZE + 1, after)
    ids = await database.read_one(query)
    found = await screen.in_order(database, ids[:PAGE_SIZE])
    older = ""
    if ids[PAGE_SIZE:] and found and found[-1].last_seen_at:
        older = address("/contacts", after=Place(found[-1].last_seen_at, found[-1].id))
    return page(
        "admin/contacts.html",
        contacts=found,
        text=text,
        older=older,
        newest="/contacts" if after else "",
        full=bool(text) and len(ids) >= PAGE_SIZE,
    )


@blueprint.get("/contacts/<contact_id>")
async def show_contact(contact_id: str) -> Answer:
    """Show one contact: properties, consent, journeys, mails, and everything in order."""
    database, asked = context().database, id_from(contact_id, "contact")
    found = await screen.load(database, asked, LONGEST_STORY)
    if found is None:
        survivor = await database.read_one(contacts.survivor_of(asked))
        if survivor is None:
            raise missing("contact")
        return back(f"/contacts/{survivor}")
    engaged = [send.id for send in found.sends if send.opened_at or send.clicked_at]
    hits: list[Hit] = []
    if engaged:
        hits = await database.read_one(screen.hits_of(engaged, LONGEST_STORY))
    return page(
        "admin/contact.html",
        found=found,
        contact=found.contact,
        lists=_lists(found),
        stopped=EVERYTHING in found.said and not found.said[EVERYTHING].subscribed,
        everything=found.said.get(EVERYTHING),
        story=_story(found, hits),
        journeys=content().registry.journeys,
    )


def _lists(found: ContactPage) -> list[Listed]:
    consent = Consents({name: word.subscribed for name, word in found.said.items()})
    return [
        Listed(
            one,
            gets=consent.gets(one),
            chosen=one.transactional or consent.said.get(one.id, one.default_opt_in),
            said=found.said.get(one.id),
        )
        for one in content().registry.lists.values()
    ]


def _story(found: ContactPage, hits: Sequence[Hit]) -> list[TimelineEntry]:
    """Tell everything that concerns a contact in one line of time, newest first."""
    names = {one.id: one.name for one in content().registry.journeys.values()}
    told: list[TimelineEntry] = [entry for event in found.events for entry in _happened(event)]
    for enrollment in found.enrollments:
        name = names.get(enrollment.journey_id, enrollment.journey_id)
        link = ((f"/enrollments/{enrollment.id}", "what happened in it"),)
        told.append(TimelineEntry(enrollment.entered_at, "act", f"Entered {name}", links=link))
        if enrollment.ended_at:
            kind = {"completed": "sent", "failed": "bad"}.get(enrollment.state, "no")
            why = "" if enrollment.end_reason == enrollment.state else enrollment.end_reason
            title = f"{enrollment.state.replace('_', ' ').capitalize()} {name}"
            told.append(
                TimelineEntry(
                    enrollment.ended_at, kind, title, notes=(formatting.reason(why),), links=link
                )
            )
    told.extend(_mailed(send) for send in found.sends)
    subjects = {send.id: send.subject or send.template for send in found.sends}
    told.extend(_hit(hit, subjects) for hit in hits)
    told.extend(_said(found))
    told.sort(key=_when, reverse=True)
    return told[:LONGEST_STORY]


def _when(entry: TimelineEntry) -> datetime:
    assert entry.at is not None  # noqa: S101 (what happened has an instant)
    return entry.at


def _happened(event: EventLine) -> Iterator[TimelineEntry]:
    told = event.properties.get("lists")
    if event.source in ("recipient", "dashboard") and isinstance(told, dict):
        for list_id, subscribed in cast("dict[str, bool]", told).items():
            yield _consent(event, list_id, subscribed=subscribed)
        return
    notes = ["" if event.source == "api" else f"from the {event.source}"]
    notes += [f"{name} {formatting.plain(value)}" for name, value in _few(event.properties)]
    link = ((f"/events/{event.id}", "what it caused"),)
    yield TimelineEntry(event.received_at, "", event.name, notes=tuple(notes), links=link)


def _consent(event: EventLine, list_id: str, *, subscribed: bool) -> TimelineEntry:
    lists = content().registry.lists
    named = lists[list_id].name if list_id in lists else list_id
    what = "all mail" if list_id == EVERYTHING else named
    verb = "Subscribed to" if subscribed else "Unsubscribed from"
    links = [(f"/events/{event.id}", "what it caused")]
    if event.properties.get("sendId"):
        links.insert(0, (f"/emails/{event.properties['sendId']}", "by this mail"))
    by = "by the recipient" if event.source == "recipient" else "by an operator"
    kind = "act" if subscribed else "no"
    return TimelineEntry(event.received_at, kind, f"{verb} {what}", notes=(by,), links=tuple(links))


def _few(properties: Any) -> Iterator[tuple[str, Any]]:
    for name, value in list(properties.items())[:3]:
        if not isinstance(value, dict | list):
            yield name, value


def _mailed(send: Send) -> TimelineEntry:
    title = f"“{send.subject}”" if send.subject else send.template
    notes = (send.template if send.subject else "", formatting.reason(send.reason))
    link = ((f"/emails/{send.id}", "see the mail"),)
    at = send.sent_at or send.created_at
    if send.status in ("suppressed", "skipped"):
        link = ((f"/emails/{send.id}", "see the record"),)
        return TimelineEntry(at, "no", f"Did not send {title}", notes[1], "bad", (notes[0],), link)
    said = {"sent": "Sent", "delivered": "Sent", "queued": "Queued", "sending": "Sending"}
    verb = said.get(send.status, send.status.replace("_", " ").capitalize() + ":")
    kinds = {"sent": "sent", "delivered": "sent", "queued": "act", "sending": "act"}
    return TimelineEntry(
        at, kinds.get(send.status, "bad"), f"{verb} {title}", notes=notes, links=link
    )


def _hit(hit: Hit, subjects: dict[UUID, str]) -> TimelineEntry:
    verb = "Opened" if hit.kind == "open" else "Clicked in"
    by = {"machine": "a machine", "unsure": "someone or something"}.get(hit.verdict, "")
    link = ((f"/emails/{hit.send_id}", "see the mail"),)
    notes = (f"by {by}" if by else "", hit.url or "")
    return TimelineEntry(
        hit.at, "" if by else "act", f"{verb} “{subjects[hit.send_id]}”", notes=notes, links=link
    )


def _said(found: ContactPage) -> Iterator[TimelineEntry]:
    """Tell what the contact's events do not: consent by way of the API, and suppression."""
    for word in found.said.values():
        if word.source not in ("recipient", "dashboard"):
            verb = "Subscribed to" if word.subscribed else "Unsubscribed from"
            what = "all mail" if word.list_id == EVERYTHING else word.list_id
            kind = "act" if word.subscribed else "no"
            yield TimelineEntry(word.at, kind, f"{verb} {what}", notes=(f"by the {word.source}",))
    if found.stop is not None:
        link = ((f"/emails/{found.stop.send_id}", "by this mail"),) if found.stop.send_id else ()
        why = formatting.reason(found.stop.reason)
        title = f"{found.stop.address} suppressed"
        yield TimelineEntry(found.stop.at, "bad", title, why, "bad", links=link)


@blueprint.post("/contacts/<contact_id>/consent")
async def change_consent(contact_id: str) -> Answer:
    """Subscribe a contact to a list or to nothing at all; the change is an event of theirs."""
    found, form = id_from(contact_id, "contact"), await posted()
    list_id, subscribed = form.get("list", ""), form.get("subscribed") == "1"
    if list_id != EVERYTHING and list_id not in content().registry.lists:
        raise missing("list")
    name = "contact.preferences_changed" if subscribed else "contact.unsubscribed"
    scope = "all" if list_id == EVERYTHING else "category"
    await context().ingest.submit(
        IncomingEvent(
            name=name,
            contact_id=found,
            properties={"scope": scope, "lists": {list_id: subscribed}},
            lists={list_id: subscribed},
            source="dashboard",
        )
    )
    path = f"/contacts/{found}"
    after = {"list": list_id, "subscribed": subscribed}
    await change([], "subscribe" if subscribed else "unsubscribe", path, "contacts", after=after)
    if list_id == EVERYTHING:
        return back(path, "resumed" if subscribed else "stopped")
    return back(path, "subscribed" if subscribed else "unsubscribed")


@blueprint.post("/contacts/<contact_id>/unsuppress")
async def unsuppress_contact(contact_id: str) -> Answer:
    """Let mail go to a contact's address again."""
    found = await context().database.read_one(contacts.find(id_from(contact_id, "contact")))
    if found is None or found.email is None:
        raise missing("contact")
    path = f"/contacts/{found.id}"
    write = consents.unsuppress(found.email)
    await change([write], "unsuppress", path, "contacts", before={"address": found.email})
    return back(path, "unsuppressed")
