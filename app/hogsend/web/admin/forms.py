"""What operators type into forms, read into values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ...domain.address import normalize_email
from ...domain.incoming import check_properties, check_text
from ...errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Named:
    """Whom something concerns."""

    user_id: str | None = None
    email: str | None = None


def person_of(text: str) -> Named:
    """Read whom something concerns: an email address, or the product's user id.

    Args:
        text: what was typed.

    Raises:
        InvalidInput: nothing was typed, or something that names nobody.
    """
    text = text.strip()
    if not text:
        raise InvalidInput("It is not said whom this concerns.", "Give a user id or an address.")
    if "@" in text:
        try:
            return Named(email=normalize_email(text))
        except ValueError as problem:
            raise InvalidInput(f"The address {problem}.") from None
    problem = check_text(text) or ("is longer than 200 characters" if len(text) > 200 else None)
    if problem:
        raise InvalidInput(f"The user id {problem}.")
    return Named(user_id=text)


def properties_of(text: str) -> Mapping[str, Any]:
    """Read properties: a JSON object, or nothing.

    Args:
        text: what was typed.

    Raises:
        InvalidInput: it is no JSON object, or one past the limits.
    """
    if not text.strip():
        return {}
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise InvalidInput(f"The properties are no JSON: {problem}.") from None
    if not isinstance(found, dict):
        raise InvalidInput("The properties are no JSON object.", 'Write them as {"plan": "pro"}.')
    properties = cast("dict[str, Any]", found)
    problem = check_properties(properties, escapes=True)
    if problem:
        raise InvalidInput(f"The properties: {problem}.")
    return properties
