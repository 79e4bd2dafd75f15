"""`hogsend contacts`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import click

from ..domain.enrollment import LIVE_STATES, Enrollment
from ..domain.property_filter import FORMS
from ..domain.send_policy import EVERYTHING
from ..services.actor import COMMAND_LINE
from ..services.archive import write_archive
from ..services.contact_search import ContactQuery, IdentityKind, Sort, search_contacts
from ..services.contacts import (
    Contact,
    ContactDetail,
    find_contact,
    get_contact_detail,
)
from ..services.installation import Installation
from ..services.privacy import ErasureResult, StoredCounts, count_stored, erase_contact
from .contact_changes import create, edit, merge, unmerge
from .contact_files import export, import_
from .instance import run_with_installation
from .output import confirm, format_count, json_option, print_fields, print_json, print_table

# More enrollments of one contact than any shows.
_MAX_ENROLLMENTS = 1000


@click.group()
def contacts() -> None:
    """Show, change, import, export and erase contacts."""


for command in (create, edit, merge, unmerge, import_, export):
    contacts.add_command(command)


@contacts.command("list")
@click.option("--search", default="", help="The beginning of a user id, address or anonymous id.")
@click.option(
    "--where",
    multiple=True,
    metavar="FILTER",
    help=f"A condition on a property: {FORMS}. Repeat it for several, which all have to hold.",
)
@click.option(
    "--identity",
    type=click.Choice(get_args(IdentityKind)),
    default="all",
    show_default=True,
    help="Only contacts with a user id or an address, or only those without.",
)
@click.option(
    "--sort",
    type=click.Choice(get_args(Sort)),
    default="-lastSeen",
    show_default=True,
    help="The order; - turns it around.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=50,
    show_default=True,
    help="How many to show at most.",
)
@json_option
def list_(
    *,
    search: str,
    where: Sequence[str],
    identity: IdentityKind,
    sort: Sort,
    limit: int,
    as_json: bool,
) -> None:
    """List contacts, those seen last first."""
    query = ContactQuery(search, identity, where, sort, limit, is_thorough=True)
    page = run_with_installation(
        lambda installation: search_contacts(installation, COMMAND_LINE, query)
    )
    if as_json:
        print_json([_contact_to_json(contact) for contact in page.contacts])
        return
    is_filtered = search or where or identity != "all"
    print_table(
        ["id", "user id", "email", "last seen"],
        [
            (contact.id, contact.user_id, contact.email, contact.last_seen_at)
            for contact in page.contacts
        ],
        "No contacts match."
        if is_filtered
        else "No contacts yet. Create the first one by sending an event: "
        "`hogsend events send user.created --user-id 1 --email a@example.com`.",
    )


@contacts.command()
@click.argument("identity", metavar="CONTACT")
@json_option
def show(identity: str, as_json: bool) -> None:
    """Show one contact, found by its id, user id or email address."""

    async def find(installation: Installation) -> ContactDetail:
        contact = await find_contact(installation, COMMAND_LINE, identity)
        return await get_contact_detail(
            installation, COMMAND_LINE, contact.id, limit=_MAX_ENROLLMENTS
        )

    detail = run_with_installation(find)
    enrollments = [
        enrollment for enrollment in reversed(detail.enrollments) if enrollment.state in LIVE_STATES
    ]
    lists = {list_id: consent.subscribed for list_id, consent in detail.consents.items()}
    suppression = detail.suppression.reason if detail.suppression else None
    if as_json:
        print_json(
            {
                **_contact_to_json(detail.contact),
                "lists": lists,
                "suppressed": suppression,
                "enrollments": [_enrollment_to_json(enrollment) for enrollment in enrollments],
                "merged": [{"id": merge.merged_id, "at": merge.at} for merge in detail.merges],
            }
        )
        return
    contact = detail.contact
    subscriptions = [_describe_choice(*choice) for choice in lists.items()]
    journeys = [
        f"{enrollment.journey_id} ({enrollment.state}) {enrollment.id}"
        for enrollment in enrollments
    ]
    merges = [f"{merge.merged_id} by {merge.source}" for merge in detail.merges]
    print_fields(
        {
            "id": contact.id,
            "user id": contact.user_id,
            "email": contact.email,
            "first seen": contact.first_seen_at,
            "last seen": contact.last_seen_at,
            "properties": json.dumps(dict(contact.properties), indent=2, ensure_ascii=False),
            "lists": "\n".join(subscriptions) or "no choices yet",
            "suppressed": suppression or "no",
            "journeys": "\n".join(journeys) or "none",
            "merged": "\n".join(merges) or "none",
        }
    )


def _describe_choice(list_id: str, is_subscribed: bool) -> str:
    name = "all mail" if list_id == EVERYTHING else list_id
    return f"{name}: {'subscribed' if is_subscribed else 'unsubscribed'}"


@contacts.command()
@click.argument("identity", metavar="CONTACT")
@click.option("--yes", "is_confirmed", is_flag=True, help="Do not ask for confirmation.")
@json_option
def erase(identity: str, is_confirmed: bool, as_json: bool) -> None:
    """Erase everything personal about a contact; counts stay, and its addresses get no more mail.

    CONTACT is its id, user id or email address.
    """

    async def work(installation: Installation) -> ErasureResult | None:
        contact = await find_contact(installation, COMMAND_LINE, identity)
        counts = await count_stored(installation, COMMAND_LINE, contact.id)
        question = f"Erase {contact.label}: {_describe_counts(counts)}? This cannot be undone."
        if not is_confirmed and not confirm(question):
            return None
        return await erase_contact(installation, COMMAND_LINE, contact.id)

    result = run_with_installation(work)
    if result is None:
        click.echo("Nothing was erased.", err=True)
    elif as_json:
        print_json(
            {"id": result.contact_id, "finished": result.is_finished, **asdict(result.counts)}
        )
    elif result.is_finished:
        click.echo(f"Erased {_describe_counts(result.counts)}.")
    else:
        click.echo(
            f"Erased {_describe_counts(result.counts)}. A mail is leaving at the moment: what is "
            "recorded about it is erased within an hour after its delivery."
        )


@contacts.command()
@click.argument("identity", metavar="CONTACT")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Where to write it; by default a new file in the working folder.",
)
def archive(identity: str, output: Path | None) -> None:
    """Write everything that is stored about a contact into a ZIP file, for the person to read.

    CONTACT is its id, user id or email address.
    """

    async def work(installation: Installation) -> Path:
        contact = await find_contact(installation, COMMAND_LINE, identity)
        return await write_archive(installation, COMMAND_LINE, contact.id, output)

    click.echo(f"Wrote {run_with_installation(work)}.")


def _describe_counts(counts: StoredCounts) -> str:
    return (
        f"{format_count(counts.events, 'event')}, "
        f"{format_count(counts.enrollments, 'enrollment')} ({counts.live:,} still running), "
        f"{format_count(counts.sends, 'email')} ({counts.queued:,} still queued)"
    )


def _contact_to_json(contact: Contact) -> dict[str, Any]:
    return {
        "id": contact.id,
        "userId": contact.user_id,
        "email": contact.email,
        "anonymousId": contact.anonymous_id,
        "properties": dict(contact.properties),
        "firstSeenAt": contact.first_seen_at,
        "lastSeenAt": contact.last_seen_at,
    }


def _enrollment_to_json(enrollment: Enrollment) -> dict[str, Any]:
    return {
        "stateId": enrollment.id,
        "journeyId": enrollment.journey_id,
        "state": enrollment.state,
        "enteredAt": enrollment.entered_at,
        "wakeAt": enrollment.wake_at,
    }
