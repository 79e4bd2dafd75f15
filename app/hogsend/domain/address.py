"""Validation and normalization of email addresses."""

from __future__ import annotations

import re

import idna

# A dotted domain whose last label starts with a letter, as existing API clients expect.
_SHAPE = re.compile(
    r"[^\s@<>\"(),:;\\\[\]\x00-\x1f\x7f]{1,64}@"
    r"(?:[^\s@<>\"(),:;\\\[\]_\x00-\x1f\x7f.]{1,63}\.)+"
    r"[^\W\d_][^\s@<>\"(),:;\\\[\]_\x00-\x1f\x7f.]{0,62}"
)
MAX_LENGTH = 254


def normalize_email(text: str) -> str:
    """Return an email address without surrounding space, in lower case, its domain in IDNA form.

    Args:
        text: the address as received.

    Raises:
        ValueError: the text is not an email address; the message completes "email …".
    """
    address = text.strip().lower()
    if len(address) > MAX_LENGTH or not _SHAPE.fullmatch(address) or ".." in address:
        raise ValueError("must be an email address such as ada@example.com")
    if address.isascii():
        return address
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except (idna.IDNAError, UnicodeError):
        raise ValueError("has a domain that is not valid") from None
