"""Passwords, as argon2id hashes (RFC 9106). Hashing runs in a thread, to not block the server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeVar

from ..errors import InvalidInput, Overloaded

if TYPE_CHECKING:
    from argon2 import PasswordHasher

log = logging.getLogger("hogsend")
R = TypeVar("R")

MIN_LENGTH, MAX_LENGTH = 10, 1024
# A hash takes 64 MiB and a core for a tenth of a second: how many are computed at once, and how
# many may wait for that.
_MAX_AT_ONCE = 2
_MAX_WAITING = 8


class _Slots:
    """Limits how many hashes are computed, and how many wait to be."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_MAX_AT_ONCE)
        self._taken = 0

    @asynccontextmanager
    async def take(self) -> AsyncGenerator[None]:
        """Wait for a slot, and hold it within a `with` block.

        Raises:
            Overloaded: too many wait already.
        """
        if self._taken >= _MAX_AT_ONCE + _MAX_WAITING:
            raise Overloaded(
                "Too many people are signing in right now.", "Try again in a few seconds."
            )
        self._taken += 1
        try:
            async with self._free:
                yield
        finally:
            self._taken -= 1


@lru_cache(maxsize=1)
def _get_slots(loop: asyncio.AbstractEventLoop) -> _Slots:
    """Return the slots of the event loop; a process checks all passwords in one loop."""
    return _Slots()


@cache
def _create_hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _compute_placeholder_hash() -> str:
    return _create_hasher().hash("nobody has this password")


def is_too_long(password: str) -> bool:
    """Return whether a password is longer than any that is accepted."""
    return len(password) > MAX_LENGTH


def check(password: str) -> None:
    """Refuse a password that is too short, too long, trivial or not printable.

    Raises:
        InvalidInput: the password is refused; the message names the limit.
    """
    if len(password.strip()) < MIN_LENGTH:
        raise InvalidInput(
            f"The password needs at least {MIN_LENGTH} characters.",
            "Spaces at its start and end do not count.",
        )
    if len(set(password)) == 1:
        raise InvalidInput("The password is one character repeated.", "Choose another one.")
    if is_too_long(password) or not password.isprintable():
        raise InvalidInput(
            f"The password is longer than {MAX_LENGTH} characters or has unprintable ones.",
            "Take another one.",
        )


async def compute_hash(password: str) -> str:
    """Return the hash of a password.

    Raises:
        InvalidInput: the password is not acceptable.
        Overloaded: too many passwords are being hashed, or there is no memory for it.
    """
    check(password)
    return await _run(lambda: _create_hasher().hash(password))


async def is_match(stored_hash: str | None, password: str) -> bool:
    """Return whether a password matches a hash; takes the same time when there is no hash.

    Raises:
        Overloaded: too many passwords are being checked, or there is no memory for it.
    """
    if is_too_long(password):
        return False
    return await _run(lambda: _is_match(stored_hash, password))


async def _run(compute: Callable[[], R]) -> R:
    from argon2.exceptions import HashingError, VerificationError

    async with _get_slots(asyncio.get_running_loop()).take():
        try:
            return await asyncio.to_thread(compute)
        except (HashingError, VerificationError, MemoryError) as error:
            log.error("argon2 cannot compute a password's hash: %s. Free some memory.", error)
            raise Overloaded(
                "The password cannot be checked: the server lacks memory.",
                "Try again in a minute; the server's log has the details.",
                retry_after=60,
            ) from error


def _is_match(stored_hash: str | None, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerifyMismatchError

    try:
        is_match = _create_hasher().verify(stored_hash or _compute_placeholder_hash(), password)
    except (VerifyMismatchError, InvalidHashError, UnicodeEncodeError):
        return False
    return is_match and stored_hash is not None


def is_outdated(stored_hash: str) -> bool:
    """Return whether a hash was computed with weaker parameters than the present ones."""
    return _create_hasher().check_needs_rehash(stored_hash)
