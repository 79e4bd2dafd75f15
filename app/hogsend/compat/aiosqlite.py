"""aiosqlite: any function, run in a connection's thread.

Every public method of a connection is a separate call in the thread, and each call costs a round
trip through the event loop. The private `Connection._execute` runs any function in the thread, so
that a whole transaction takes one call (docs/decisions/0003).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

REQUIREMENT = "aiosqlite>=0.22,<0.23"

R = TypeVar("R")


def run_in_thread(connection: Any, function: Callable[..., R], *args: Any) -> Awaitable[R]:
    """Run a function in the thread of an `aiosqlite.Connection`; calls run in order.

    Args:
        connection: the open connection.
        function: the function, which is called with the `sqlite3.Connection`, then `args`.
        args: further arguments of the function.
    """
    return connection._execute(function, connection._conn, *args)
