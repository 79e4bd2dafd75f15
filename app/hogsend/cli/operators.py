"""`hogsend operators`."""

from __future__ import annotations

from typing import Any, cast

import click

from ..store import operators as operator_store
from ..store.operators import Operator, Role
from .instance import Instance, note, on_instance
from .output import json_option, show_json, show_table

role_option = click.option(
    "--role",
    type=click.Choice(operator_store.ROLES),
    default="owner",
    show_default=True,
    help="What they may do: look, operate, or also let others in.",
)


@click.group()
def operators() -> None:
    """Say who may sign in to the dashboard."""


@operators.command()
@click.argument("email")
@role_option
@json_option
def add(email: str, role: str, as_json: bool) -> None:
    """Add an operator and print the one-time link that lets them choose a password."""

    async def work(instance: Instance) -> tuple[Operator, str]:
        database, now = instance.database, instance.clock.now()
        added = await operator_store.add(database, email, cast("Role", role), now)
        token = await operator_store.make_link(database, now, email=added.email, role=added.role)
        await note(instance, "add operator", added.email, {"role": added.role})
        return added, _address(instance, token)

    added, address = on_instance(work)
    _show_link(address, f"Link for {added.email}, once, within a day", as_json, _json(added))


@operators.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the operators."""

    async def work(instance: Instance) -> list[Operator]:
        return await operator_store.list_operators(instance.database)

    listed = on_instance(work)
    if as_json:
        show_json([_json(one) for one in listed])
        return
    show_table(
        ["email", "role", "password", "added"],
        [(o.email, o.role, "set" if o.has_password else "none", o.created_at) for o in listed],
        "There are no operators. `hogsend operators link` prints a link for the first one.",
    )


@operators.command()
@click.argument("email")
@json_option
def reset(email: str, as_json: bool) -> None:
    """Take a password away, sign out everywhere, and print a one-time link for a new one."""

    async def work(instance: Instance) -> str:
        token = await operator_store.reset(instance.database, email, instance.clock.now())
        await note(instance, "reset operator", email)
        return _address(instance, token)

    _show_link(on_instance(work), "Link for a new password, once, within a day", as_json, {})


@operators.command()
@role_option
@click.option("--email", help="Only for this person; otherwise whoever opens it says who they are.")
@json_option
def link(role: str, email: str | None, as_json: bool) -> None:
    """Print a one-time sign-in link."""

    async def work(instance: Instance) -> str:
        token = await operator_store.make_link(
            instance.database, instance.clock.now(), email=email, role=cast("Role", role)
        )
        await note(instance, "make sign-in link", email or "anybody", {"role": role})
        return _address(instance, token)

    _show_link(on_instance(work), "Sign-in link, once, within a day", as_json, {})


def _address(instance: Instance, token: str) -> str:
    return f"{instance.settings.base_url}/sign-in/{token}"


def _show_link(address: str, what: str, as_json: bool, facts: dict[str, Any]) -> None:
    if as_json:
        show_json({**facts, "link": address})
    else:
        click.echo(f"{what}:", err=True)
        click.echo(address)


def _json(operator: Operator) -> dict[str, Any]:
    return {
        "id": operator.id,
        "email": operator.email,
        "role": operator.role,
        "hasPassword": operator.has_password,
        "createdAt": operator.created_at,
        "disabledAt": operator.disabled_at,
    }
