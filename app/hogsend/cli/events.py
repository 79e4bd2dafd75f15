"""`hogsend events`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from ..errors import ConfigError
from .api_client import post
from .contact_options import identity_options, parse_properties, property_option, require_identity
from .instance import load_current_settings
from .output import json_option, print_json


@click.group()
def events() -> None:
    """Send events to the running server."""


@events.command()
@click.argument("name")
@identity_options
@property_option
@click.option(
    "--contact-prop",
    "contact_properties",
    multiple=True,
    metavar="NAME=VALUE",
    help="A property to store with the contact. Repeat it for several properties.",
)
@click.option("--idempotency-key", help="An event with the same key is stored only once.")
@json_option
def send(
    *,
    name: str,
    user_id: str | None,
    email: str | None,
    properties: tuple[str, ...],
    contact_properties: tuple[str, ...],
    idempotency_key: str | None,
    as_json: bool,
) -> None:
    """Send an event to the running server, and show which journeys it started and ended.

    Needs HOGSEND_API_KEY.
    """
    require_identity(user_id, email)
    fields = {
        "name": name,
        "userId": user_id,
        "email": email,
        "eventProperties": parse_properties(properties),
        "contactProperties": parse_properties(contact_properties),
        "idempotencyKey": idempotency_key,
    }
    settings = load_current_settings()
    if settings.api_key is None:
        raise ConfigError(
            "HOGSEND_API_KEY is not set, and sending events needs an API key.",
            "Create one with `hogsend keys create --scope ingest`, and set HOGSEND_API_KEY to it, "
            "for example in .env.",
        )
    body = {field: value for field, value in fields.items() if value}
    answer = post(settings, "/v1/events", body)
    if as_json:
        print_json(answer)
        return
    for line in _describe(answer):
        click.echo(line)


def _describe(answer: Mapping[str, Any]) -> list[str]:
    """Return the outcome of an event, line by line."""
    lines: list[str] = []
    for decision in answer.get("enrollments", []):
        reason = f", {decision['reason']}" if decision.get("reason") else ""
        lines.append(f"{decision['journeyId']}: {decision['outcome']}{reason}")
    lines += [f"{end['journeyId']}: exited" for end in answer.get("exits", []) if end["exited"]]
    if not answer.get("stored"):
        event_id = answer.get("eventId")
        return [f"Nothing changed: event {event_id} has the same idempotency key.", *lines]
    return [
        f"Stored as event {answer['eventId']} of contact {answer['contactKey']}.",
        *(lines or ["No journey starts or ends with it."]),
    ]
