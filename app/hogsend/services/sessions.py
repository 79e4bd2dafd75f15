"""Sessions: operators who sign in to the dashboard, stay signed in, and sign out."""

from __future__ import annotations

from ..errors import InvalidInput
from ..store import operators, sessions
from ..store.operators import Operator, Role, SignInLink
from ..store.sessions import ABSOLUTE_LIMIT, Session
from .installation import Installation

__all__ = [
    "ABSOLUTE_LIMIT",
    "MIN_PASSWORD_LENGTH",
    "Operator",
    "Role",
    "Session",
    "SignInLink",
    "end_all_sessions",
    "end_session",
    "find_session",
    "find_sign_in_link",
    "has_operators",
    "note_activity",
    "sign_in",
    "use_sign_in_link",
]

MIN_PASSWORD_LENGTH = 10


async def has_operators(installation: Installation) -> bool:
    """Return whether there is any operator; before the first one, nobody can sign in."""
    return await operators.has_operators(installation.database)


async def find_session(installation: Installation, cookie: str) -> Session | None:
    """Return the session of a cookie; None when it is unknown, expired or ended."""
    if not cookie:
        return None
    return await sessions.find(installation.database, cookie, installation.clock.now())


async def note_activity(installation: Installation, session: Session) -> None:
    """Keep a session from expiring, because it was used."""
    await sessions.touch(installation.database, session, installation.clock.now())


async def sign_in(installation: Installation, email: str, password: str) -> str | None:
    """Start a session for an operator with their password.

    It takes the same time whether the address is known or not.

    Returns:
        The session's cookie; None when the address and the password do not match.
    """
    operator = await operators.authenticate(installation.database, email, password)
    return None if operator is None else await _start(installation, operator)


async def find_sign_in_link(installation: Installation, token: str) -> SignInLink | None:
    """Return a one-time link without using it; None when it is used, expired or unknown."""
    return await operators.find_link(installation.database, token, installation.clock.now())


async def use_sign_in_link(
    installation: Installation, token: str, *, email: str, password: str
) -> str:
    """Use a one-time link: set a password and start a session.

    Args:
        installation: where the link is stored.
        token: the link's.
        email: the operator's address; needed when the link names none.
        password: the operator's new password.

    Returns:
        The session's cookie.

    Raises:
        InvalidInput: the address or the password is not acceptable; the link stays usable.
        Unauthorized: the link is used, expired, unknown or another operator's.
    """
    if len(password) < MIN_PASSWORD_LENGTH:
        raise InvalidInput(f"The password needs at least {MIN_PASSWORD_LENGTH} characters.")
    operator = await operators.use_link(
        installation.database, token, installation.clock.now(), email=email, password=password
    )
    return await _start(installation, operator)


async def end_session(installation: Installation, cookie: str) -> None:
    """Sign an operator out of one browser."""
    await sessions.end(installation.database, cookie, installation.clock.now())


async def end_all_sessions(installation: Installation, operator: Operator) -> None:
    """Sign an operator out of every browser."""
    await sessions.end_all(installation.database, operator.id, installation.clock.now())


async def _start(installation: Installation, operator: Operator) -> str:
    return await sessions.start(installation.database, operator.id, installation.clock.now())
