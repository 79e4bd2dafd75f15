"""Incoming events in one form for every sender, and the limits that they must respect."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from .records import record

MAX_PROPERTIES = 256
MAX_DEPTH = 8
MAX_NAME_LENGTH = 200
MAX_EVENT_BYTES = 64 * 1024
MAX_NUMBER = sys.float_info.max
# What the properties of a contact may have together, after the changes of an event.
MAX_CONTACT_PROPERTIES = 256
MAX_CONTACT_BYTES = 64 * 1024
# The events that record changes of a contact.
CONTACT_CREATED = "contact.created"
CONTACT_UPDATED = "contact.updated"
# An event that is older than this when it arrives starts no journeys.
LATE_AFTER = timedelta(hours=24)
# The longest chain of journeys of which each triggers an event that starts the next.
MAX_CHAIN_LENGTH = 8
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Suppress:
    """A request to stop mail to an address from now on."""

    address: str
    reason: str


@record
class IncomingEvent:
    """An event to be ingested.

    Args:
        name: the event's name.
        user_id: the contact's id in the product.
        email: the contact's address, normalized.
        anonymous_id: the contact's browser id.
        contact_id: our id of the contact; when given, `user_id`, `email` and `anonymous_id` are
            ignored.
        properties: the event's properties.
        contact_properties: properties to store on the contact; null deletes a property.
        contact_defaults: properties to store on the contact unless it has them.
        lists: the contact's decisions about lists; `*` stands for every list.
        source: the sender: `api`, `journey`, `recipient`, `dashboard`, `cli`.
        idempotency_key: a second event with the same key changes nothing.
        digest: the digest of the body, to detect the same key with another body.
        timestamp: when the event happened, according to the sender; None means now.
        value: an amount of money.
        currency: the amount's currency, three letters.
        cause_id: the enrollment that triggered the event.
        send_id: the mail that the event is about, such as a click.
        depth: how many journeys triggered one another before this event; 0 for an event from
            outside.
        suppress: an address to suppress in the same transaction.
        only_journey: the only journey that the event may start, when an operator enrolls a contact.
        event_id: the id to store the event under; a journey sets it so that a replay gets the same
            id.
        is_contact_change: whether the event only records what the contact is: it is not stored when
            nothing changes, and is called `contact.created` when it creates the contact. With
            `contact_id`, `email` is the contact's new address.
        needs_contact: whether the event creates a contact when none is known; otherwise an event of
            an unknown browser, which no journey begins with, waits for the person to be identified.
        is_public: whether a web page sent the event: its anonymous id, which nothing proves, names
            no contact that has a user id or an address.
    """

    name: str
    user_id: str | None = None
    email: str | None = None
    anonymous_id: str | None = None
    contact_id: UUID | None = None
    properties: Mapping[str, Any] = field(default_factory=lambda: {})
    contact_properties: Mapping[str, Any] = field(default_factory=lambda: {})
    contact_defaults: Mapping[str, Any] = field(default_factory=lambda: {})
    lists: Mapping[str, bool] = field(default_factory=lambda: {})
    source: str = "api"
    idempotency_key: str | None = None
    digest: bytes = b""
    timestamp: datetime | None = None
    value: float | None = None
    currency: str | None = None
    cause_id: UUID | None = None
    send_id: UUID | None = None
    depth: int = 0
    suppress: Suppress | None = None
    only_journey: str | None = None
    event_id: UUID | None = None
    is_contact_change: bool = False
    needs_contact: bool = True
    is_public: bool = False


@record
class IngestResult:
    """The result of an ingested event.

    Args:
        stored: False when the idempotency key was used before.
        event_id: the stored event; for a repeated key the event of the first request.
        contact_id: the event's contact.
        contact_key: the contact's key in the API.
        enrollments: for each journey that listens
            `{"journeyId", "outcome", "reason"?, "stateId"?}`.
        exits: for each live enrollment with exit rules `{"journeyId", "stateId", "exited"}`.
        waits: the enrollments whose wait the event ended.
        conflict: the idempotency key was used before with another body.
        lists_error: why changes of list subscriptions had no effect.
        created: whether a new contact was created.
    """

    stored: bool
    event_id: UUID
    contact_id: UUID | None
    contact_key: str
    enrollments: Sequence[Mapping[str, Any]] = ()
    exits: Sequence[Mapping[str, Any]] = ()
    waits: Sequence[Mapping[str, Any]] = ()
    conflict: bool = False
    lists_error: str | None = None
    created: bool = False


def check_properties(properties: Mapping[str, Any], *, escapes: bool) -> str | None:
    """Return the problem with properties that a sender gave; None when there is no problem.

    Args:
        properties: parsed JSON.
        escapes: whether the JSON text has `\\u` escapes. Without, no text can contain NUL
            characters or lone surrogates, and the check for them is skipped.
    """
    if len(properties) > MAX_PROPERTIES:
        return f"has {len(properties)} properties; at most {MAX_PROPERTIES} are allowed"
    return _check_container(properties, 1, escapes) if properties else None


def check_contact_size(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """Return why an event's changes make a contact too large; None when they do not.

    A contact that is too large already, such as one that was merged from two, may change as long as
    it does not grow.

    Args:
        before: the contact's properties.
        after: the properties with the changes.
    """
    if len(after) > max(MAX_CONTACT_PROPERTIES, len(before)):
        return (
            f"The contact would have {len(after)} properties; at most {MAX_CONTACT_PROPERTIES} are "
            "allowed."
        )
    size = _measure(after)
    if size > MAX_CONTACT_BYTES and size > _measure(before):
        return (
            f"The properties of the contact would have {size} bytes as JSON; at most "
            f"{MAX_CONTACT_BYTES} are allowed."
        )
    return None


def _measure(properties: Mapping[str, Any]) -> int:
    return len(_encode(properties).encode("utf-8", "replace"))


def check_text(text: str) -> str | None:
    """Return the problem with a text that a sender gave; None when there is no problem."""
    if "\x00" in text:
        return "contains a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "contains half of a surrogate pair, which is not valid text"
    return None


def _check_container(value: Mapping[str, Any] | list[Any], depth: int, escapes: bool) -> str | None:
    children: Iterable[Any] = value
    if not isinstance(value, list):
        if any(len(name) > MAX_NAME_LENGTH for name in value):
            return f"has a property name longer than {MAX_NAME_LENGTH} characters"
        children = [*value.values(), *value] if escapes else value.values()
    if depth > MAX_DEPTH:
        return f"is nested deeper than {MAX_DEPTH} levels"
    for child in children:
        problem = None
        if isinstance(child, str):
            problem = check_text(child) if escapes else None
        elif isinstance(child, (int, float)):
            if not -MAX_NUMBER <= child <= MAX_NUMBER:
                problem = "contains a number that is too large, or none"
        elif isinstance(child, (dict, list)):
            children_of_child = cast("dict[str, Any] | list[Any]", child)
            problem = _check_container(children_of_child, depth + 1, escapes)
        if problem:
            return problem
    return None
