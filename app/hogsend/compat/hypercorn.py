"""Hypercorn: connections that close as soon as their client has disconnected.

Hypercorn keeps a connection whose client has disconnected open until the keep-alive timeout, and
has no option to close it earlier. This module therefore replaces the connection class in
`hypercorn.asyncio.run` by a subclass that extends the private `TCPServer._read_data`.
"""

# pyright: reportPrivateImportUsage=false, reportUnknownVariableType=false

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from hypercorn.asyncio import run as hypercorn_run
from hypercorn.asyncio import serve as serve_asgi
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config
from hypercorn.events import Event, Updated

REQUIREMENT = "hypercorn>=0.18,<0.19"


class Connection(TCPServer):
    """A connection that ends when its client has disconnected."""

    _is_disconnected = False

    async def run(self) -> None:
        # asyncio would log an error for each connection that is cancelled when the server stops.
        with suppress(asyncio.CancelledError):
            await super().run()

    async def _read_data(self) -> None:
        await super()._read_data()
        self._is_disconnected = True
        await self.idle_task.stop()

    async def protocol_send(self, event: Event) -> None:
        # Without this check, Hypercorn would wait for another request after the last response.
        if not (self._is_disconnected and isinstance(event, Updated)):
            await super().protocol_send(event)


async def serve(app: Any, config: Config, *, stop: Callable[[], Awaitable[object]]) -> None:
    """Serve an ASGI application.

    Args:
        app: the application.
        config: Hypercorn's configuration.
        stop: an async function that returns when the server should stop gracefully.
    """
    hypercorn_run.TCPServer = Connection
    await serve_asgi(app, config, shutdown_trigger=stop)
