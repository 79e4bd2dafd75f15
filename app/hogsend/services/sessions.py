"""Sessions: operators who sign in to the dashboard, stay signed in, and sign out."""

from __future__ import annotations

from datetime import timedelta

from ..store import audit, operators, passwords, sessions
from ..store.change_feed import SESSIONS
from ..store.db import Write
from ..store.operators import Operator, Role, SignInLink
from ..store.sessions import ABSOLUTE_LIMIT, Session
from .context import ServiceContext
from .installation import Installation

__all__ = [
    "ABSOLUTE_LIMIT",
    "DEVICE_LIFETIME",
    "SESSIONS",
    "Operator",
    "Role",
    "Session",
    "SignInLink",
    "create_device_token",
    "end_all_sessions",
    "end_session",
    "find_session",
    "find_sign_in_link",
    "has_operators",
    "has_possible_length",
    "note_activity",
    "read_device_token",
    "sign_in",
    "use_sign_in_link",
]

# How long a browser that signed in is known; browsers keep no cookie for longer.
DEVICE_LIFETIME = timedelta(days=400)
MAX_EMAIL_LENGTH = 320


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

    Raises:
        Overloaded: the password cannot be checked at present.
    """
    operator = await operators.authenticate(installation.database, email, password)
    return None if operator is None else await _start(installation, operator)


def has_possible_length(email: str, password: str) -> bool:
    """Return whether an address and a password are short enough to be anyone's."""
    return len(email) <= MAX_EMAIL_LENGTH and not passwords.is_too_long(password)


def create_device_token(context: ServiceContext, email: str) -> str:
    """Return a signed token for the browser in which the operator with an address has signed in."""
    return context.tokens.sign_device(email)


def read_device_token(context: ServiceContext, token: str, email: str) -> str | None:
    """Return the id of a browser; None when the operator has not signed in there before."""
    return context.tokens.read_device(token, email)


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
        Overloaded: the password cannot be hashed at present; the link stays usable.
        Unauthorized: the link is used, expired, unknown or another operator's.
    """
    passwords.check(password)
    now = installation.clock.now()

    def record_new(operator: Operator) -> Write:
        after = {"role": operator.role, "by": "sign-in link"}
        return audit.record(operator.email, "add operator", operator.email, now, after=after)

    operator = await operators.use_link(
        installation.database, token, now, email=email, password=password, record_new=record_new
    )
    installation.change_feed.publish(SESSIONS)
    return await _start(installation, operator)


async def end_session(installation: Installation, cookie: str) -> None:
    """Sign an operator out of one browser."""
    await sessions.end(installation.database, cookie, installation.clock.now())
    installation.change_feed.publish(SESSIONS)


async def end_all_sessions(installation: Installation, operator: Operator) -> None:
    """Sign an operator out of every browser."""
    await sessions.end_all(installation.database, operator.id, installation.clock.now())
    installation.change_feed.publish(SESSIONS)


async def _start(installation: Installation, operator: Operator) -> str:
    return await sessions.start(installation.database, operator.id, installation.clock.now())
