"""Emails: the ledger, and one mail with its attempts, its rendering and what was done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from quart import Response, request

from ...domain.contact import Contact
from ...domain.send_policy import Send, SendStatus
from ...store import contacts, sends
from ...store.read_models import contacts as contact_screen
from ...store.read_models import emails as screen
from ...store.read_models.contacts import Hit
from ..auth import Answer
from ..pages import content, context, page
from . import mail_parts
from .base import PAGE_SIZE, address, blueprint, cursor, id_from, missing

STATUSES: tuple[str, ...] = get_args(SendStatus)
MOST_HITS = 200


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to hand a mail over.

    Args:
        at: when.
        outcome: what came of it.
        reply: what the server said.
    """

    at: datetime
    outcome: str
    reply: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a mail and how often it was clicked."""

    url: str
    people: int
    machines: int


@blueprint.get("/emails")
async def list_emails() -> Answer:
    """Show the ledger, newest first, refused mails with their reasons included."""
    asked, database = request.args, context().database
    status = asked.get("status", "") if asked.get("status") in STATUSES else ""
    journey_id = asked.get("journey", "").strip()[:100]
    found = await database.read_one(
        screen.newest(PAGE_SIZE + 1, status=status, journey_id=journey_id, before=cursor())
    )
    shown: Sequence[Send] = found[:PAGE_SIZE]
    people: Mapping[UUID, Contact] = {}
    if shown:
        people = await database.read_one(contacts.by_ids({send.contact_id for send in shown}))
    kept = {"status": status, "journey": journey_id}
    return page(
        "admin/emails.html",
        sends=shown,
        people=people,
        wanted=status,
        statuses=STATUSES,
        journey_id=journey_id,
        journeys=content().registry.journeys,
        older=address("/emails", **kept, before=shown[-1].id) if found[PAGE_SIZE:] else "",
        newest=address("/emails", **kept) if cursor() else "",
    )


async def _send(send_id: str) -> Send:
    found = await context().database.read_one(screen.one(id_from(send_id, "email")))
    if found is None:
        raise missing("email")
    return found


@blueprint.get("/emails/<send_id>")
async def show_email(send_id: str) -> Answer:
    """Show one mail: where it stands and why, what servers said, how it looks, who clicked."""
    send, database = await _send(send_id), context().database
    kept, hits, people = await database.read(
        sends.mail_of(send.id),
        contact_screen.hits_of([send.id], MOST_HITS),
        contacts.by_ids([send.contact_id]),
    )
    return page(
        "admin/email.html",
        send=send,
        contact=people.get(send.contact_id),
        journeys=content().registry.journeys,
        mail_list=content().registry.lists.get(send.list_id),
        attempts=[_attempt(one) for one in send.attempts],
        mail=mail_parts.take_apart(kept.raw) if kept else None,
        sender=kept.from_email if kept else "",
        links=_links(kept.links if kept else (), hits),
        hits=hits,
        view=request.args.get("view", "html"),
    )


def _attempt(stored: Mapping[str, Any]) -> Attempt:
    return Attempt(
        datetime.fromisoformat(str(stored["at"])),
        str(stored.get("outcome", "")).replace("_", " "),
        str(stored.get("reply", "")),
    )


def _links(urls: Sequence[str], hits: Sequence[Hit]) -> list[Link]:
    clicks = [hit for hit in hits if hit.kind == "click"]
    return [
        Link(
            url,
            sum(hit.url == url and hit.verdict != "machine" for hit in clicks),
            sum(hit.url == url and hit.verdict == "machine" for hit in clicks),
        )
        for url in dict.fromkeys(urls)
    ]


@blueprint.get("/emails/<send_id>/html")
async def email_html(send_id: str) -> Response:
    """Give a mail's HTML to its frame; looking at it counts as no opening and no click."""
    found = await context().database.read_one(sends.mail_of((await _send(send_id)).id))
    if found is None:
        raise missing("rendered mail")
    return mail_parts.framed(mail_parts.take_apart(found.raw).html, links_work=False)
