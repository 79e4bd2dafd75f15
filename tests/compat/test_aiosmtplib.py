"""What `hogsend.compat.aiosmtplib` relies on in aiosmtplib."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

import aiosmtplib
import pytest
from aiosmtplib.protocol import SMTPProtocol

from hogsend.compat.aiosmtplib import RawConnection

REPLIES = {b"NOOP": b"250 fine\r\n", b"DATA": b"354 go on\r\n", b".": b"250 2.0.0 taken\r\n"}


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[aiosmtplib.SMTP, list[bytes]]]:
    """Connect a client to a server that replies as above and never to anything else."""
    lines: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        with closing(writer), suppress(ConnectionError):
            while line := await reader.readline():
                lines.append(line)
                writer.write(REPLIES.get(line.strip(), b""))

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        client = aiosmtplib.SMTP(hostname=host, port=port, start_tls=False)
        await client.connect()
        yield client, lines
        client.close()


def test_a_protocol_has_the_methods_that_raw_commands_need():
    assert inspect.iscoroutinefunction(SMTPProtocol.execute_command)
    assert "timeout" in inspect.signature(SMTPProtocol.execute_command).parameters
    assert list(inspect.signature(SMTPProtocol.write).parameters) == ["self", "data"]
    assert "timeout" in inspect.signature(SMTPProtocol.read_response).parameters


async def test_a_command_gets_its_reply():
    async with connected() as (client, lines):
        assert await RawConnection(client).send_command(b"NOOP", 20) == (250, "fine")
        assert lines == [b"NOOP\r\n"]


async def test_content_gets_the_reply_to_its_final_dot():
    async with connected() as (client, lines):
        connection = RawConnection(client)
        assert await connection.send_command(b"DATA", 20) == (354, "go on")
        assert await connection.send_content(b"Hello\r\n.\r\n", 20) == (250, "2.0.0 taken")
        assert lines == [b"DATA\r\n", b"Hello\r\n", b".\r\n"]


async def test_a_reply_that_takes_too_long_is_a_timeout():
    async with connected() as (client, _):
        with pytest.raises(aiosmtplib.SMTPReadTimeoutError):
            await RawConnection(client).send_command(b"HANG", 0.01)


async def test_an_aborted_connection_is_closed():
    async with connected() as (client, _):
        RawConnection(client).abort()
        assert not client.is_connected


async def test_a_closed_client_has_no_raw_connection():
    async with connected() as (client, _):
        client.close()
        with pytest.raises(ConnectionError):
            RawConnection(client)
