"""aiosmtplib: raw commands on a connection that it has opened, encrypted and signed in to.

The public `SMTP.mail`, `rcpt` and `data` cost three times as much, and do not tell a connection
that broke before the server's `354` from one that broke after it: only then is a mail in doubt.
The protocol object beneath them, `SMTP.protocol`, is not documented.
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
    the reply takes too long; the connection cannot be used any more then.

    Args:
        client: connected.

    Raises:
        ConnectionError: the client is not connected any more.
    """

    def __init__(self, client: SMTP) -> None:
        if client.protocol is None:
            raise ConnectionError("the connection is closed")
        self._client = client
        self._protocol = client.protocol

    async def send_command(self, line: bytes, seconds: float) -> tuple[int, str]:
        """Send a command and return the code and the text of the reply.

        Args:
            line: the command, without the line's end.
            seconds: how long to wait for the reply.
        """
        response = await self._protocol.execute_command(line, timeout=seconds)
        return response.code, response.message

    async def send_content(self, content: bytes, seconds: float) -> tuple[int, str]:
        """Send what follows `354` and return the code and the text of the reply.

        Args:
            content: the mail with doubled dots, and the final dot.
            seconds: how long to wait for the reply.
        """
        self._protocol.write(content)
        response = await self._protocol.read_response(timeout=seconds)
        return response.code, response.message

    def abort(self) -> None:
        """Close the connection without `QUIT`, and drop what still waits to be written to it."""
        transport = self._protocol.transport
        self._client.close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
