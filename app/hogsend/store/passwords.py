"""Passwords, as argon2id hashes (RFC 9106). Hashing takes a thread, so that nothing else waits."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING

from ..errors import InvalidInput

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 10, 1024


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _hash_of_nobody() -> str:
    return _hasher().hash("nobody has this password")


def check(password: str) -> None:
    """Refuse a password that is too short or too long to be hashed in good time.

    Raises:
        InvalidInput: with the limit that it is past.
    """
    if len(password) < SHORTEST:
        raise InvalidInput(f"The password is shorter than {SHORTEST} characters.", "Take more.")
    if len(password) > LONGEST or not password.isprintable():
        raise InvalidInput(
            f"The password is longer than {LONGEST} characters or has unprintable ones.",
            "Take another one.",
        )


async def hash_of(password: str) -> str:
    """Return the hash that is kept of a password.

    Raises:
        InvalidInput: the password is too short or too long.
    """
    check(password)
    return await asyncio.to_thread(lambda: _hasher().hash(password))


async def matches(kept: str | None, password: str) -> bool:
    """Return whether a password matches a hash; takes as long without a hash."""
    return await asyncio.to_thread(_matches, kept, password)


def _matches(kept: str | None, password: str) -> bool:
    from argon2.exceptions import Argon2Error, InvalidHashError

    if len(password) > LONGEST:
        return False
    try:
        found = _hasher().verify(kept or _hash_of_nobody(), password)
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False
    return found and kept is not None


def is_dated(kept: str) -> bool:
    """Return whether a hash was made with weaker parameters than are used today."""
    return _hasher().check_needs_rehash(kept)
