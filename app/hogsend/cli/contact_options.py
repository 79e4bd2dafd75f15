"""Options that say whom something concerns, and with which properties."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from ..domain.address import normalize_email
from ..domain.incoming import check_text

Command = TypeVar("Command", bound=Callable[..., Any])


def property_option(command: Command) -> Command:
    """Give a command the option `--prop name=value`, as `properties`."""
    return click.option(
        "--prop",
        "properties",
        multiple=True,
        metavar="NAME=VALUE",
        help="A property of the event; may be given several times. A value that is JSON, such as "
        "5, true or null, is taken as that, anything else as text.",
    )(command)


def identity_options(command: Command) -> Command:
    """Give a command `--user-id` and `--email`, of which one is needed."""
    email = click.option("--email", callback=check_address, help="The person's address.")(command)
    return click.option("--user-id", callback=_user_id, help="The person, by the product's id.")(
        email
    )


def properties_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Return the properties that `name=value` texts name.

    Raises:
        click.BadParameter: one is no `name=value`.
    """
    return dict(_pair(text) for text in pairs)


def require_identity(user_id: str | None, email: str | None) -> None:
    """Refuse a call that names nobody.

    Raises:
        click.UsageError: neither is given.
    """
    if not user_id and not email:
        raise click.UsageError("Say whom it concerns, with --user-id or --email.")


def check_address(ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Bring an option's address into its one form, or refuse it."""
    try:
        return normalize_email(value) if value else None
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, option) from None


def _pair(text: str) -> tuple[str, Any]:
    name, found, value = text.partition("=")
    if not found or not name:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE.", param_hint="--prop")
    if problem := check_text(text):
        raise click.BadParameter(f"{name!r} {problem}.", param_hint="--prop")
    try:
        return name, json.loads(value, parse_constant=str)
    except ValueError:
        return name, value


def _user_id(ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    problem = check_text(value) if value else None
    if problem or (value is not None and not 0 < len(value.strip()) <= 200):
        raise click.BadParameter(problem or "must have 1 to 200 characters", ctx, option)
    return value.strip() if value else None
