"""Hypercorn: HTTP/1.1 only, and connections that end when their client is gone or does not read.

Hypercorn has no option for any of this, so this module replaces two of its classes by subclasses:

- the connection class in `hypercorn.asyncio.run`, by extending the private `TCPServer._read_data`
  and `TCPServer._close`. Hypercorn keeps a connection whose client has disconnected until the
  keep-alive timeout, waits without end for a client that does not read, and accepts any number of
  connections;
- the HTTP/1.1 protocol in `hypercorn.protocol`, by overriding the private
  `H11Protocol._check_protocol`. Hypercorn changes to HTTP/2 when a client asks for it, with
  `Upgrade: h2c` or the preface of HTTP/2. A proxy does not see the requests that follow, so a
  client could reach paths that the proxy does not let through.
"""

# pyright: reportPrivateImportUsage=false, reportUnknownVariableType=false

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import hypercorn.protocol as hypercorn_protocol
from hypercorn.asyncio import run as hypercorn_run
from hypercorn.asyncio import serve as serve_asgi
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol

if TYPE_CHECKING:
    import h11

REQUIREMENT = "hypercorn>=0.18,<0.19"
# The bytes that a client must at least read within `ServerConfig.stall_timeout`, or all that waits.
MIN_PROGRESS = 1024


class Admission(Protocol):
    """Decides which connections are served."""

    def admit(self, address: str) -> bytes:
        """Count a new connection of an IP address.

        Returns:
            The HTTP response that refuses the connection, which is then not counted; else nothing.
        """
        ...

    def release(self, address: str) -> None:
        """Forget a connection that was counted."""
        ...


class ServerConfig(Config):
    """Hypercorn's configuration, and what Hypercorn has no options for.

    Attributes:
        admission: decides which connections are served; None serves all.
        stall_timeout: how long a client may leave what is sent to it unread, in seconds.
    """

    admission: Admission | None = None
    stall_timeout: float = 30.0


_DEFAULTS = ServerConfig()


class UnsupportedVersion(Exception):
    """A client speaks a version of HTTP other than 1.0 and 1.1."""


class Http11Protocol(H11Protocol):
    """HTTP/1.1 only: `Upgrade: h2c` is ignored, as RFC 9110 §7.8 allows."""

    async def handle(self, event: Event) -> None:
        try:
            await super().handle(event)
        except UnsupportedVersion:
            await self._send_error_response(400)
            await self.send(Closed())

    async def _check_protocol(self, event: h11.Request) -> None:
        if not event.http_version.startswith(b"1."):
            raise UnsupportedVersion


class Connection(TCPServer):
    """A connection that ends when its client has disconnected or does not read."""

    _is_disconnected = False
    _written = 0
    _watchdog: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        admission = _get_options(self.config).admission
        address: str = (self.writer.get_extra_info("peername") or ("",))[0]
        if admission is not None and (refusal := admission.admit(address)):
            self._write(refusal)
            await self._close()
            return
        try:
            # asyncio would log an error for each connection that is cancelled when the server
            # stops.
            with suppress(asyncio.CancelledError):
                await super().run()
        finally:
            if admission is not None:
                admission.release(address)

    async def _read_data(self) -> None:
        await super()._read_data()
        self._is_disconnected = True
        await self.idle_task.stop()

    async def _close(self) -> None:
        await super()._close()
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    async def protocol_send(self, event: Event) -> None:
        # Without this check, Hypercorn would wait for another request after the last response.
        if self._is_disconnected and isinstance(event, Updated):
            return
        if isinstance(event, RawData):
            self._note_written(len(event.data))
        await super().protocol_send(event)

    def _write(self, data: bytes) -> None:
        self._note_written(len(data))
        self.writer.write(data)

    def _note_written(self, size: int) -> None:
        if self._watchdog is None:
            self._watch(self._count_sent(), self._written + size)
        self._written += size

    def _watch(self, sent: int, written: int) -> None:
        least = min(sent + MIN_PROGRESS, written)
        timeout = _get_options(self.config).stall_timeout
        self._watchdog = self.loop.call_later(timeout, self._check_sent, least)

    def _check_sent(self, least: int) -> None:
        """Close the connection if its client has read less than this many bytes."""
        self._watchdog = None
        sent = self._count_sent()
        if sent < least:
            self.writer.transport.abort()
        elif sent < self._written:
            self._watch(sent, self._written)

    def _count_sent(self) -> int:
        return self._written - self.writer.transport.get_write_buffer_size()


def _get_options(config: Config) -> ServerConfig:
    """Return the options of a server; those of one that `serve` does not run are the defaults."""
    return config if isinstance(config, ServerConfig) else _DEFAULTS


async def serve(app: Any, config: ServerConfig, *, stop: Callable[[], Awaitable[object]]) -> None:
    """Serve an ASGI application.

    Args:
        app: the application.
        config: Hypercorn's configuration.
        stop: an async function that returns when the server should stop gracefully.
    """
    hypercorn_run.TCPServer = Connection
    hypercorn_protocol.H11Protocol = Http11Protocol
    await serve_asgi(app, config, shutdown_trigger=stop)
