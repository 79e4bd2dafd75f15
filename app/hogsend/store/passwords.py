"""Passwords, as argon2id hashes (RFC 9106). Hashing runs in a thread, to not block the server."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING

from ..errors import InvalidInput

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_LENGTH, MAX_LENGTH = 10, 1024


@cache
def _create_hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _compute_placeholder_hash() -> str:
    return _create_hasher().hash("nobody has this password")


def check(password: str) -> None:
    """Refuse a password that is too short, too long or not printable.

    Raises:
        InvalidInput: the password is refused; the message names the limit.
    """
    if len(password) < MIN_LENGTH:
        raise InvalidInput(f"The password is shorter than {MIN_LENGTH} characters.", "Take more.")
    if len(password) > MAX_LENGTH or not password.isprintable():
        raise InvalidInput(
            f"The password is longer than {MAX_LENGTH} characters or has unprintable ones.",
            "Take another one.",
        )


async def compute_hash(password: str) -> str:
    """Return the hash of a password.

    Raises:
        InvalidInput: the password is too short or too long.
    """
    check(password)
    return await asyncio.to_thread(lambda: _create_hasher().hash(password))


async def is_match(stored_hash: str | None, password: str) -> bool:
    """Return whether a password matches a hash; takes the same time when there is no hash."""
    return await asyncio.to_thread(_is_match, stored_hash, password)


def _is_match(stored_hash: str | None, password: str) -> bool:
    from argon2.exceptions import Argon2Error, InvalidHashError

    if len(password) > MAX_LENGTH:
        return False
    try:
        is_match = _create_hasher().verify(stored_hash or _compute_placeholder_hash(), password)
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False
    return is_match and stored_hash is not None


def is_outdated(stored_hash: str) -> bool:
    """Return whether a hash was computed with weaker parameters than the present ones."""
    return _create_hasher().check_needs_rehash(stored_hash)
