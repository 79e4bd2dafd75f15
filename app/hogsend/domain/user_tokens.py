"""Tokens by which web pages prove who their visitor is: signed by the product's server."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from .incoming import check_text

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
    if not isinstance(user_id, str) or not user_id.strip() or check_text(user_id):
        return None
    # Nothing is after NaN.
    if not isinstance(expires, int | float) or not expires > now.timestamp():
        return None
    return user_id.strip()


def _compute_mac(secret: str, payload: str) -> bytes:
    return hmac.new(secret.encode(), payload.encode("ascii", "replace"), hashlib.sha256).digest()


def _encode(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
