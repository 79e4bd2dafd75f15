"""What `hogsend.compat.hypercorn` relies on in Hypercorn."""

from __future__ import annotations

import asyncio
import inspect
import socket
from typing import Any

import hypercorn.protocol as hypercorn_protocol
from hypercorn.asyncio import run as hypercorn_run
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import AsyncioSingleTask
from hypercorn.protocol import ProtocolWrapper
from hypercorn.protocol.h11 import H11Protocol

from hogsend.compat.hypercorn import ServerConfig, serve


def test_a_connection_overrides_methods_that_hypercorn_has():
    assert inspect.iscoroutinefunction(TCPServer._read_data)
    assert inspect.iscoroutinefunction(TCPServer.run)
    assert list(inspect.signature(TCPServer.protocol_send).parameters) == ["self", "event"]


def test_the_protocol_overrides_methods_that_hypercorn_has():
    assert inspect.iscoroutinefunction(TCPServer._close)
    assert inspect.iscoroutinefunction(H11Protocol._send_error_response)
    assert inspect.iscoroutinefunction(H11Protocol._check_protocol)
    assert list(inspect.signature(H11Protocol._check_protocol).parameters) == ["self", "event"]
    assert "await self._check_protocol(event)" in inspect.getsource(H11Protocol._handle_events)


def test_hypercorn_looks_its_protocol_up_by_name_for_each_connection():
    assert "self.protocol = H11Protocol(" in inspect.getsource(ProtocolWrapper.__init__)
    assert ProtocolWrapper.__init__.__globals__ is vars(hypercorn_protocol)


def test_a_connection_has_a_task_that_waits_while_it_is_idle():
    assert "self.idle_task = AsyncioSingleTask()" in inspect.getsource(TCPServer.__init__)
    assert inspect.iscoroutinefunction(AsyncioSingleTask.stop)


def test_hypercorn_looks_its_connection_class_up_by_name_for_each_connection():
    assert "await TCPServer(" in inspect.getsource(hypercorn_run.worker_serve)


async def test_a_connection_is_closed_when_its_client_disconnects():
    listener = socket.create_server(("127.0.0.1", 0))
    address, config = listener.getsockname(), ServerConfig()
    # Hypercorn closes the descriptor.
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    config.keep_alive_timeout = 600
    stop = asyncio.Event()
    server = asyncio.create_task(serve(answer_with_no_content, config, stop=stop.wait))
    try:
        async with asyncio.timeout(20):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
            writer.write_eof()
            assert (await reader.read()).startswith(b"HTTP/1.1 204")
            writer.close()
    finally:
        stop.set()
        await server


async def answer_with_no_content(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})
