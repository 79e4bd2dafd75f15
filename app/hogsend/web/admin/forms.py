"""Parses what operators type into forms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ...domain.address import normalize_email
from ...domain.incoming import check_properties, check_text
from ...errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Identity:
    """What a contact is known by: one of a user id and an email address."""

    user_id: str | None = None
    email: str | None = None


def parse_identity(text: str) -> Identity:
    """Read an email address, or the product's user id.

    Args:
        text: what was typed.

    Raises:
        InvalidInput: the text is empty, or neither an address nor a user id.
    """
    text = text.strip()
    if not text:
        raise InvalidInput("The contact is missing.", "Enter a user id or an email address.")
    if "@" in text:
        try:
            return Identity(email=normalize_email(text))
        except ValueError as problem:
            raise InvalidInput(f"The email {problem}.") from None
    problem = check_text(text) or ("is longer than 200 characters" if len(text) > 200 else None)
    if problem:
        raise InvalidInput(f"The user id {problem}.")
    return Identity(user_id=text)


def parse_properties(text: str) -> Mapping[str, Any]:
    """Read properties from a JSON object; an empty text has none.

    Args:
        text: what was typed.

    Raises:
        InvalidInput: the text is not a JSON object, or one past the limits.
    """
    if not text.strip():
        return {}
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise InvalidInput(f"The properties are not valid JSON: {problem}.") from None
    if not isinstance(value, dict):
        raise InvalidInput(
            "The properties are not a JSON object.", 'Write them as {"plan": "pro"}.'
        )
    properties = cast("dict[str, Any]", value)
    problem = check_properties(properties, escapes=True)
    if problem:
        raise InvalidInput(f"The properties: {problem}.")
    return properties
