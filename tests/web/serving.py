"""A real server on loopback, in the test's own event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart

from hogsend.store.change_feed import ChangeFeed


@asynccontextmanager
async def serving(app: Quart, changes: ChangeFeed) -> AsyncIterator[str]:
    """Serve an application; the value is its address.

    Args:
        app: the application.
        changes: closed at the end, so that no open stream holds the server up.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = Config()
        config.bind = [f"fd://{listener.fileno()}"]
        config.errorlog = None
        stopping = asyncio.Event()
        task = asyncio.create_task(serve(app, config, shutdown_trigger=stopping.wait))  # type: ignore[arg-type]
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stopping.set()
            changes.close()
            await task
            listener.detach()
