"""Whom a caller may act for: a secret key for anyone, a publishable key only for its visitor.

The text of a publishable key is in web pages, where anyone reads it. It may act for an anonymous
visitor, or for the user whom a signed `userToken` names, and never for an address.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from ..errors import Forbidden, InvalidInput
from .actor import Actor
from .installation import Installation

_MAX_TOKEN_LENGTH = 4096


def sign_user_token(secret: str, user_id: str, expires_at: datetime) -> str:
    """Return a `userToken`, by which a web page proves who its visitor is.

    The form is `<payload>.<signature>`: unpadded base64url of `{"userId", "exp"}`, and of the
    HMAC-SHA256 of that text under the secret of the installation.

    Args:
        secret: the first of `HOGSEND_SECRET`.
        user_id: the visitor, by the product's id.
        expires_at: when the token stops being accepted.
    """
    content = {"userId": user_id, "exp": int(expires_at.timestamp())}
    payload = _encode(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
    return f"{payload}.{_encode(_compute_mac(secret, payload))}"


def read_user_token(secrets: Iterable[str], token: str, now: datetime) -> str | None:
    """Return the user id of a valid `userToken`; None when it is invalid or expired."""
    payload, _, signature = token.partition(".")
    if len(token) > _MAX_TOKEN_LENGTH or not token.isascii():
        return None
    try:
        mac = _decode(signature)
        content: Any = json.loads(_decode(payload))
    except (ValueError, binascii.Error, RecursionError):
        return None
    is_signed = False
    for secret in secrets:
        is_signed |= hmac.compare_digest(_compute_mac(secret, payload), mac)
    if not is_signed or not isinstance(content, dict):
        return None
    fields = cast("dict[str, Any]", content)
    user_id, expires = fields.get("userId"), fields.get("exp")
    if not isinstance(user_id, str) or not user_id.strip():
        return None
    if not isinstance(expires, int | float) or expires <= now.timestamp():
        return None
    return user_id.strip()


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
    secrets, now = installation.settings.secrets, installation.clock.now()
    proven = read_user_token(secrets, user_token, now)
    if proven is None:
        raise Forbidden("Invalid userToken", "Let your server sign a new one.")
    if email or proven != user_id:
        raise Forbidden("userToken does not authorize this identity")


def _compute_mac(secret: str, payload: str) -> bytes:
    return hmac.new(secret.encode(), payload.encode("ascii", "replace"), hashlib.sha256).digest()


def _encode(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
