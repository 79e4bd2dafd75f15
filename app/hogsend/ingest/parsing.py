"""What callers send, checked before anything is stored."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from ..domain.address import normalize_email
from ..domain.incoming import (
    LARGEST_EVENT,
    LONGEST_NAME,
    IncomingEvent,
    check_properties,
    check_text,
)
from ..errors import InvalidInput, TooLarge

# Years that every calendar and time zone of a reader can show.
_YEARS = range(1970, 9999)
_ODD = re.compile(rb"\\u|NaN|Infinity|[eE]\+?\d{3}|\d{300}")


def _instant(text: str) -> str:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be an ISO 8601 instant such as 2026-01-02T03:04:05Z") from None
    if instant.tzinfo is None:
        raise ValueError("must have a time zone, such as the Z in 2026-01-02T03:04:05Z")
    if instant.year not in _YEARS:
        raise ValueError(f"must be of a year from {_YEARS[0]} to {_YEARS[-1]}")
    return text


def _plain(text: str) -> str:
    problem = check_text(text)
    if problem:
        raise ValueError(problem)
    return text


Text = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_NAME), AfterValidator(_plain)
]
UserId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_NAME, strip_whitespace=True),
    AfterValidator(_plain),
]
Email = Annotated[str, AfterValidator(_plain), AfterValidator(normalize_email)]
Instant = Annotated[str, AfterValidator(_instant)]
Properties = dict[str, Any]


class Body(BaseModel):
    """A JSON body: camelCase, unknown fields ignored, no silent conversion of types."""

    model_config = ConfigDict(
        strict=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class EventBody(Body):
    """`POST /v1/events` (wire, section 2)."""

    name: Text
    user_id: UserId = ""
    email: Email = ""
    anonymous_id: Text = ""
    event_properties: Properties = Field(default_factory=dict)
    contact_properties: Properties = Field(default_factory=dict)
    lists: dict[Text, bool] = Field(default_factory=dict)
    groups: dict[Text, Text] = Field(default_factory=dict)
    # Absent is None; null itself does not fit.
    value: Annotated[float, Field(allow_inf_nan=False)] = None  # pyright: ignore[reportAssignmentType]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$")] = ""
    idempotency_key: Text = ""
    timestamp: Instant = ""


def read_event(raw: bytes, idempotency_key: str | None) -> IncomingEvent:
    """Make a fact out of the body of `POST /v1/events`.

    Args:
        raw: the body as sent.
        idempotency_key: of the header, which wins over the body's.

    Raises:
        InvalidInput: it is not JSON, or a field does not fit; `details` names each.
        TooLarge: the event is past the limit.
    """
    if len(raw) > LARGEST_EVENT:
        raise TooLarge(f"This event has {len(raw)} bytes; at most {LARGEST_EVENT} are allowed.")
    try:
        body = EventBody.model_validate_json(raw)
    except ValidationError as error:
        raise invalid(error) from None
    return incoming_event(body, raw, idempotency_key)


_BODY_FIELDS = frozenset(
    name for field, info in EventBody.model_fields.items() for name in (info.alias or field,)
)


def read_hatchet_event(event_id: str, name: str, given: Mapping[str, Any]) -> IncomingEvent:
    """Make a fact out of an event that was pushed to Hatchet.

    Args:
        event_id: Hatchet's, which is what makes a repetition harmless.
        name: what happened.
        given: as in the body of `POST /v1/events`; without `eventProperties`, all else that it
            says are the event's properties.

    Raises:
        InvalidInput: it names nobody, or something in it does not fit.
        TooLarge: it is past the limit.
    """
    body = {key: value for key, value in given.items() if key in _BODY_FIELDS}
    if "eventProperties" not in body:
        # The event has its name already: what is called so is a property like any other.
        fields = _BODY_FIELDS - {"name"}
        body["eventProperties"] = {k: v for k, v in given.items() if k not in fields}
    raw = json.dumps(body | {"name": name}, sort_keys=True).encode()
    return replace(read_event(raw, f"hatchet:{event_id}"), source="hatchet")


def incoming_event(body: EventBody, raw: bytes, idempotency_key: str | None) -> IncomingEvent:
    """Make a fact out of a checked body.

    Args:
        body: what was sent, checked.
        raw: its bytes, of which idempotency keeps the digest.
        idempotency_key: of the header, which wins over the body's.

    Raises:
        InvalidInput: it names nobody, or properties are past a limit.
    """
    if not body.user_id and not body.email:
        raise InvalidInput("email or userId is required")
    escapes = _ODD.search(raw) is not None
    _check("eventProperties", body.event_properties, escapes)
    _check("contactProperties", body.contact_properties, escapes)
    key = _key(idempotency_key) or body.idempotency_key or None
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
        digest=hashlib.blake2b(raw, digest_size=16).digest() if key else b"",
        timestamp=timestamp,
        value=body.value,
        currency=body.currency.upper() or None,
    )


def _key(text: str | None) -> str | None:
    if text is None:
        return None
    if not text or len(text) > LONGEST_NAME:
        raise InvalidInput(f"Idempotency-Key must have 1 to {LONGEST_NAME} characters.")
    return text


def _check(name: str, properties: Mapping[str, Any], escapes: bool) -> None:
    problem = check_properties(properties, escapes=escapes)
    if problem:
        raise InvalidInput(f"{name} {problem}.", details=[{"path": [name], "message": problem}])


def invalid(error: ValidationError) -> InvalidInput:
    """Say in one sentence what does not fit, and list every field."""
    details: list[dict[str, object]] = []
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        if one["type"] == "json_invalid":
            return InvalidInput("Malformed JSON in request body", _after_colon(one["msg"]))
        message = one["msg"].removeprefix("Value error, ")
        details.append({"path": list(one["loc"]), "message": message, "code": one["type"]})
    shown = "; ".join(
        f"{'.'.join(map(str, _path(detail)))}: {detail['message']}" for detail in details[:3]
    )
    return InvalidInput(f"The request body does not fit. {shown}.", details=details)


def _path(detail: Mapping[str, object]) -> list[object]:
    path = detail["path"]
    return path if isinstance(path, list) and path else ["body"]  # pyright: ignore[reportUnknownVariableType]


def _after_colon(message: str) -> str:
    _, _, rest = message.partition(": ")
    return f"({rest})" if rest else ""
