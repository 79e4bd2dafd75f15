"""Operators of the dashboard: list, add and reset them, and create one-time sign-in links.

Every change is committed together with its entry in the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..store import operators
from ..store.change_feed import SESSIONS
from ..store.operators import Operator, Role
from .actor import Actor, Permission
from .audit import build_audit_entry
from .installation import Installation

ROLES = operators.ROLES


async def list_operators(installation: Installation, actor: Actor) -> Sequence[Operator]:
    """Return every operator, ordered by address.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    return await operators.list_operators(installation.database)


async def add_operator(
    installation: Installation, actor: Actor, email: str, role: Role
) -> tuple[Operator, str]:
    """Add an operator.

    Args:
        installation: where the operator is stored.
        actor: who adds them.
        email: the address that they sign in with.
        role: what they may do.

    Returns:
        The operator, and the address of a one-time link that lets them choose a password.

    Raises:
        Forbidden: the actor may not administer.
        InvalidInput: the address is not an email address, or the role is unknown.
        Conflict: there is an operator with that address.
    """
    actor.require(Permission.ADMINISTER)
    now = installation.clock.now()
    async with installation.database.transaction() as transaction:
        operator = await operators.add(transaction, email, role, now)
        token = await operators.create_link(transaction, now, email=operator.email, role=role)
        entry = build_audit_entry(
            installation, actor, "add operator", operator.email, after={"role": role}
        )
        await transaction.apply([entry])
    return operator, build_link_address(installation, token)


async def reset_operator(installation: Installation, actor: Actor, email: str) -> str:
    """Remove an operator's password, end all their sessions and create a link for a new password.

    Returns:
        The address of the one-time link.

    Raises:
        Forbidden: the actor may not administer.
        NotFound: there is no operator with this address.
    """
    actor.require(Permission.ADMINISTER)
    async with installation.database.transaction() as transaction:
        token = await operators.reset_password(transaction, email, installation.clock.now())
        await transaction.apply([build_audit_entry(installation, actor, "reset operator", email)])
    installation.change_feed.publish(SESSIONS)
    return build_link_address(installation, token)


async def create_sign_in_link(
    installation: Installation, actor: Actor, role: Role, email: str | None = None
) -> str:
    """Create a one-time sign-in link.

    Args:
        installation: where the link is stored.
        actor: who creates it.
        role: the role of the operator that it creates, if a new person uses it.
        email: the only address that may use it; None lets anyone who opens it choose one.

    Returns:
        The address of the link.

    Raises:
        Forbidden: the actor may not administer.
        InvalidInput: the address is not an email address.
    """
    actor.require(Permission.ADMINISTER)
    now = installation.clock.now()
    entry = build_audit_entry(
        installation, actor, "make sign-in link", email or "anybody", after={"role": role}
    )
    async with installation.database.transaction() as transaction:
        token = await operators.create_link(transaction, now, email=email, role=role)
        await transaction.apply([entry])
    return build_link_address(installation, token)


def build_link_address(installation: Installation, token: str) -> str:
    """Return the address that a one-time link's token is opened at."""
    return f"{installation.settings.base_url}/sign-in/{token}"
