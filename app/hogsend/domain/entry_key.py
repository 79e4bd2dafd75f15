"""Entry keys: which of a contact's enrollments in a journey with `key=` an event concerns."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .conditions import MISSING, look_up
from .event import Event
from .journey import Journey

# A longer entry key is stored as its digest.
MAX_KEY_LENGTH = 200
# Begins every entry key that is not a plain text.
_JSON_PREFIX = "="


def compute_entry_key(journey: Journey, event: Event) -> str | None:
    """Return the entry key that an event gives; None when the event has no value for the key.

    A text is its own key. Any other value is `=` followed by its JSON, so that `true` and `"true"`
    differ. The empty text and a text that begins with `=` are written as JSON too, because an
    enrollment without a key has the empty one.
    """
    if journey.entry_key is None:
        return ""
    value = look_up(event.properties, journey.entry_key)
    return None if value is MISSING or value is None else _encode(value)


def is_for_entry(event: Event, journey: Journey, entry_key: str) -> bool:
    """Return whether an event concerns the enrollment with an entry key.

    An event that lacks the property of the key concerns every enrollment. Every event concerns an
    enrollment from before the journey had a key.

    Args:
        event: an event of the enrollment's contact.
        journey: the enrollment's journey.
        entry_key: the enrollment's entry key.
    """
    if journey.entry_key is None or not entry_key:
        return True
    value = look_up(event.properties, journey.entry_key)
    return value is MISSING or value is None or _encode(value) == entry_key


def describe_entry_key(entry_key: str) -> str:
    """Return the value that an entry key stands for, as screens show it.

    Of a value that was too long for a key, only the digest is known.
    """
    if not entry_key.startswith(_JSON_PREFIX):
        return entry_key
    shown = entry_key.removeprefix(_JSON_PREFIX)
    return json.loads(shown) if shown.startswith('"') else shown


def _encode(value: Any) -> str | None:
    """Return the entry key of a value; None for a list or an object, which no enrollment has."""
    if isinstance(value, dict | list):
        return None
    if isinstance(value, float) and value.is_integer():
        # JSON has one kind of number, so 1 and 1.0 must give the same key.
        value = int(value)
    if isinstance(value, str) and value and not value.startswith(_JSON_PREFIX):
        key = value
    else:
        key = _JSON_PREFIX + json.dumps(value, ensure_ascii=False)
    if len(key) <= MAX_KEY_LENGTH:
        return key
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
