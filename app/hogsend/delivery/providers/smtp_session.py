"""One connection to an SMTP server, which sends one mail at a time (RFC 5321).

aiosmtplib connects, encrypts and signs in. The three commands of a mail run on aiosmtplib's raw
connection (`compat/aiosmtplib.py`).
"""

from __future__ import annotations

import ssl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import aiosmtplib

from ...compat.aiosmtplib import RawConnection
from .port import (
    Accepted,
    BeforeHandoff,
    DeliveryError,
    InDoubt,
    ProviderStopped,
    Rejected,
    TryLater,
)
from .smtp_envelope import Envelope
from .smtp_replies import Command, build_error, format_reply, parse_queue_id
from .smtp_server import SmtpServer

SERVICE_CLOSING = 421
START_INPUT = 354
# RFC 1870 §4 allows a size limit of twenty digits.
_MAX_SIZE_DIGITS = 20


@dataclass(frozen=True, slots=True)
class SmtpTimeouts:
    """How long to wait for each reply, in seconds (RFC 5321 §4.5.3.2).

    Args:
        connect: the connection, the greeting and signing in.
        command: the reply to `MAIL`, `RCPT` and `DATA`.
        stale: the reply to `MAIL` on an idle connection; a dead connection is replaced.
        accept: the reply after the final dot; with a shorter time, mails could be sent twice.
        quit: the reply to `QUIT`.
    """

    connect: float = 30
    command: float = 300
    stale: float = 20
    accept: float = 600
    quit: float = 1


class StaleConnection(Exception):
    """The connection ended before the content was sent; nothing has left."""


class SmtpSession:
    """One open connection.

    Args:
        client: the SMTP client, connected and signed in.
        connection: the client's raw connection.
        timeouts: how long to wait for replies.

    Attributes:
        transactions: how many mails were begun on this connection.
        idle_since: the event loop's time of the last release, set by the pool.
    """

    def __init__(
        self, client: aiosmtplib.SMTP, connection: RawConnection, timeouts: SmtpTimeouts
    ) -> None:
        self._client = client
        self._connection = connection
        self._timeouts = timeouts
        self._size_limit = _read_size_limit(client)
        self.transactions = 0
        self.idle_since = 0.0
        # How many copies the present mail has, and which of them the server refused.
        self._copies = 0
        self._refused_copies: list[str] = []

    @classmethod
    async def open(
        cls,
        server: SmtpServer,
        context: ssl.SSLContext,
        *,
        greeting: str,
        timeouts: SmtpTimeouts,
    ) -> SmtpSession:
        """Connect, encrypt and sign in.

        Args:
            server: the server to connect to.
            context: the TLS context that checks the server's certificate.
            greeting: the name of this machine in `EHLO`.
            timeouts: how long to wait for replies.

        Raises:
            TryLater: the server cannot be reached or does not answer.
            ProviderStopped: the server refused the password, has a bad certificate, or does not
                encrypt.
        """
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            local_hostname=greeting,
            use_tls=server.tls,
            start_tls={"auto": None, "require": True, "never": False}[server.start_tls],
            tls_context=context,
            timeout=timeouts.connect,
        )
        try:
            with _translate_connection_errors(server):
                await client.connect()
                if client.is_ehlo_or_helo_needed:
                    await _greet(client)
                return cls(client, RawConnection(client), timeouts)
        except BaseException:
            # Nobody else knows the connection yet. aiosmtplib closes only those that it failed to
            # open.
            client.close()
            raise

    @property
    def is_open(self) -> bool:
        """Whether the connection is open, as far as this side knows."""
        return self._client.is_connected

    async def send_envelope(self, envelope: Envelope) -> None:
        """Begin the next mail: send its sender and its recipients.

        Raises:
            StaleConnection: the connection is dead.
            Rejected: the mail is too large, or needs an extension that the server lacks.
            TryLater, Rejected, ProviderStopped: the server refused the sender or the recipient, or
                takes no copy now. The session remains usable.
        """
        command = self._build_mail_command(envelope)
        is_reused, timeouts = self.transactions > 0, self._timeouts
        self.transactions += 1
        code, text = await self._run(command, timeouts.stale if is_reused else timeouts.command)
        if code == SERVICE_CLOSING and is_reused:
            self.abort()
            raise StaleConnection(format_reply(code, text))
        await self._require(code, text, "MAIL")
        recipient, *copies = envelope.recipients
        code, text = await self._run(b"RCPT TO:<" + recipient + b">", timeouts.command)
        await self._require(code, text, "RCPT")
        self._copies, self._refused_copies = len(copies), []
        for copy in copies:
            await self._name_copy(copy)

    async def _name_copy(self, address: bytes) -> None:
        """Name the recipient of a copy; one that does not get it keeps it from nobody else.

        Raises:
            StaleConnection: the connection is dead.
            TryLater, ProviderStopped: the server takes no mail for it now.
        """
        code, text = await self._run(b"RCPT TO:<" + address + b">", self._timeouts.command)
        if 200 <= code <= 299:
            return
        error = build_error(code, text, "RCPT")
        if isinstance(error, Rejected) or (isinstance(error, TryLater) and error.soft_bounce):
            named = address.decode("utf-8", "replace")
            self._refused_copies.append(f"no copy to {named}: {format_reply(code, text)}")
        else:
            await self._require(code, text, "RCPT")

    async def send_content(self, content: bytes, before_handoff: BeforeHandoff) -> Accepted:
        """Send the content of the mail whose envelope the server has accepted.

        Args:
            content: the mail, whose lines end with CR LF.
            before_handoff: awaited just before `DATA`.

        Raises:
            InDoubt: the connection ended or timed out after the server asked for the content.
            StaleConnection: the connection ended before the server asked for the content.
            TryLater, Rejected, ProviderStopped: the server refused the mail.
            Withdrawn: from `before_handoff`.
        """
        try:
            await before_handoff()
        except Exception:
            await self._reset()
            raise
        except BaseException:
            self.abort()
            raise
        code, text = await self._run(b"DATA", self._timeouts.command)
        if code != START_INPUT:
            await self._require(code, text, "DATA")
            self.abort()
            raise TryLater(format_reply(code, text))
        code, text = await self._write_content(content)
        if code == SERVICE_CLOSING:
            self.abort()
        if code // 100 not in (2, 4, 5):
            self.abort()
            raise InDoubt(f"the reply after the final dot is none: {format_reply(code, text)}")
        if code > 299:
            raise self._build_content_error(code, text)
        reply = "; ".join([format_reply(code, text), *self._refused_copies])
        return Accepted(provider_id=parse_queue_id(text), reply=reply)

    def _build_content_error(self, code: int, text: str) -> DeliveryError:
        error = build_error(code, text, "content")
        if isinstance(error, Rejected) and error.kind == "hard_bounce" and self._copies:
            # The reply is about any of the recipients, so it says nothing about the first one.
            return Rejected(error.reply, "refused")
        return error

    def abort(self) -> None:
        """Close the connection and discard unsent data."""
        self._connection.abort()

    async def quit(self) -> None:
        """Send `QUIT` and disconnect."""
        with suppress(aiosmtplib.SMTPException, OSError):
            await self._client.quit(timeout=self._timeouts.quit)
        self._client.close()

    def _build_mail_command(self, envelope: Envelope) -> bytes:
        command = [b"MAIL FROM:<", envelope.sender, b">"]
        offers = self._client.supports_extension
        if self._size_limit is not None:
            if 0 < self._size_limit < envelope.size:
                raise Rejected(
                    f"the mail has {envelope.size} bytes, the server takes {self._size_limit}",
                    "content",
                )
            command.append(b" SIZE=%d" % envelope.size)
        if envelope.is_eight_bit:
            if not offers("8bitmime"):
                raise Rejected("the mail has 8-bit text, the server takes 7-bit only", "content")
            command.append(b" BODY=8BITMIME")
        if envelope.is_international:
            if not offers("smtputf8"):
                raise Rejected(
                    "the address or a header has letters beyond ASCII, and the server does not "
                    "take those (SMTPUTF8)",
                    "content",
                )
            command.append(b" SMTPUTF8")
        return b"".join(command)

    async def _run(self, command: bytes, seconds: float) -> tuple[int, str]:
        try:
            return await self._connection.send_command(command, seconds)
        except (aiosmtplib.SMTPException, OSError) as error:
            self.abort()
            raise StaleConnection(str(error)) from error
        except BaseException:
            self.abort()
            raise

    async def _write_content(self, content: bytes) -> tuple[int, str]:
        try:
            return await self._connection.send_content(stuff_dots(content), self._timeouts.accept)
        except (aiosmtplib.SMTPException, OSError) as error:
            self.abort()
            raise InDoubt(f"no reply after the final dot: {error}") from error
        except BaseException:
            self.abort()
            raise

    async def _require(self, code: int, text: str, command: Command) -> None:
        if 200 <= code <= 299:
            return
        if code == SERVICE_CLOSING:
            self.abort()
        else:
            await self._reset()
        raise build_error(code, text, command)

    async def _reset(self) -> None:
        # The caller raises the original error; a connection that cannot be reset is closed.
        with suppress(StaleConnection):
            code, _ = await self._run(b"RSET", self._timeouts.stale)
            if not 200 <= code <= 299:
                self.abort()


