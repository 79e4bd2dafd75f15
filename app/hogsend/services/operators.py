"""Operators of the dashboard: listed, added, reset, let in with one-time links."""

from __future__ import annotations

from collections.abc import Sequence

from ..store import operators
from ..store.operators import Operator, Role
from .actor import Actor, Permission
from .audit import apply_audited
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
    operator = await operators.add(installation.database, email, role, now)
    token = await operators.make_link(
        installation.database, now, email=operator.email, role=operator.role
    )
    after = {"role": operator.role}
    await apply_audited(installation, actor, [], "add operator", operator.email, after=after)
    return operator, link_address(installation, token)


async def reset_operator(installation: Installation, actor: Actor, email: str) -> str:
    """Remove an operator's password, end all their sessions and create a link for a new password.

    Returns:
        The address of the one-time link.

    Raises:
        Forbidden: the actor may not administer.
        NotFound: there is no operator with this address.
    """
    actor.require(Permission.ADMINISTER)
    token = await operators.reset(installation.database, email, installation.clock.now())
    await apply_audited(installation, actor, [], "reset operator", email)
    return link_address(installation, token)


async def create_sign_in_link(
    installation: Installation, actor: Actor, role: Role, email: str | None = None
) -> str:
    """Create a one-time sign-in link.

    Args:
        installation: where the link is stored.
        actor: who creates it.
        role: the role of the operator that it creates, if it is used by someone new.
        email: the only address that may use it; anyone who opens it may, when None.

    Returns:
        The address of the link.

    Raises:
        Forbidden: the actor may not administer.
        InvalidInput: the address is not an email address.
    """
    actor.require(Permission.ADMINISTER)
    now = installation.clock.now()
    token = await operators.make_link(installation.database, now, email=email, role=role)
    await apply_audited(
        installation, actor, [], "make sign-in link", email or "anybody", after={"role": role}
    )
    return link_address(installation, token)


def link_address(installation: Installation, token: str) -> str:
    """Return the address that a one-time link's token is opened at."""
    return f"{installation.settings.base_url}/sign-in/{token}"
