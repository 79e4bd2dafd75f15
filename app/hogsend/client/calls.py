"""Builds the calls of the API, which the synchronous and the asynchronous client both carry out.

A call is a request, with a function that reads its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypedDict, TypeVar, Unpack
from urllib.parse import quote
from uuid import uuid4

from .requests import ApiRequest
from .results import (
    ContactRecord,
    EmailResult,
    EventResult,
    Json,
    ListChoiceRecord,
    UpsertedContact,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ClientCall(Generic[T]):
    """A call of the API.

    Args:
        request: the request.
        read: returns the value that the client's method returns, from the JSON of an answer.
    """

    request: ApiRequest
    read: Callable[[Json], T]


class PersonFields(TypedDict, total=False):
    """What names a contact: its user id in your product, or its address."""

    user_id: str | None
    email: str | None


class ContactFields(PersonFields, total=False):
    """A contact, its properties, of which None removes one, and its choices about lists."""

    anonymous_id: str | None
    properties: Mapping[str, Any] | None
    lists: Mapping[str, bool] | None


class EventFields(PersonFields, total=False):
    """The fields of an event, as in the body of `POST /v1/events`.

    `timestamp` is when it happened, with a time zone.
    """

    anonymous_id: str | None
    properties: Mapping[str, Any] | None
    contact_properties: Mapping[str, Any] | None
    lists: Mapping[str, bool] | None
    groups: Mapping[str, str] | None
    value: float | None
    currency: str | None
    timestamp: datetime | None
    idempotency_key: str | None


# -- any route ------------------------------------------------------------------------------------


def call_route(
    method: str,
    path: str,
    query: Mapping[str, Any] | None,
    body: Mapping[str, Any] | None,
    is_repeatable: bool | None,
) -> ClientCall[Json]:
    """Return a call of any route; `is_repeatable` follows from the method if it is None."""
    if is_repeatable is None:
        is_repeatable = method.upper() != "POST"
    request = ApiRequest(method, path, query or {}, body, is_repeatable=is_repeatable)
    return ClientCall(request, _return_json)


# -- events ---------------------------------------------------------------------------------------


def build_event_body(name: str, **fields: Unpack[EventFields]) -> dict[str, Any]:
    """Return the body of an event, with an idempotency key, so that it can be sent again.

    Raises:
        TypeError: an event has no such field.
        ValueError: no contact is named, or the timestamp has no time zone.
    """
    if not fields.get("user_id") and not fields.get("email"):
        raise ValueError("An event needs a user_id or an email.")
    timestamp = fields.get("timestamp")
    if timestamp is not None and timestamp.tzinfo is None:
        raise ValueError("The timestamp needs a time zone.")
    if unknown := fields.keys() - _EVENT_NAMES.keys():
        raise TypeError(f"An event has no field {min(unknown)!r}.")
    values: dict[str, Any] = {
        **fields,
        "timestamp": timestamp.isoformat() if timestamp else None,
        "idempotency_key": fields.get("idempotency_key") or str(uuid4()),
    }
    return {"name": name, **_leave_out_missing(_EVENT_NAMES, values)}


def send_event(name: str, **fields: Unpack[EventFields]) -> ClientCall[EventResult]:
    """Return the call that sends one event."""
    body = build_event_body(name, **fields)
    return ClientCall(ApiRequest("POST", "/v1/events", body=body), EventResult.from_json)


def build_queued_body(name: str, **fields: Unpack[EventFields]) -> dict[str, Any]:
    """Return the body of an event that may be sent much later; without a timestamp, it gets now."""
    timestamp = fields.get("timestamp") or datetime.now().astimezone()
    return build_event_body(name, **{**fields, "timestamp": timestamp})


# -- contacts and lists ---------------------------------------------------------------------------


def upsert_contact(**fields: Unpack[ContactFields]) -> ClientCall[UpsertedContact]:
    """Return the call that creates or changes a contact."""
    body = _build_contact(fields)
    return ClientCall(ApiRequest("PUT", "/v1/contacts", body=body), UpsertedContact.from_json)


def find_contacts(**person: Unpack[PersonFields]) -> ClientCall[list[ContactRecord]]:
    """Return the call that finds contacts."""
    request = ApiRequest("GET", "/v1/contacts/find", query=_build_contact(person))
    return ClientCall(
        request, lambda answer: [ContactRecord.from_json(item) for item in answer["contacts"]]
    )


def delete_contact(**person: Unpack[PersonFields]) -> ClientCall[None]:
    """Return the call that deletes a contact."""
    request = ApiRequest("DELETE", "/v1/contacts", body=_build_contact(person))
    return ClientCall(request, _return_none)


def list_lists(**person: Unpack[PersonFields]) -> ClientCall[list[ListChoiceRecord]]:
    """Return the call that reads the lists, with what a contact chose."""
    request = ApiRequest("GET", "/v1/lists", query=_build_contact(person))
    return ClientCall(
        request, lambda answer: [ListChoiceRecord.from_json(item) for item in answer["lists"]]
    )


def change_list(
    list_id: str, action: Literal["subscribe", "unsubscribe"], **person: Unpack[PersonFields]
) -> ClientCall[None]:
    """Return the call that subscribes a contact to a list, or unsubscribes it."""
    path = f"/v1/lists/{quote(list_id, safe='')}/{action}"
    return ClientCall(ApiRequest("POST", path, body=_build_contact(person)), _return_none)


# -- emails ---------------------------------------------------------------------------------------


def send_email(
    *,
    to: str | None = None,
    user_id: str | None = None,
    template: str | None = None,
    props: Mapping[str, Any] | None = None,
    subject: str | None = None,
    idempotency_key: str | None = None,
    **fields: Any,
) -> ClientCall[EmailResult]:
    """Return the call that sends an email, with an idempotency key, so that it can be repeated."""
    values: dict[str, Any] = {
        "to": to,
        "userId": user_id,
        "template": template,
        "props": props,
        "subject": subject,
    }
    key = idempotency_key or str(uuid4())
    values = {name: value for name, value in {**values, **fields}.items() if value is not None}
    body = {**values, "idempotencyKey": key}
    headers = {"Idempotency-Key": key}
    request = ApiRequest("POST", "/v1/emails", body=body, headers=headers)
    return ClientCall(request, EmailResult.from_json)


def get_email(email_id: str) -> ClientCall[Json]:
    """Return the call that reads an email."""
    return ClientCall(ApiRequest("GET", f"/v1/emails/{quote(email_id, safe='')}"), _return_json)


_CONTACT_NAMES = {
    "user_id": "userId",
    "email": "email",
    "anonymous_id": "anonymousId",
    "properties": "properties",
    "lists": "lists",
}
_EVENT_NAMES = {
    **_CONTACT_NAMES,
    "properties": "eventProperties",
    "contact_properties": "contactProperties",
    "groups": "groups",
    "value": "value",
    "currency": "currency",
    "timestamp": "timestamp",
    "idempotency_key": "idempotencyKey",
}


def _build_contact(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what names or describes a contact, as the API takes it.

    Raises:
        TypeError: a contact has no such field.
    """
    if unknown := fields.keys() - _CONTACT_NAMES.keys():
        raise TypeError(f"A contact has no field {min(unknown)!r}.")
    return _leave_out_missing(_CONTACT_NAMES, fields)


def _leave_out_missing(names: Mapping[str, str], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that are not None, by their names in the API."""
    return {names[name]: value for name, value in fields.items() if value is not None}


def _return_json(answer: Json) -> Json:
    return answer


def _return_none(_: Json) -> None:
    return None
