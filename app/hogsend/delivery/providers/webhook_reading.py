"""Reads the parts of webhooks: times, ids, texts, credentials."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from .port import FeedbackKind, InvalidWebhook, WebhookRequest
from .smtp_replies import classify

# How far a signed time may be from ours, for senders that sign again at each attempt.
CLOCK_TOLERANCE = timedelta(minutes=5)
_MAX_TEXT_LENGTH = 500
_DIGITS = re.compile(r"\s*\d{3}[ -]")
_FRACTION = re.compile(r"(\.\d{6})\d+")
# An enhanced status code (RFC 3463) that is not a part of an IP address.
_CODE = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")


def read_json(body: bytes) -> Any:
    """Return a body as JSON.

    Raises:
        InvalidWebhook: it is not JSON.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidWebhook("the body is not JSON") from error


def read_text(value: Any, limit: int = _MAX_TEXT_LENGTH) -> str:
    """Return a text that every database stores, cut at a limit; empty if the value is no text."""
    if not isinstance(value, str):
        return ""
    line = " ".join(value[: 2 * limit].replace("\0", " ").split())
    return line[:limit].encode("utf-8", "replace").decode()


def read_send_id(value: Any) -> UUID | None:
    """Return the id of a send; None if the mail was not sent by Hogsend."""
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        return None


def read_code(text: str) -> str | None:
    """Return the enhanced status code in a reply of a mail server, such as `5.1.1`."""
    match = _CODE.search(text[:2000])
    return match.group() if match else None


def read_iso_time(value: str) -> datetime:
    """Return an instant that is written as in ISO 8601, in UTC if it names no zone.

    Raises:
        ValueError: it is not a time.
    """
    # Python takes at most six digits of a second.
    instant = datetime.fromisoformat(_FRACTION.sub(r"\1", value[:40]))
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def read_unix_time(value: float | str) -> datetime:
    """Return an instant that is written as seconds since 1970.

    Raises:
        ValueError, OverflowError, OSError: it is not a time.
    """
    return datetime.fromtimestamp(float(value), UTC)


def check_time(signed_at: datetime, now: datetime, past: timedelta = CLOCK_TOLERANCE) -> None:
    """Check that a signature is not a replay.

    Args:
        signed_at: the time that the signature covers.
        now: the current time.
        past: how old a signature may be.

    Raises:
        InvalidWebhook: the time is too far from ours.
    """
    if not now - past <= signed_at <= now + CLOCK_TOLERANCE:
        raise InvalidWebhook("the signature is too old, or one of the two clocks is wrong")


def check_secret(expected: str, presented: str) -> None:
    """Compare a secret in constant time.

    Raises:
        InvalidWebhook: they differ, or none is expected.
    """
    if not expected or not hmac.compare_digest(expected.encode(), presented.encode()):
        raise InvalidWebhook("the password or token is wrong")


def read_basic_credentials(request: WebhookRequest) -> str:
    """Return `user:password` of HTTP Basic authentication; empty if there are none."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def classify_bounce(status: int, reply: str) -> FeedbackKind:
    """Return the class of a permanent refusal, which a mail server gave to the provider.

    A reply that speaks of the address suppresses it at once, one about a full mailbox is a soft
    bounce, and a refusal of the content or the sender says nothing about the recipient.

    Args:
        status: the three digits of the reply.
        reply: the words of the reply.
    """
    digits = _DIGITS.match(reply)
    words = reply[digits.end() if digits else 0 :][:2000]
    match classify(status, words, "RCPT"):
        case "hard_bounce":
            return "hard_bounce"
        case "soft_bounce":
            return "soft_bounce"
        case _:
            return "rejected"
