"""`hogsend events`."""

from __future__ import annotations

from typing import Any

import click

from ..errors import ConfigError
from .api_client import post
from .contact_options import identity_options, properties_of, property_option, require_identity
from .instance import current_settings
from .output import json_option, show_json


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
    help="What to remember of the person; may be given several times.",
)
@click.option("--idempotency-key", help="The same key again changes nothing.")
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
    """Send an event through the running server's API, and show what it started and ended.

    Needs HOGSEND_API_KEY.
    """
    require_identity(user_id, email)
    body = {
        "name": name,
        "userId": user_id,
        "email": email,
        "eventProperties": properties_of(properties),
        "contactProperties": properties_of(contact_properties),
        "idempotencyKey": idempotency_key,
    }
    settings = current_settings()
    if settings.api_key is None:
        raise ConfigError(
            "There is no API key to send events with.",
            "Set HOGSEND_API_KEY, such as in .env, to a key that "
            "`hogsend keys create --scope ingest` prints.",
        )
    given = {field: value for field, value in body.items() if value}
    answer = post(settings, "/v1/events", given)
    if as_json:
        show_json(answer)
    else:
        for line in _lines(answer):
            click.echo(line)


def _lines(answer: dict[str, Any]) -> list[str]:
    lines = [
        f"Stored as {answer['eventId']}, for {answer['contactKey']}."
        if answer.get("stored")
        else f"Nothing changed: this key was used before, for event {answer.get('eventId')}."
    ]
    for one in answer.get("enrollments", []):
        outcome = f"{one['outcome']}, {one['reason']}" if one.get("reason") else one["outcome"]
        lines.append(f"{one['journeyId']}: {outcome}")
    lines += [f"{one['journeyId']}: exited" for one in answer.get("exits", []) if one["exited"]]
    if len(lines) == 1 and answer.get("stored"):
        lines.append("No journey listens for it.")
    return lines
