"""Options that name a contact, and properties of an event or a contact."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from ..domain.address import normalize_email
from ..domain.incoming import check_text

Command = TypeVar("Command", bound=Callable[..., Any])
_MAX_USER_ID_LENGTH = 200


def property_option(command: Command) -> Command:
    """Add the option `--prop name=value` to a command, as `properties`."""
    return click.option(
        "--prop",
        "properties",
        multiple=True,
        metavar="NAME=VALUE",
        help="A property. Repeat it for several properties. A value that is JSON, "
        "such as 5, true or null, is read as JSON, any other value as text.",
    )(command)


def identity_options(command: Command) -> Command:
    """Add `--user-id` and `--email` to a command, of which one is needed."""
    email_option = click.option(
        "--email", callback=validate_email, help="The person's email address."
    )
    user_id_option = click.option(
        "--user-id", callback=_validate_user_id, help="The person's id in your product."
    )
    return user_id_option(email_option(command))


def parse_properties(pairs: Sequence[str]) -> dict[str, Any]:
    """Return the properties that `name=value` texts give.

    Raises:
        click.BadParameter: a text is not `name=value`.
    """
    return dict(_parse_pair(pair) for pair in pairs)


def require_identity(user_id: str | None, email: str | None) -> None:
    """Refuse a call that names no contact.

    Raises:
        click.UsageError: neither is given.
    """
    if not user_id and not email:
        raise click.UsageError("Name a person with --user-id or --email.")


def validate_email(ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Normalise the address that an option was given, or refuse it."""
    try:
        return normalize_email(value) if value else None
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, option) from None


def _parse_pair(pair: str) -> tuple[str, Any]:
    name, equals, value = pair.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{pair!r} is not NAME=VALUE.", param_hint="--prop")
    if problem := check_text(pair):
        raise click.BadParameter(f"{name!r} {problem}.", param_hint="--prop")
    try:
        return name, json.loads(value, parse_constant=str)
    except ValueError:
        return name, value


def _validate_user_id(ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    problem = check_text(value) if value else None
    if problem or (value is not None and not 0 < len(value.strip()) <= _MAX_USER_ID_LENGTH):
        raise click.BadParameter(
            problem or f"must have 1 to {_MAX_USER_ID_LENGTH} characters", ctx, option
        )
    return value.strip() if value else None
