"""A small LMTP or SMTP server that takes the bounces of our own mails, and nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from .inbound import InboundMail

log = logging.getLogger("hogsend.mail")

MAX_BYTES = 10 * 1024 * 1024
_MAX_LINE = 64 * 1024
_TIMEOUT = 60.0
_COMMANDS_PER_SESSION = 100
# Each may hold a mail of the greatest size in memory.
MAX_CONNECTIONS = 40
_MAX_CONNECTIONS_PER_ADDRESS = 10
_RETRY_AFTER = 10.0


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

    Attributes:
        problem: why nothing is listened for; None if it is.
    """

    def __init__(self, inbound: InboundMail, host: str, port: int, *, is_lmtp: bool) -> None:
        self._inbound = inbound
        self._host, self._port = host, port
        self._is_lmtp = is_lmtp
        self.problem: str | None = None
        self._server: asyncio.Server | None = None
        self._connections = _Connections()
        self._closing = asyncio.Event()

    async def run(self) -> None:
        """Listen until closed; while the address is in use, try again every ten seconds."""
        while not self._closing.is_set():
            try:
                await self.start()
            except OSError as error:
                if self.problem is None:
                    where = f"{self._host}:{self._port}"
                    log.warning("bounces cannot be received on %s: %s", where, error)
                self.problem = str(error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), _RETRY_AFTER)
                continue
            self.problem = None
            await self._closing.wait()

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
        protocol: Any = type(
            "BounceProtocol", (_LimitedProtocol, base), {"line_length_limit": _MAX_LINE}
        )
        protocol.connections = self._connections
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
        """Stop to listen; a sender that is not done yet repeats its mail."""
        self._closing.set()
        if self._server is not None:
            self._server.close()
            self._connections.close()


class _Connections:
    """The open connections, in all and of each address."""

    def __init__(self) -> None:
        self._addresses: dict[asyncio.Transport, str] = {}
        self._counts: Counter[str] = Counter()

    def admit(self, transport: asyncio.Transport) -> bool:
        """Count a new connection; return False for one too many."""
        peer = transport.get_extra_info("peername") or ("127.0.0.1",)
        address = str(peer[0])
        if len(self._addresses) >= MAX_CONNECTIONS or (
            self._counts[address] >= _MAX_CONNECTIONS_PER_ADDRESS
            and not ip_address(address.partition("%")[0]).is_private
        ):
            return False
        self._addresses[transport] = address
        self._counts[address] += 1
        return True

    def remove(self, transport: asyncio.Transport) -> None:
        """Forget a connection that has ended."""
        address = self._addresses.pop(transport)
        self._counts[address] -= 1
        if not self._counts[address]:
            del self._counts[address]

    def close(self) -> None:
        """End all connections."""
        for transport in list(self._addresses):
            transport.close()


class _LimitedProtocol:
    """Refuses connections above the limits, before aiosmtpd's own protocol sees them."""

    connections: _Connections
    _admitted: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        if not self.connections.admit(transport):
            transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
            transport.close()
            return
        self._admitted = transport
        super().connection_made(transport)  # type: ignore[misc]

    def connection_lost(self, error: Exception | None) -> None:
        if self._admitted is not None:
            self.connections.remove(self._admitted)
            self._admitted = None
            super().connection_lost(error)  # type: ignore[misc]
