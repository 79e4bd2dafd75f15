"""Parses what operators type into forms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ...domain.address import normalize_email
from ...domain.incoming import check_properties, check_text
from ...errors import InvalidInput

_MAX_USER_ID_LENGTH = 200
_PROPERTIES_FORM = 'Write it as {"plan": "pro"}.'


@dataclass(frozen=True, slots=True)
class Identity:
    """What a contact is known by: one of a user id and an email address."""

    user_id: str | None = None
    email: str | None = None


def parse_identity(text: str, field: str) -> Identity:
    """Read an email address, or the product's user id.

    Args:
        text: what was typed; a text with an `@` is an address.
        field: the label of the field, for errors.

    Raises:
        InvalidInput: the text is empty, or neither an address nor a user id.
    """
    text = text.strip()
    if not text:
        raise InvalidInput(f"“{field}” is empty.", "Enter a user ID or an email address.")
    if "@" in text:
        return Identity(email=parse_email(text, field))
    problem = check_text(text)
    if len(text) > _MAX_USER_ID_LENGTH:
        problem = f"is longer than {_MAX_USER_ID_LENGTH} characters"
    if problem:
        raise InvalidInput(f"“{field}” {problem}.", "Enter the id that your product uses.")
    return Identity(user_id=text)


def parse_email(text: str, field: str) -> str:
    """Read an email address.

    Args:
        text: what was typed.
        field: the label of the field, for errors.

    Raises:
        InvalidInput: the text is not an address.
    """
    try:
        return normalize_email(text)
    except ValueError as problem:
        raise InvalidInput(f"“{field}” {problem}.", "Correct the address.") from None


def parse_properties(text: str, field: str) -> Mapping[str, Any]:
    """Read properties from a JSON object; an empty text has none.

    Args:
        text: what was typed.
        field: the label of the field, for errors.

    Raises:
        InvalidInput: the text is not a JSON object, or one past the limits.
    """
    if not text.strip():
        return {}
    try:
        value: Any = json.loads(text)
    except RecursionError:
        raise InvalidInput(f"“{field}” is nested too deeply.", _PROPERTIES_FORM) from None
    except ValueError as problem:
        raise InvalidInput(f"“{field}” is not valid JSON: {problem}.", _PROPERTIES_FORM) from None
    if not isinstance(value, dict):
        raise InvalidInput(f"“{field}” is not a JSON object.", _PROPERTIES_FORM)
    properties = cast("dict[str, Any]", value)
    problem = check_properties(properties, escapes=True)
    if problem:
        raise InvalidInput(f"“{field}” {problem}.", "Shorten or remove it.")
    return properties
