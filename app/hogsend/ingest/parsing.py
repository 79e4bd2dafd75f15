"""Parses events from callers and from Hatchet, and rejects invalid ones before ingest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError
from pydantic_core import to_json

from ..domain.forms import (
    Body,
    Email,
    Instant,
    Properties,
    Text,
    UserId,
    describe_invalid,
)
from ..domain.incoming import (
    MAX_EVENT_BYTES,
    MAX_NAME_LENGTH,
    IncomingEvent,
    check_properties,
    check_text,
)
from ..errors import InvalidInput, TooLarge

# Only an escape of JSON can express a NUL character or a lone surrogate, which cannot be stored.
_ESCAPE = b"\\u"


class EventBody(Body):
    """The body of `POST /v1/events` (docs/api.md)."""

    name: Text
    user_id: UserId = ""
    email: Email = ""
    anonymous_id: Text = ""
    event_properties: Properties = Field(default_factory=dict)
    contact_properties: Properties = Field(default_factory=dict)
    lists: dict[Text, bool] = Field(default_factory=dict)
    groups: dict[Text, Text] = Field(default_factory=dict)
    # A missing value becomes None, but an explicit null is invalid.
    value: Annotated[float, Field(allow_inf_nan=False)] = None  # pyright: ignore[reportAssignmentType]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$")] = ""
    idempotency_key: Text = ""
    timestamp: Instant = ""
    user_token: Annotated[str, StringConstraints(max_length=4096)] = ""


def parse_event(raw: bytes, idempotency_key: str | None) -> IncomingEvent:
    """Parse the body of `POST /v1/events`.

    Args:
        raw: the bytes of the body.
        idempotency_key: the key of the header, which takes precedence over the key of the body.

    Raises:
        InvalidInput: the body is not JSON, names no contact, or has an invalid field; `details`
            lists all invalid fields.
        TooLarge: the event is larger than the limit.
    """
    return build_event(parse_event_body(raw), raw, idempotency_key)


def parse_item(
    item: Any, *, has_escapes: bool = True, may_be_anonymous: bool = False, place: str = "event"
) -> IncomingEvent:
    """Parse an event that was sent together with others.

    Args:
        item: the event, as it was parsed from JSON.
        has_escapes: whether the JSON text has `\\u` escapes, so that strings have to be checked.
        may_be_anonymous: whether an anonymous id alone names a contact.
        place: what an error message calls the item.

    Raises:
        InvalidInput: the event names no contact, or has an invalid field; `details` lists all.
        TooLarge: the event is larger than the limit.
    """
    size = _measure(item)
    if size > MAX_EVENT_BYTES:
        raise TooLarge(f"This event has {size} bytes; at most {MAX_EVENT_BYTES} are allowed.")
    try:
        body = EventBody.model_validate(item)
    except ValidationError as error:
        raise describe_invalid(error, place) from None
    # The stored digests of earlier releases are of this form.
    raw = json.dumps(item).encode() if body.idempotency_key else b""
    return build_event(body, raw, may_be_anonymous=may_be_anonymous, has_escapes=has_escapes)


def _measure(item: Any) -> int:
    """Return how many bytes a JSON value has, as its sender would encode it."""
    try:
        return len(to_json(item))
    except ValueError:
        # Such as half of a surrogate pair, which is refused later.
        pass
    try:
        return len(json.dumps(item))
    except RecursionError:
        raise InvalidInput("This event is nested too deeply.") from None


def parse_event_body(raw: bytes) -> EventBody:
    """Parse the fields of an event's body.

    Raises:
        InvalidInput: the body is not JSON, or has an invalid field; `details` lists all of them.
        TooLarge: the event is larger than the limit.
    """
    if len(raw) > MAX_EVENT_BYTES:
        raise TooLarge(f"This event has {len(raw)} bytes; at most {MAX_EVENT_BYTES} are allowed.")
    try:
        return EventBody.model_validate_json(raw)
    except ValidationError as error:
        raise describe_invalid(error) from None


_BODY_FIELDS = frozenset(info.alias or field for field, info in EventBody.model_fields.items())


def parse_hatchet_event(event_id: str, name: str, payload: Mapping[str, Any]) -> IncomingEvent:
    """Parse an event that was pushed to Hatchet.

    Args:
        event_id: Hatchet's id of the event, from which the idempotency key is made.
        name: the event's name.
        payload: the fields of the body of `POST /v1/events`; without `eventProperties`, all other
            fields are the event's properties.

    Raises:
        InvalidInput: the payload names no contact, or a field is invalid.
        TooLarge: the event is larger than the limit.
    """
    body = {key: value for key, value in payload.items() if key in _BODY_FIELDS}
    if "eventProperties" not in body:
        # The event's name is an argument, so a field `name` is a property like any other.
        fields = _BODY_FIELDS - {"name"}
        body["eventProperties"] = {k: v for k, v in payload.items() if k not in fields}
    named = body | {"name": name}
    event = parse_event(_encode_compactly(named), f"hatchet:{event_id}")
    # The digest is of the escaped form, so that an event which was stored under an earlier release
    # and is delivered again has the same digest.
    escaped = json.dumps(named, sort_keys=True).encode()
    return replace(event, digest=_hash_body(escaped), source="hatchet")


def _encode_compactly(body: Mapping[str, Any]) -> bytes:
    """Return a body as its sender would encode it, because limits count the bytes of UTF-8."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8; the parser refuses its escape.
        return json.dumps(body, separators=(",", ":")).encode()


