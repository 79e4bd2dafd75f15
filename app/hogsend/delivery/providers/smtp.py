"""Sends mail over SMTP through a small pool of reused connections."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from .port import Accepted, BeforeHandoff, Message, Provider, TryLater
from .smtp_envelope import Envelope, build_envelope
from .smtp_server import SmtpServer, create_tls_context
from .smtp_session import SmtpSession, SmtpTimeouts, StaleConnection

# Servers limit the mails per connection and close idle connections; these limits come first.
MAILS_PER_CONNECTION = 200
IDLE_SECONDS = 30.0


class SmtpProvider(Provider):
    """Hands mail to one SMTP server, each mail in its own SMTP transaction.

    Connections are opened on demand, at most the server's `pool`, and closed after
    `MAILS_PER_CONNECTION` mails or `idle` seconds without use. An idle connection that the server
    has closed is replaced, and the mail does not notice.

    Args:
        server: the server that takes the mail.
        greeting: the name of this machine in `EHLO`: its domain or an address literal.
        timeouts: how long to wait for replies.
        idle: how long an unused connection stays open, in seconds.
        sign: returns the bytes of a mail with its DKIM signatures; None leaves mails unsigned.
        build_return_path: returns the address that the bounces of a send go to; None is the
            sender's own.
    """

    name = "smtp"

    def __init__(
        self,
        server: SmtpServer,
        *,
        greeting: str = "[127.0.0.1]",
        timeouts: SmtpTimeouts | None = None,
        idle: float = IDLE_SECONDS,
        sign: Callable[[Message], Awaitable[bytes]] | None = None,
        build_return_path: Callable[[UUID], str] | None = None,
    ) -> None:
        self.server = server
        self._greeting = greeting
        self._timeouts = timeouts or SmtpTimeouts()
        self._idle = idle
        self._sign = sign
        self._build_return_path = build_return_path
        self._slots = asyncio.Semaphore(server.pool)
        self._idle_sessions: list[SmtpSession] = []
        self._context: ssl.SSLContext | None = None
        self._cleanup: asyncio.TimerHandle | None = None
        self._quitting: set[asyncio.Task[None]] = set()
        self._closed = False

    async def deliver(self, message: Message, before_handoff: BeforeHandoff) -> Accepted:
        """Hand one mail over; wait while all connections are in use.

        Raises:
            TryLater, Rejected, ProviderStopped, InDoubt, Withdrawn: as the port says.
        """
        return_path = self._build_return_path and self._build_return_path(message.send_id)
        envelope = build_envelope(message, return_path)
        content = message.mime_bytes if self._sign is None else await self._sign(message)
        envelope = replace(envelope, size=len(content))
        async with self._slots:
            session = await self._start_transaction(envelope)
            try:
                return await session.send_content(content, before_handoff)
            except StaleConnection as stale:
                raise TryLater(f"the connection ended before the mail left: {stale}") from stale
            finally:
                self._release(session)

    async def close(self) -> None:
        """Close idle connections, within a second; a connection in use closes after its mail."""
        self._closed = True
        if self._cleanup is not None:
            self._cleanup.cancel()
        while self._idle_sessions:
            self._quit(self._idle_sessions.pop())
        if self._quitting:
            await asyncio.wait(self._quitting)

    async def _start_transaction(self, envelope: Envelope) -> SmtpSession:
        """Return a session whose server has accepted the envelope."""
        session = self._take_idle()
        if session is not None:
            with suppress(StaleConnection):
                return await self._send_envelope(session, envelope)
        # When one idle connection is dead, the others often are too, so a new one is opened.
        session = await self._open()
        try:
            return await self._send_envelope(session, envelope)
        except StaleConnection as stale:
            raise TryLater(f"the connection ended before the mail left: {stale}") from stale

    async def _send_envelope(self, session: SmtpSession, envelope: Envelope) -> SmtpSession:
        try:
            await session.send_envelope(envelope)
        except BaseException:
            self._release(session)
            raise
        return session

    async def _open(self) -> SmtpSession:
        if self._closed:
            raise TryLater("the provider is closed")
        if self._context is None:
            self._context = await asyncio.to_thread(create_tls_context, self.server)
        return await SmtpSession.open(
            self.server, self._context, greeting=self._greeting, timeouts=self._timeouts
        )

    def _take_idle(self) -> SmtpSession | None:
        # The most recently used session is the likeliest to be alive.
        while self._idle_sessions:
            session = self._idle_sessions.pop()
            if session.is_open:
                return session
        return None

    def _release(self, session: SmtpSession) -> None:
        if not session.is_open:
            return
        if self._closed or session.transactions >= MAILS_PER_CONNECTION:
            self._quit(session)
            return
        loop = asyncio.get_running_loop()
        session.idle_since = loop.time()
        self._idle_sessions.append(session)
        if self._cleanup is None:
            self._cleanup = loop.call_later(self._idle, self._close_idle)

    def _close_idle(self) -> None:
        """Close the sessions past their time limit; schedule the next check for the others."""
        self._cleanup = None
        loop = asyncio.get_running_loop()
        oldest = loop.time() - self._idle
        while self._idle_sessions and self._idle_sessions[0].idle_since <= oldest:
            self._quit(self._idle_sessions.pop(0))
        if self._idle_sessions:
            due = self._idle_sessions[0].idle_since + self._idle
            self._cleanup = loop.call_at(due, self._close_idle)

    def _quit(self, session: SmtpSession) -> None:
        task = asyncio.get_running_loop().create_task(session.quit())
        self._quitting.add(task)
        task.add_done_callback(self._quitting.discard)
