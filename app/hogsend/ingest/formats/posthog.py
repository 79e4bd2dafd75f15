"""PostHog's capture format, of its servers' libraries and of `posthog-js`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from .converted import (
    Converted,
    UnreadableInstant,
    Unusable,
    build_key,
    drop_empty,
    read_amount,
    read_email,
    read_instant,
    read_number,
    read_object,
    read_text,
)

# What PostHog's clients send for PostHog alone.
_FOREIGN_EVENTS = frozenset(
    {
        "$feature_flag_called",
        "$groupidentify",
        "$heatmap",
        "$$heatmap",
        "$snapshot",
        "$performance_event",
        "$web_vitals",
        "$exception",
    }
)
# Properties of an event that become something else.
_CONSUMED = frozenset(
    {
        "$set",
        "$set_once",
        "$unset",
        "$groups",
        "token",
        "distinct_id",
        "$anon_distinct_id",
        "userToken",
    }
)
_MAX_OFFSET = timedelta(days=30)


def find_api_key(body: Any) -> str:
    """Return the key that a body has: at the top, or in an event's properties."""
    fields = read_object(cast("list[Any]", body)[0] if isinstance(body, list) and body else body)
    properties = read_object(fields.get("properties"))
    keys: list[Any] = [fields.get("api_key"), fields.get("token"), properties.get("token")]
    return next((text for text in map(read_text, keys) if text), "")


def list_messages(body: Any) -> list[Any]:
    """Return the events of a body: of a batch, of a list, or the only one."""
    if isinstance(body, list):
        return cast("list[Any]", body)
    fields = read_object(body)
    for name in ("batch", "data"):
        if isinstance(fields.get(name), list):
            return cast("list[Any]", fields[name])
    return [body]


def convert_message(message: Any, now: datetime) -> Converted | Unusable:
    """Convert an event of a PostHog client.

    Args:
        message: the event.
        now: the current time, from which an event says how long ago it was.
    """
    fields = read_object(message)
    name, properties = read_text(fields.get("event")), read_object(fields.get("properties"))
    if not name:
        return Unusable("event is required")
    if name in _FOREIGN_EVENTS:
        return Unusable()
    user_id, anonymous_id = _find_identities(name, fields, properties)
    if not user_id and not anonymous_id:
        return Unusable("distinct_id is required")
    try:
        timestamp = read_instant(fields.get("timestamp")) or _read_offset(fields, now)
    except UnreadableInstant as error:
        return Unusable(str(error))
    # Later libraries have them at the top, earlier ones among the properties.
    changes = _merge("$set", fields, properties)
    defaults = _merge("$set_once", fields, properties)
    unset = fields.get("$unset", properties.get("$unset"))
    if isinstance(unset, list):
        changes.update(dict.fromkeys(map(read_text, cast("list[Any]", unset))))
    changes.pop("", None)
    email = read_email(changes.get("email")) or read_email(defaults.get("email"))
    groups = read_object(properties.get("$groups"))
    body = {
        "name": name,
        "userId": user_id,
        "anonymousId": anonymous_id,
        "email": email or read_email(user_id),
        "eventProperties": {k: v for k, v in properties.items() if k not in _CONSUMED},
        "contactProperties": changes,
        "groups": {kind: key for kind, value in groups.items() if (key := read_text(value))},
        "timestamp": timestamp,
        "idempotencyKey": build_key("posthog", fields.get("uuid")),
        "userToken": read_text(properties.get("userToken")),
        **read_amount(properties),
    }
    return Converted(drop_empty(body), defaults)


def _find_identities(
    name: str, fields: Mapping[str, Any], properties: Mapping[str, Any]
) -> tuple[str, str]:
    """Return the user id and the anonymous id of an event; empty where it has none."""
    distinct_id = read_text(fields.get("distinct_id")) or read_text(properties.get("distinct_id"))
    if name == "$create_alias":
        return read_text(properties.get("alias")), distinct_id
    if name == "$identify":
        return distinct_id, read_text(properties.get("$anon_distinct_id"))
    device_id = read_text(properties.get("$device_id"))
    is_anonymous = (
        properties.get("$process_person_profile") is False
        or properties.get("$is_identified") is False
        or distinct_id == device_id
    )
    return ("", distinct_id) if is_anonymous else (distinct_id, "")


def _merge(name: str, fields: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    return {**read_object(properties.get(name)), **read_object(fields.get(name))}


def _read_offset(fields: Mapping[str, Any], now: datetime) -> str:
    """Return when an event happened that says so in milliseconds before it was sent."""
    offset = read_number(fields.get("offset"))
    if offset is None:
        return ""
    age = timedelta(milliseconds=min(max(offset, 0), _MAX_OFFSET / timedelta(milliseconds=1)))
    return (now - age).astimezone(UTC).isoformat()
