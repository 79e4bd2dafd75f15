"""Verifies webhooks that are signed as Svix does it: Standard Webhooks, version 1."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

from .port import InvalidWebhook, WebhookRequest
from .webhook_reading import check_time, read_unix_time

PREFIX = "whsec_"
# A sender signs with each of its secrets while one replaces the other.
_MIN_KEY_BYTES = 16
_MAX_SIGNATURES = 10


def verify_svix(request: WebhookRequest, secret: str, now: datetime) -> str:
    """Verify a webhook and return the id of its message, the same at each attempt.

    Args:
        request: the webhook.
        secret: such as `whsec_…`.
        now: the current time.

    Raises:
        InvalidWebhook: the signature is missing, wrong or more than five minutes old, or there is
            no secret.
    """
    if not secret:
        raise InvalidWebhook("webhook_secret is missing in HOGSEND_MAIL")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        message_id, timestamp = request.headers["svix-id"], request.headers["svix-timestamp"]
        signatures = request.headers["svix-signature"].split(" ", _MAX_SIGNATURES)
        signed_at = read_unix_time(timestamp)
    except (KeyError, ValueError, OverflowError, OSError, binascii.Error) as error:
        raise InvalidWebhook("a header of the signature is missing or malformed") from error
    if len(key) < _MIN_KEY_BYTES:
        raise InvalidWebhook("webhook_secret in HOGSEND_MAIL is too short to be one")
    signed = f"{message_id}.{timestamp}.".encode() + request.body
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    if not any(hmac.compare_digest(expected, text.encode()) for text in signatures):
        raise InvalidWebhook("the signature is wrong")
    check_time(signed_at, now)
    return message_id