def _hash_body(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=16).digest()


def build_event(
    body: EventBody,
    raw: bytes,
    idempotency_key: str | None = None,
    *,
    may_be_anonymous: bool = False,
    has_escapes: bool | None = None,
) -> IncomingEvent:
    """Build an event from a body whose fields are valid.

    Args:
        body: the body.
        raw: the bytes of the body; their digest is stored with the idempotency key.
        idempotency_key: the key of the header, which takes precedence over the key of the body.
        may_be_anonymous: whether an anonymous id alone names a contact.
        has_escapes: whether the JSON text has `\\u` escapes; None to look for them in `raw`.

    Raises:
        InvalidInput: the body names no contact, properties cannot be stored, or the key of the
            header has the wrong length.
    """
    if not body.user_id and not body.email and not (may_be_anonymous and body.anonymous_id):
        alternative = "anonymousId" if may_be_anonymous else "email"
        raise InvalidInput(f"{alternative} or userId is required")
    if has_escapes is None:
        has_escapes = _ESCAPE in raw
    _check_properties("eventProperties", body.event_properties, has_escapes)
    _check_properties("contactProperties", body.contact_properties, has_escapes)
    key = check_key(idempotency_key) or body.idempotency_key or None
    timestamp = datetime.fromisoformat(body.timestamp).astimezone(UTC) if body.timestamp else None
    properties: Mapping[str, Any] = body.event_properties
    if body.groups:
        properties = {**properties, "$groups": body.groups}
    return IncomingEvent(
        name=body.name,
        user_id=body.user_id or None,
        email=body.email or None,
        anonymous_id=body.anonymous_id or None,
        properties=properties,
        contact_properties=body.contact_properties,
        lists=body.lists,
        idempotency_key=key,
        digest=_hash_body(raw) if key else b"",
        timestamp=timestamp,
        value=body.value,
        currency=body.currency.upper() or None,
        needs_contact=_needs_contact(body),
    )


def _needs_contact(body: EventBody) -> bool:
    """Return whether an event has something to store on a contact, or names a person."""
    return bool(
        body.user_id
        or body.email
        or body.contact_properties
        or body.lists
        or body.groups
        or body.value is not None  # pyright: ignore[reportUnnecessaryComparison]
    )


def check_key(text: str | None) -> str | None:
    """Return the idempotency key of a header, or None without one.

    Raises:
        InvalidInput: the key is empty, too long or not valid text.
    """
    if text is None:
        return None
    if not text or len(text) > MAX_NAME_LENGTH:
        raise InvalidInput(f"Idempotency-Key must have 1 to {MAX_NAME_LENGTH} characters.")
    if problem := check_text(text):
        raise InvalidInput(f"Idempotency-Key {problem}.")
    return text


def _check_properties(name: str, properties: Mapping[str, Any], has_escapes: bool) -> None:
    problem = check_properties(properties, escapes=has_escapes)
    if problem:
        raise InvalidInput(f"{name} {problem}.", details=[{"path": [name], "message": problem}])