def stuff_dots(content: bytes) -> bytes:
    """Double each dot at the beginning of a line, and add the final dot (RFC 5321 §4.5.2)."""
    if content.startswith(b"."):
        content = b"." + content
    end = b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"
    return content.replace(b"\r\n.", b"\r\n..") + end


async def _greet(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        await client.helo()


def _read_size_limit(client: aiosmtplib.SMTP) -> int | None:
    size = client.esmtp_extensions.get("size")
    if size is None:
        return None
    is_number = size.isascii() and size.isdigit() and len(size) <= _MAX_SIZE_DIGITS
    return int(size) if is_number else 0


@contextmanager
def _translate_connection_errors(server: SmtpServer) -> Generator[None]:
    """Translate errors while connecting into errors of the provider port."""
    where = f"{server.host}:{server.port}"
    try:
        yield
    except aiosmtplib.SMTPAuthenticationError as error:
        reply = format_reply(error.code, error.message)
        if error.code < 500:
            raise TryLater(reply) from error
        raise ProviderStopped(f"{where} refuses the user or password: {reply}") from error
    except aiosmtplib.SMTPResponseException as error:
        raise TryLater(f"{where} answered {format_reply(error.code, error.message)}") from error
    except OSError as error:
        if _is_about_certificate(error):
            raise ProviderStopped(
                f"{where} has a certificate that is not valid: {error}. Fix the certificate, "
                "or add ?verify=0 to HOGSEND_MAIL if you trust that server."
            ) from error
        raise TryLater(f"{where} cannot be reached: {error}") from error
    except aiosmtplib.SMTPException as error:
        raise ProviderStopped(f"{where} cannot be signed in to: {error}") from error
    except ValueError as error:
        # Such as a challenge that is not base64.
        raise TryLater(f"{where} answered what is not SMTP: {error}") from error


def _is_about_certificate(error: BaseException) -> bool:
    causes = (error, error.__cause__)
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes)
