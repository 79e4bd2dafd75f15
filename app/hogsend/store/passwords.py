"""Passwords, as argon2id hashes (RFC 9106). Hashing takes a thread, so that nothing else waits."""

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
    """Refuse a password that is too short or too long to be hashed in good time.

    Raises:
        InvalidInput: with the limit that it is past.
    """
    if len(password) < MIN_LENGTH:
        raise InvalidInput(f"The password is shorter than {MIN_LENGTH} characters.", "Take more.")
    if len(password) > MAX_LENGTH or not password.isprintable():
        raise InvalidInput(
            f"The password is longer than {MAX_LENGTH} characters or has unprintable ones.",
            "Take another one.",
        )


async def compute_hash(password: str) -> str:
    """Return the hash that is kept of a password.

    Raises:
        InvalidInput: the password is too short or too long.
    """
    check(password)
    return await asyncio.to_thread(lambda: _create_hasher().hash(password))


async def is_match(kept: str | None, password: str) -> bool:
    """Return whether a password matches a hash; takes as long without a hash."""
    return await asyncio.to_thread(_is_match, kept, password)


def _is_match(kept: str | None, password: str) -> bool:
    from argon2.exceptions import Argon2Error, InvalidHashError

    if len(password) > MAX_LENGTH:
        return False
    try:
        found = _create_hasher().verify(kept or _compute_placeholder_hash(), password)
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False
    return found and kept is not None


def is_outdated(kept: str) -> bool:
    """Return whether a hash was made with weaker parameters than are used today."""
    return _create_hasher().check_needs_rehash(kept)
