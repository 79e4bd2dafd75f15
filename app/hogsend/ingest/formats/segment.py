"""The Segment HTTP API: `identify`, `track`, `page`, `screen`, `group` and `alias`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args

from ...errors import InvalidInput
from .converted import (
    Converted,
    UnreadableInstant,
    Unusable,
    build_key,
    drop_empty,
    read_amount,
    read_email,
    read_instant,
    read_object,
    read_text,
)

MessageType = Literal["identify", "track", "page", "screen", "group", "alias"]
MESSAGE_TYPES: tuple[MessageType, ...] = get_args(MessageType)
# The paths of `analytics.js`.
SHORT_TYPES: Mapping[str, MessageType] = {
    message_type[0]: message_type for message_type in MESSAGE_TYPES
}
# What groups are called that have no type of their own.
_GROUP_TYPE = "company"


def find_write_key(body: Any) -> str:
    """Return the write key that a body has; empty when there is none."""
    return read_text(read_object(body).get("writeKey"))


def list_messages(body: Any) -> list[Any]:
    """Return the messages of a batch.

    Raises:
        InvalidInput: the body has no list of messages.
    """
    messages = read_object(body).get("batch")
    if not isinstance(messages, list):
        raise InvalidInput('The body must be {"batch": […]}.')
    return cast("list[Any]", messages)


def convert_message(message: Any, message_type: str = "") -> Converted | Unusable:
    """Convert a message of a Segment client.

    Args:
        message: the message.
        message_type: its type, when the path says it; else the message has it.
    """
    fields = read_object(message)
    message_type = message_type or read_text(fields.get("type"))
    if message_type not in MESSAGE_TYPES:
        return Unusable(f"type must be one of {', '.join(MESSAGE_TYPES)}")
    context = read_object(fields.get("context"))
    traits = read_object(context.get("traits"))
    if message_type == "identify":
        traits = {**traits, **read_object(fields.get("traits"))}
    name = read_text(fields.get("event")) if message_type == "track" else message_type
    if not name:
        return Unusable("event is required")
    user_id, anonymous_id = read_text(fields.get("userId")), read_text(fields.get("anonymousId"))
    if message_type == "alias":
        anonymous_id = read_text(fields.get("previousId"))
    properties = _read_properties(fields, message_type)
    try:
        timestamp = read_instant(fields.get("timestamp"), fields.get("originalTimestamp"))
    except UnreadableInstant as error:
        return Unusable(str(error))
    group_id = read_text(fields.get("groupId"))
    body = {
        "name": name,
        "userId": user_id,
        "anonymousId": anonymous_id,
        "email": read_email(traits.get("email")),
        "eventProperties": properties,
        "contactProperties": traits,
        "groups": {_GROUP_TYPE: group_id} if group_id else {},
        "timestamp": timestamp,
        "idempotencyKey": build_key("segment", fields.get("messageId")),
        "userToken": read_text(context.get("userToken")),
        **read_amount(properties),
    }
    return Converted(drop_empty(body))


def _read_properties(fields: dict[str, Any], message_type: str) -> dict[str, Any]:
    if message_type == "identify":
        return {}
    if message_type == "group":
        return read_object(fields.get("traits"))
    properties = read_object(fields.get("properties"))
    if message_type in ("page", "screen"):
        named = {name: read_text(fields.get(name)) for name in ("name", "category")}
        return {**{name: text for name, text in named.items() if text}, **properties}
    return properties
