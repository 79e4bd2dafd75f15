"""What the converters of all formats share."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from ...domain.address import normalize_email
from ...domain.incoming import MAX_NAME_LENGTH


@dataclass(frozen=True, slots=True)
class Converted:
    """A message in the form of the body of `POST /v1/events`.

    Args:
        body: the body.
        contact_defaults: properties to store with the contact unless it has them.
    """

    body: Mapping[str, Any]
    contact_defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def without_email(self) -> Converted:
        """Return the message without its address, which no web page can prove to be its user's."""
        changes = _drop_email(read_object(self.body.get("contactProperties")))
        body = {name: value for name, value in self.body.items() if name != "email"}
        body = drop_empty({**body, "contactProperties": changes})
        return Converted(body, _drop_email(self.contact_defaults))


@dataclass(frozen=True, slots=True)
class Unusable:
    """A message that is not stored.

    Args:
        reason: why; empty for a message that is only meant for the other product.
    """

    reason: str = ""


class UnreadableInstant(ValueError):
    """A message says when it happened, in a way that cannot be read."""

    def __init__(self) -> None:
        super().__init__("timestamp must be an ISO 8601 instant such as 2026-01-02T03:04:05Z")


def read_object(value: Any) -> dict[str, Any]:
    """Return a JSON object; an empty one in place of anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def read_text(value: Any) -> str:
    """Return a text or a whole number as text; empty in place of anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def read_email(value: Any) -> str:
    """Return an address in its normal form; empty in place of anything else."""
    text = read_text(value)
    if "@" not in text:
        return ""
    try:
        return normalize_email(text)
    except ValueError:
        return ""


def read_instant(*values: Any) -> str:
    """Return the first instant that a message has, in ISO 8601 with its zone; empty without one.

    It may be without a zone, for UTC, or a number of milliseconds since 1970, as in JavaScript.

    Raises:
        UnreadableInstant: it cannot be read. To take it as now would let old events start journeys.
    """
    value = next((value for value in values if value not in (None, "")), None)
    if value is None:
        return ""
    try:
        if isinstance(value, str):
            instant = datetime.fromisoformat(value.strip())
            return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).isoformat()
        if (milliseconds := read_number(value)) is not None:
            return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        pass
    raise UnreadableInstant


def build_key(product: str, message_id: Any) -> str:
    """Return the idempotency key of a message; empty without an id.

    Args:
        product: the product whose client has made the id.
        message_id: the id; one that is too long for a key is hashed.
    """
    text = read_text(message_id)
    if not text:
        return ""
    key = f"{product}:{text}"
    if len(key) <= MAX_NAME_LENGTH:
        return key
    return f"{product}:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"


def read_number(value: Any) -> float | None:
    """Return a number; None in place of anything else, also of one that is too large to store."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def read_amount(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields `value` and `currency` of an event from its property `revenue`."""
    revenue = read_number(properties.get("revenue"))
    currency = read_text(properties.get("currency"))
    if revenue is None:
        return {}
    is_code = len(currency) == 3 and currency.isascii() and currency.isalpha()
    return {"value": revenue, **({"currency": currency} if is_code else {})}


def _drop_email(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != "email"}


def drop_empty(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body without the fields that are empty; zero is not."""
    return {name: value for name, value in body.items() if value not in ("", {}, None)}
