"""aiosqlite: one function of ours run in one visit to a connection's thread.

Every public method of a connection is a visit of its own, and each visit costs a round trip
through the event loop. The private `Connection._execute` runs any function in the thread, so a
whole transaction takes one visit (docs/decisions/0003).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

REQUIREMENT = "aiosqlite>=0.22,<0.23"

R = TypeVar("R")


def run_in_thread(connection: Any, function: Callable[..., R], *args: Any) -> Awaitable[R]:
    """Run a function in the thread of an `aiosqlite.Connection`; visits run in order.

    Args:
        connection: the open connection.
        function: gets the `sqlite3.Connection`, then `args`.
        args: further arguments of the function.
    """
    return connection._execute(function, connection._conn, *args)
