"""Runs a transaction again that lost against another process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import asyncpg

T = TypeVar("T")

# Two processes have added the same row, or have locked the same rows in another order.
CONFLICTS: Final = (asyncpg.IntegrityConstraintViolationError, asyncpg.TransactionRollbackError)
MAX_ATTEMPTS: Final = 3


async def retry_conflicts(run: Callable[[], Awaitable[T]]) -> T:
    """Run a transaction, and run it again when it conflicts with another process's change.

    Args:
        run: begins, and commits, a transaction of its own each time.
    """
    for _ in range(MAX_ATTEMPTS - 1):
        try:
            return await run()
        except CONFLICTS:
            continue
    return await run()
