"""Whom a caller may act for: a secret key for anyone, a publishable key only for its visitor.

The text of a publishable key is in web pages, where anyone reads it. It may act for an anonymous
visitor, or for the user whom a signed `userToken` names, and never for an address. Whose browser an
anonymous id names is decided in the transaction that stores the event (`ingest/same_person.py`).
"""

from __future__ import annotations

from ..domain.user_tokens import read_user_token
from ..errors import Forbidden, InvalidInput
from .actor import Actor
from .installation import Installation


def authorize_claim(
    installation: Installation,
    actor: Actor,
    *,
    user_id: str = "",
    email: str = "",
    user_token: str = "",
    required: str = "email or userId is required",
) -> None:
    """Check that an actor may act for the contact that a request names.

    Args:
        installation: whose secrets sign tokens.
        actor: who asks.
        user_id: the user id that the request names; empty for none.
        email: the address that the request names; empty for none.
        user_token: the token of the request; empty for none.
        required: the sentence for a secret key that names nobody; empty if it may.

    Raises:
        InvalidInput: a secret key names nobody.
        Forbidden: a publishable key names somebody other than the token does.
    """
    claims_identity = bool(user_id or email)
    if not actor.is_publishable:
        if required and not claims_identity:
            raise InvalidInput(required)
        return
    if not claims_identity:
        return
    if not user_token:
        raise Forbidden("publishable key cannot act on another identity without a userToken")
    proven = prove_user(installation, user_token)
    if email or proven != user_id:
        raise Forbidden("userToken does not authorize this identity")


def prove_user(installation: Installation, user_token: str) -> str:
    """Return the user id that a token proves.

    Raises:
        Forbidden: the token is invalid or expired.
    """
    secrets, now = installation.settings.secrets, installation.clock.now()
    proven = read_user_token(secrets, user_token, now)
    if proven is None:
        raise Forbidden("Invalid userToken", "Let your server sign a new one.")
    return proven
