"""`hogsend contacts`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import click

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment
from ..domain.send_policy import Consents
from ..errors import NotFound
from ..services.installation import Installation
from ..store import consents, contact_list, enrollments
from ..store import contacts as contact_store
from .instance import with_installation
from .output import json_option, show_fields, show_json, show_table


@click.group()
def contacts() -> None:
    """Show contacts."""


@contacts.command("list")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many."
)
@json_option
def list_(limit: int, as_json: bool) -> None:
    """List the people that were seen last."""

    async def work(instance: Installation) -> list[Contact]:
        ids = await instance.database.read_one(contact_list.last_seen(limit))
        found = await instance.database.read_one(contact_store.by_ids(ids)) if ids else {}
        return [found[one] for one in ids if one in found]

    listed = with_installation(work)
    if as_json:
        show_json([_json(contact) for contact in listed])
        return
    show_table(
        ["id", "user id", "email", "last seen"],
        [(c.id, c.user_id, c.email, c.last_seen_at) for c in listed],
        "Nobody is known yet. `hogsend events send user.created --user-id 1 --email a@example.com` "
        "tells of the first one.",
    )


@contacts.command()
@click.argument("who")
@json_option
def show(who: str, as_json: bool) -> None:
    """Show one person, named by id, user id or email."""
    person = with_installation(lambda instance: _person(instance, who))
    if as_json:
        show_json(
            {
                **_json(person.contact),
                "lists": dict(person.consents.said),
                "suppressed": person.suppression,
                "enrollments": [_enrollment(one) for one in person.live],
            }
        )
        return
    contact = person.contact
    lists = [f"{name}: {'yes' if said else 'no'}" for name, said in person.consents.said.items()]
    live = [f"{e.journey_id} ({e.state}) {e.id}" for e in person.live]
    show_fields(
        {
            "id": contact.id,
            "user id": contact.user_id,
            "email": contact.email,
            "first seen": contact.first_seen_at,
            "last seen": contact.last_seen_at,
            "properties": json.dumps(dict(contact.properties), indent=2, ensure_ascii=False),
            "said of lists": "\n".join(lists) or "nothing",
            "suppressed": person.suppression or "no",
            "live in": "\n".join(live) or "no journey",
        }
    )


@dataclass(frozen=True, slots=True)
class _Person:
    contact: Contact
    consents: Consents
    suppression: str | None
    live: list[Enrollment]


async def _person(instance: Installation, who: str) -> _Person:
    read = instance.database.read
    named = [f"u:{who}", f"e:{who.strip().lower()}", f"a:{who}"]
    (by_identity,) = await read(contact_store.by_identities(named))
    contact = next((by_identity[name] for name in named if name in by_identity), None)
    if contact is None and (contact_id := _id(who)):
        (contact,) = await read(contact_store.find(contact_id))
    if contact is None:
        raise NotFound(
            f"Nobody is known as {who!r}.", "Name an id, a user id or an email address in full."
        )
    said, live, suppressed = await read(
        consents.of_contacts([contact.id]),
        enrollments.live_of([contact.id]),
        consents.suppressed([contact.email or ""]),
    )
    return _Person(
        contact, said.get(contact.id, Consents()), suppressed.get(contact.email or ""), live
    )


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _json(contact: Contact) -> dict[str, Any]:
    return {
        "id": contact.id,
        "userId": contact.user_id,
        "email": contact.email,
        "anonymousId": contact.anonymous_id,
        "properties": dict(contact.properties),
        "firstSeenAt": contact.first_seen_at,
        "lastSeenAt": contact.last_seen_at,
    }


def _enrollment(enrollment: Enrollment) -> dict[str, Any]:
    return {
        "stateId": enrollment.id,
        "journeyId": enrollment.journey_id,
        "state": enrollment.state,
        "enteredAt": enrollment.entered_at,
        "wakeAt": enrollment.wake_at,
    }
