"""One connection to an SMTP server, and one mail at a time through it (RFC 5321).

aiosmtplib connects, encrypts and signs in; the three commands of a mail are sent on its raw
connection (`compat/aiosmtplib.py`).
"""

from __future__ import annotations

import ssl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import aiosmtplib

from ...compat.aiosmtplib import RawConnection
from .port import Accepted, HandingOver, InDoubt, ProviderStopped, Rejected, TryLater
from .smtp_envelope import Envelope
from .smtp_replies import queue_id, refusal, said
from .smtp_server import SmtpServer

SERVICE_CLOSING = 421
START_INPUT = 354


@dataclass(frozen=True, slots=True)
class SmtpTimeouts:
    """How long each answer is waited for, in seconds (RFC 5321 §4.5.3.2).

    Args:
        connect: for the connection, the greeting and signing in.
        command: for the answer to `MAIL`, `RCPT` and `DATA`.
        stale: for the answer to `MAIL` on a connection that has rested; a dead one is replaced.
        accept: for the verdict after the final dot: giving up sooner doubles mails.
        farewell: for the answer to `QUIT`.
    """

    connect: float = 30
    command: float = 300
    stale: float = 20
    accept: float = 600
    farewell: float = 1


class StaleConnection(Exception):
    """The connection ended before the mail's content was due; nothing has left."""


class SmtpSession:
    """One open connection.

    Args:
        client: connected and signed in.
        connection: its raw connection.
        patience: how long answers are waited for.
    """

    def __init__(
        self, client: aiosmtplib.SMTP, connection: RawConnection, patience: SmtpTimeouts
    ) -> None:
        self._client = client
        self._connection = connection
        self._patience = patience
        self._size_limit = _size_limit(client)
        self.transactions = 0
        self.rested_at = 0.0

    @classmethod
    async def open(
        cls,
        server: SmtpServer,
        context: ssl.SSLContext,
        *,
        greeting: str,
        patience: SmtpTimeouts,
    ) -> SmtpSession:
        """Connect, encrypt and sign in.

        Args:
            server: to whom.
            context: what its certificate is checked with.
            greeting: what this machine calls itself in `EHLO`.
            patience: how long answers are waited for.

        Raises:
            TryLater: the server could not be reached or did not answer.
            ProviderStopped: it refused the password, the certificate or encryption.
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
            timeout=patience.connect,
        )
        with _connecting(server):
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await _say_hello(client)
            connection = RawConnection(client)
        return cls(client, connection, patience)

    @property
    def is_open(self) -> bool:
        """Whether the connection still stands, as far as is known."""
        return self._client.is_connected

    async def address(self, envelope: Envelope) -> None:
        """Name the sender and the recipient of the next mail.

        Raises:
            Stale: the connection turned out to be dead.
            TryLater, Rejected, ProviderStopped: the server refused; the session can be used on.
        """
        command = self._mail_command(envelope)
        rested, patience = self.transactions > 0, self._patience
        self.transactions += 1
        code, text = await self._ask(command, patience.stale if rested else patience.command)
        if code == SERVICE_CLOSING and rested:
            self.abort()
            raise StaleConnection(said(code, text))
        await self._require(code, text, to_sender=True)
        code, text = await self._ask(b"RCPT TO:<" + envelope.recipient + b">", patience.command)
        await self._require(code, text)

    async def hand_over(self, raw: bytes, handing_over: HandingOver) -> Accepted:
        """Hand over the content of the mail that was addressed.

        Args:
            raw: the mail, lines ended by CR LF.
            handing_over: awaited just before `DATA`.

        Raises:
            InDoubt: the connection ended, or no verdict came, after the content was asked for.
            Stale: it ended before.
            TryLater, Rejected, ProviderStopped: the server refused.
        """
        try:
            await handing_over()
        except Exception:
            await self._reset()
            raise
        except BaseException:
            self.abort()
            raise
        code, text = await self._ask(b"DATA", self._patience.command)
        if code != START_INPUT:
            await self._require(code, text)
            self.abort()
            raise TryLater(said(code, text))
        code, text = await self._pour(raw)
        if code == SERVICE_CLOSING:
            self.abort()
        if not 200 <= code <= 299:
            raise refusal(code, text)
        return Accepted(provider_id=queue_id(text), reply=said(code, text))

    def abort(self) -> None:
        """Drop the connection without a word, and whatever waits to be written to it."""
        self._connection.abort()

    async def quit(self) -> None:
        """Say goodbye and disconnect."""
        with suppress(aiosmtplib.SMTPException, OSError):
            await self._client.quit(timeout=self._patience.farewell)
        self._client.close()

    def _mail_command(self, envelope: Envelope) -> bytes:
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

    async def _ask(self, command: bytes, patience: float) -> tuple[int, str]:
        try:
            return await self._connection.command(command, patience)
        except (aiosmtplib.SMTPException, OSError) as error:
            self.abort()
            raise StaleConnection(str(error)) from error
        except BaseException:
            self.abort()
            raise

    async def _pour(self, raw: bytes) -> tuple[int, str]:
        try:
            return await self._connection.send_content(stuffed(raw), self._patience.accept)
        except (aiosmtplib.SMTPException, OSError) as error:
            self.abort()
            raise InDoubt(f"no verdict after the final dot: {error}") from error
        except BaseException:
            self.abort()
            raise

    async def _require(self, code: int, text: str, *, to_sender: bool = False) -> None:
        if 200 <= code <= 299:
            return
        if code == SERVICE_CLOSING:
            self.abort()
        else:
            await self._reset()
        raise refusal(code, text, to_sender=to_sender)

    async def _reset(self) -> None:
        # What led here is raised by the caller; a connection that cannot even be reset is closed.
        with suppress(StaleConnection):
            code, _ = await self._ask(b"RSET", self._patience.stale)
            if not 200 <= code <= 299:
                self.abort()


def stuffed(raw: bytes) -> bytes:
    """Double each dot that begins a line, and add the final one (RFC 5321 §4.5.2)."""
    if raw.startswith(b"."):
        raw = b"." + raw
    end = b".\r\n" if raw.endswith(b"\r\n") else b"\r\n.\r\n"
    return raw.replace(b"\r\n.", b"\r\n..") + end


async def _say_hello(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        await client.helo()


def _size_limit(client: aiosmtplib.SMTP) -> int | None:
    said = client.esmtp_extensions.get("size")
    if said is None:
        return None
    return int(said) if said.isascii() and said.isdigit() else 0


@contextmanager
def _connecting(server: SmtpServer) -> Generator[None]:
    """Turn what goes wrong while connecting into what it means for the mail."""
    where = f"{server.host}:{server.port}"
    try:
        yield
    except aiosmtplib.SMTPAuthenticationError as error:
        reply = said(error.code, error.message)
        if error.code < 500:
            raise TryLater(reply) from error
        raise ProviderStopped(f"{where} refuses the user or password: {reply}") from error
    except aiosmtplib.SMTPResponseException as error:
        raise TryLater(f"{where} answered {said(error.code, error.message)}") from error
    except OSError as error:
        if _is_about_certificate(error):
            raise ProviderStopped(
                f"{where} has a certificate that is not valid: {error}. Mend it there, or add "
                "?verify=0 to HOGSEND_MAIL if you know that server."
            ) from error
        raise TryLater(f"{where} cannot be reached: {error}") from error
    except aiosmtplib.SMTPException as error:
        raise ProviderStopped(f"{where} cannot be signed in to: {error}") from error


def _is_about_certificate(error: BaseException) -> bool:
    causes = (error, error.__cause__)
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes)
