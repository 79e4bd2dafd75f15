"""Mail over SMTP, through a few connections that are kept and used again."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

from .port import Accepted, HandingOver, Message, TryLater
from .smtp_envelope import Envelope, envelope_of
from .smtp_server import SmtpServer, tls_context
from .smtp_session import SmtpSession, SmtpTimeouts, StaleConnection

# Servers count mails per connection and end those that idle; leaving first avoids both.
MAILS_PER_CONNECTION = 200
IDLE_SECONDS = 30.0


class SmtpProvider:
    """Hands mail to one SMTP server.

    Each mail is a transaction of its own with one recipient. Connections are opened when they
    are needed, never more than the server's `pool`, and closed after `MAILS_PER_CONNECTION` mails
    or `idle` seconds of rest. A kept connection that the server has closed meanwhile is replaced
    without the mail noticing.

    Args:
        server: where mail is handed over.
        greeting: what this machine calls itself in `EHLO`: its domain or an address literal.
        patience: how long answers are waited for.
        idle: after how many seconds of rest a connection is closed.
    """

    name = "smtp"
    remembers_sends = False

    def __init__(
        self,
        server: SmtpServer,
        *,
        greeting: str = "[127.0.0.1]",
        patience: SmtpTimeouts | None = None,
        idle: float = IDLE_SECONDS,
    ) -> None:
        self.server = server
        self._greeting = greeting
        self._patience = patience or SmtpTimeouts()
        self._idle = idle
        self._places = asyncio.Semaphore(server.pool)
        self._resting: list[SmtpSession] = []
        self._context: ssl.SSLContext | None = None
        self._tidying: asyncio.TimerHandle | None = None
        self._farewells: set[asyncio.Task[None]] = set()
        self._closed = False

    async def deliver(self, message: Message, handing_over: HandingOver) -> Accepted:
        """Hand one mail over; waits while all connections are in use.

        Raises:
            TryLater, Rejected, ProviderStopped, InDoubt: as the port says.
        """
        envelope = envelope_of(message)
        async with self._places:
            session = await self._addressed(envelope)
            try:
                return await session.hand_over(message.raw, handing_over)
            except StaleConnection as stale:
                raise TryLater(f"the connection ended before the mail left: {stale}") from stale
            finally:
                self._give_back(session)

    async def close(self) -> None:
        """Say goodbye on resting connections, for a second at most; others end with their mail."""
        self._closed = True
        if self._tidying is not None:
            self._tidying.cancel()
        while self._resting:
            self._dismiss(self._resting.pop())
        if self._farewells:
            await asyncio.wait(self._farewells)

    async def _addressed(self, envelope: Envelope) -> SmtpSession:
        """Return a session whose server has accepted the envelope."""
        session = self._take_rested()
        if session is not None:
            with suppress(StaleConnection):
                return await self._address(session, envelope)
        # Where one kept connection is dead the others often are too, so the second try is fresh.
        session = await self._open()
        try:
            return await self._address(session, envelope)
        except StaleConnection as stale:
            raise TryLater(f"the connection ended before the mail left: {stale}") from stale

    async def _address(self, session: SmtpSession, envelope: Envelope) -> SmtpSession:
        try:
            await session.address(envelope)
        except BaseException:
            self._give_back(session)
            raise
        return session

    async def _open(self) -> SmtpSession:
        if self._closed:
            raise TryLater("the provider is closed")
        if self._context is None:
            self._context = await asyncio.to_thread(tls_context, self.server)
        return await SmtpSession.open(
            self.server, self._context, greeting=self._greeting, patience=self._patience
        )

    def _take_rested(self) -> SmtpSession | None:
        # The last one used is the likeliest to be alive; the others may come to their rest's end.
        while self._resting:
            session = self._resting.pop()
            if session.is_open:
                return session
        return None

    def _give_back(self, session: SmtpSession) -> None:
        if not session.is_open:
            return
        if self._closed or session.transactions >= MAILS_PER_CONNECTION:
            self._dismiss(session)
            return
        loop = asyncio.get_running_loop()
        session.rested_at = loop.time()
        self._resting.append(session)
        if self._tidying is None:
            self._tidying = loop.call_later(self._idle, self._tidy)

    def _tidy(self) -> None:
        """Dismiss the sessions that have rested for long; come again for the others."""
        self._tidying = None
        loop = asyncio.get_running_loop()
        longest = loop.time() - self._idle
        while self._resting and self._resting[0].rested_at <= longest:
            self._dismiss(self._resting.pop(0))
        if self._resting:
            due = self._resting[0].rested_at + self._idle
            self._tidying = loop.call_at(due, self._tidy)

    def _dismiss(self, session: SmtpSession) -> None:
        farewell = asyncio.get_running_loop().create_task(session.quit())
        self._farewells.add(farewell)
        farewell.add_done_callback(self._farewells.discard)
