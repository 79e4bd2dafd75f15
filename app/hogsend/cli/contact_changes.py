"""`hogsend contacts create`, `edit`, `merge` and `unmerge`."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import click

from ..services.actor import COMMAND_LINE
from ..services.contact_changes import ContactChange, create_contact, edit_contact
from ..services.contacts import Contact, find_contact
from ..services.journey_context import JourneyContext
from ..services.merging import merge_contacts, unmerge_contact
from .contact_options import (
    identity_options,
    parse_properties,
    property_option,
    require_identity,
    validate_email,
)
from .instance import run_with_journeys
from .output import json_option, make_printable, print_json


@click.command()
@identity_options
@property_option
@json_option
def create(
    user_id: str | None, email: str | None, properties: Sequence[str], as_json: bool
) -> None:
    """Create a contact."""
    require_identity(user_id, email)
    change = ContactChange(user_id, email, properties=parse_properties(properties))
    contact = run_with_journeys(lambda context: create_contact(context, COMMAND_LINE, change))
    _print(contact, "Created", as_json)


@click.command()
@click.argument("identity", metavar="CONTACT")
@click.option(
    "--email", callback=validate_email, help="The address that email goes to from now on."
)
@property_option
@json_option
def edit(identity: str, email: str | None, properties: Sequence[str], as_json: bool) -> None:
    """Change a contact's address or properties."""
    changes = parse_properties(properties)
    if not email and not changes:
        raise click.UsageError("Give --email or --prop.")

    async def run(context: JourneyContext) -> Contact:
        contact = await find_contact(context, COMMAND_LINE, identity)
        return await edit_contact(
            context, COMMAND_LINE, contact.id, email=email, properties=changes
        )

    _print(run_with_journeys(run), "Changed", as_json)


@click.command()
@click.argument("identity", metavar="CONTACT")
@click.argument("other", metavar="OTHER")
@click.option("--force", is_flag=True, help="Also merge contacts with different user ids.")
@click.option("--note", default="", help="Why they are one person; needed with --force.")
@json_option
def merge(identity: str, other: str, force: bool, note: str, as_json: bool) -> None:
    """Merge two contacts that are one person."""

    async def run(context: JourneyContext) -> Contact:
        kept, second = [
            await find_contact(context, COMMAND_LINE, name) for name in (identity, other)
        ]
        return await merge_contacts(
            context, COMMAND_LINE, kept.id, second.id, force=force, note=note
        )

    _print(run_with_journeys(run), "Merged into", as_json)


@click.command()
@click.argument("contact_id", metavar="CONTACT_ID", type=click.UUID)
@json_option
def unmerge(contact_id: UUID, as_json: bool) -> None:
    """Undo the merge of a contact into another."""
    split = run_with_journeys(lambda context: unmerge_contact(context, COMMAND_LINE, contact_id))
    stay_ended = [
        {"stateId": ended.id, "journeyId": ended.journey_id, "contactId": ended.contact_id}
        for ended in split.stay_ended
    ]
    if as_json:
        print_json({**_to_json(split.contact), "stayEnded": stay_ended})
        return
    _print(split.contact, "Split off", as_json)
    for ended in split.stay_ended:
        click.echo(
            f"Enrollment {ended.id} in {ended.journey_id}, which the merge has ended, stays ended."
        )


def _to_json(contact: Contact) -> dict[str, object]:
    return {
        "id": contact.id,
        "userId": contact.user_id,
        "email": contact.email,
        "anonymousId": contact.anonymous_id,
        "properties": dict(contact.properties),
    }


def _print(contact: Contact, done: str, as_json: bool) -> None:
    if as_json:
        print_json(_to_json(contact))
    else:
        click.echo(f"{done} {make_printable(contact.label)} ({contact.id}).")
