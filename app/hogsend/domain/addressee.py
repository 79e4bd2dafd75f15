"""Addressees: the people whom an author names with `to=`."""

from __future__ import annotations

from dataclasses import dataclass

from .address import normalize_email
from .incoming import MAX_NAME_LENGTH, check_text


@dataclass(frozen=True, slots=True)
class Addressee:
    """A person by email address or by user id, one of the two.

    Args:
        email: the address, normalized.
        user_id: the id that the product gives the person.
    """

    email: str | None = None
    user_id: str | None = None

    def __str__(self) -> str:
        return self.email or self.user_id or ""


def parse_addressee(value: object) -> Addressee:
    """Return the person that an author names: text with an @ is an address, all other a user id.

    Args:
        value: the argument of the author.

    Raises:
        ValueError: the value is neither an email address nor a user id.
    """
    if not isinstance(value, str):
        raise ValueError("takes text")
    text = value.strip()
    if "@" in text:
        return Addressee(email=normalize_email(text))
    if not text or len(text) > MAX_NAME_LENGTH or check_text(text) is not None:
        raise ValueError(f"takes 1 to {MAX_NAME_LENGTH} characters")
    return Addressee(user_id=text)
