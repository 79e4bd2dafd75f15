"""A small LMTP or SMTP server that takes the bounces of our own mails, and nothing else."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from .inbound import InboundMail

log = logging.getLogger("hogsend.mail")

MAX_BYTES = 10 * 1024 * 1024
_MAX_LINE = 64 * 1024
_TIMEOUT = 60.0
_COMMANDS_PER_SESSION = 100


class _Handler:
    """The commands of one connection.

    Args:
        inbound: takes the mails.
    """

    def __init__(self, inbound: InboundMail) -> None:
        self._inbound = inbound

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Accept one signed return path; this is no relay, and has no other mailbox."""
        if self._inbound.return_path.read(address) is None:
            return "550 5.1.1 No such mailbox here"
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Record what the mail says before it is accepted; the sender repeats it otherwise."""
        try:
            await self._inbound.receive(envelope.content, envelope.rcpt_tos)
        except Exception:
            log.exception("a bounce could not be recorded; its sender tries again")
            return "451 4.3.0 Try again later"
        return "250 2.0.0 OK"


class BounceListener:
    """Listens for bounces; `run` until `close`.

    Args:
        inbound: takes the mails.
        host: the address to listen on.
        port: the port; 0 lets the system choose.
        is_lmtp: whether clients speak LMTP (RFC 2033) instead of SMTP.
    """

    def __init__(self, inbound: InboundMail, host: str, port: int, *, is_lmtp: bool) -> None:
        self._inbound = inbound
        self._host, self._port = host, port
        self._is_lmtp = is_lmtp
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._server.sockets[0].getsockname()[1] if self._server else self._port

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: the address is in use.
        """
        from aiosmtpd.lmtp import LMTP
        from aiosmtpd.smtp import SMTP

        base: Any = LMTP if self._is_lmtp else SMTP
        # Reports of some servers have longer lines than the standard allows.
        protocol: Any = type("BounceProtocol", (base,), {"line_length_limit": _MAX_LINE})
        loop = asyncio.get_running_loop()

        def create() -> Any:
            return protocol(
                _Handler(self._inbound),
                data_size_limit=MAX_BYTES,
                enable_SMTPUTF8=True,
                ident="Hogsend",
                timeout=_TIMEOUT,
                command_call_limit=_COMMANDS_PER_SESSION,
                loop=loop,
            )

        self._server = await loop.create_server(create, self._host, self._port)

    async def close(self) -> None:
        """Stop to listen."""
        if self._server is not None:
            self._server.close()
