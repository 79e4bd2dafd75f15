"""aiosmtplib: raw commands on a connection that aiosmtplib has opened, encrypted and signed in to.

The public methods `SMTP.mail`, `rcpt` and `data` take three times as long. They also do not
distinguish a connection that broke before the server's `354` from one that broke afterwards; only
in the second case is the mail in doubt. The object below them, `SMTP.protocol`, is not documented.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiosmtplib import SMTP

REQUIREMENT = "aiosmtplib>=5.1,<5.2"


class RawConnection:
    """The connection of a client, for commands as bytes.

    Every method raises `aiosmtplib.SMTPException` or `OSError` when the connection is broken or
    the reply takes too long. After such an error the connection cannot be used again.

    Args:
        client: a connected client.

    Raises:
        ConnectionError: the client is not connected.
    """

    def __init__(self, client: SMTP) -> None:
        if client.protocol is None:
            raise ConnectionError("the connection is closed")
        self._client = client
        self._protocol = client.protocol

    async def send_command(self, line: bytes, seconds: float) -> tuple[int, str]:
        """Send a command and return the code and the text of the reply.

        Args:
            line: the command, without the line ending.
            seconds: how long to wait for the reply.
        """
        response = await self._protocol.execute_command(line, timeout=seconds)
        return response.code, response.message

    async def send_content(self, content: bytes, seconds: float) -> tuple[int, str]:
        """Send a mail after the server's `354`, and return the code and the text of the reply.

        Args:
            content: the mail with doubled dots, and the final dot.
            seconds: how long to wait for the reply.
        """
        self._protocol.write(content)
        response = await self._protocol.read_response(timeout=seconds)
        return response.code, response.message

    def abort(self) -> None:
        """Close the connection without `QUIT`, and discard buffered data."""
        transport = self._protocol.transport
        self._client.close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
