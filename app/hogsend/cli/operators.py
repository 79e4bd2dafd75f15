"""`hogsend operators`."""

from __future__ import annotations

from typing import Any, cast

import click

from ..services.actor import COMMAND_LINE
from ..services.operators import (
    ROLES,
    Operator,
    Role,
    add_operator,
    create_sign_in_link,
    list_operators,
    reset_operator,
)
from .instance import run_with_installation
from .output import json_option, print_json, print_table

role_option = click.option(
    "--role",
    type=click.Choice(ROLES),
    default="owner",
    show_default=True,
    help="What they may do: a viewer reads, an operator also acts, an owner also manages access.",
)


@click.group()
def operators() -> None:
    """Manage who can sign in to the dashboard."""


@operators.command()
@click.argument("email")
@role_option
@json_option
def add(email: str, role: str, as_json: bool) -> None:
    """Add an operator and print a one-time link to choose a password."""
    operator, link = run_with_installation(
        lambda installation: add_operator(installation, COMMAND_LINE, email, cast("Role", role))
    )
    _show_link(
        link,
        f"Sign-in link for {operator.email} (works once, expires in 24 hours)",
        as_json=as_json,
        fields=_to_json(operator),
    )


@operators.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List all operators."""
    rows = run_with_installation(lambda installation: list_operators(installation, COMMAND_LINE))
    if as_json:
        print_json([_to_json(operator) for operator in rows])
        return
    print_table(
        ["email", "role", "password", "added"],
        [
            (
                operator.email,
                operator.role,
                "set" if operator.has_password else "not set",
                operator.created_at,
            )
            for operator in rows
        ],
        "No operators yet. Create a sign-in link for the first one with `hogsend operators link`.",
    )


@operators.command()
@click.argument("email")
@json_option
def reset(email: str, as_json: bool) -> None:
    """Remove an operator's password, sign them out, and print a link to choose a new one."""
    link = run_with_installation(
        lambda installation: reset_operator(installation, COMMAND_LINE, email)
    )
    _show_link(
        link, "Link to choose a new password (works once, expires in 24 hours)", as_json=as_json
    )


@operators.command()
@role_option
@click.option("--email", help="Only this address may use the link. By default, any address may.")
@json_option
def link(role: str, email: str | None, as_json: bool) -> None:
    """Print a one-time sign-in link."""
    address = run_with_installation(
        lambda installation: create_sign_in_link(
            installation, COMMAND_LINE, cast("Role", role), email
        )
    )
    _show_link(address, "Sign-in link (works once, expires in 24 hours)", as_json=as_json)


def _show_link(
    link: str, title: str, *, as_json: bool, fields: dict[str, Any] | None = None
) -> None:
    """Print a link; its title goes to stderr, so that a program reads the link alone."""
    if as_json:
        print_json({**(fields or {}), "link": link})
    else:
        click.echo(f"{title}:", err=True)
        click.echo(link)


def _to_json(operator: Operator) -> dict[str, Any]:
    return {
        "id": operator.id,
        "email": operator.email,
        "role": operator.role,
        "hasPassword": operator.has_password,
        "createdAt": operator.created_at,
        "disabledAt": operator.disabled_at,
    }
