"""A fast SMTP server that accepts every mail, and misbehaves when a test asks for it.

In a test it runs in the test's event loop. For benchmarks it is a process of its own:

    python -m tests.sinks.smtp_sink --port 2525

which prints `listening on PORT` and answers `XCOUNT` with `250 MAILS LAST`: the number of accepted
mails and the time of the last one, in seconds of the machine's monotonic clock.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

DROP = "drop the connection"
STALL = "do not answer"
# The steps of a script: the greeting, each command by its name, and the reply after the final dot.
GREETING, VERDICT = "GREETING", "."

EHLO = ("sink", "PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
ANSWERS = {
    GREETING: "220 sink ESMTP",
    "HELO": "250 sink",
    "MAIL": "250 2.1.0 Ok",
    "RCPT": "250 2.1.5 Ok",
    "DATA": "354 continue",
    "RSET": "250 2.0.0 Ok",
    "NOOP": "250 2.0.0 Ok",
    "QUIT": "221 2.0.0 Bye",
}
UNKNOWN = "502 5.5.2 unknown command"


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail as it arrived, dots undoubled.

    Args:
        sender: the argument of `MAIL FROM:`, with its parameters.
        recipients: the addresses of `RCPT TO:`, without angle brackets.
        raw: the content.
    """

    sender: str
    recipients: tuple[str, ...]
    raw: bytes


class SmtpSink:
    """A server on loopback; `async with` starts and stops it.

    Args:
        script: the replies for each step (`GREETING`, `EHLO`, `MAIL`, `RCPT`, `DATA`, `.`, …)
            that replace the usual one, each used once: reply lines, `DROP`, `STALL`, or None for
            the usual reply.
        extensions: the lines of the reply to `EHLO`.
        credentials: user and password without which `MAIL` is refused.
        keep: whether to keep mails or only count them.
        port: the port to listen on; 0 lets the system choose.
        reply_delay: how long to delay the reply after the final dot, in seconds, like a server
            that scans mails.
    """

    def __init__(
        self,
        script: Mapping[str, Iterable[str | None]] | None = None,
        *,
        extensions: Iterable[str] = EHLO,
        credentials: tuple[str, str] | None = None,
        keep: bool = True,
        port: int = 0,
        reply_delay: float = 0.0,
    ) -> None:
        self.script: dict[str, Iterator[str | None]] = {
            step: iter(answers) for step, answers in (script or {}).items()
        }
        self.extensions = [*extensions, *(["AUTH PLAIN"] if credentials else [])]
        self.credentials = credentials
        self.keep = keep
        self.port = port
        self.reply_delay = reply_delay
        self.mails: list[ReceivedMail] = []
        self.commands: list[str] = []
        self.count = 0
        self.last_at = 0.0
        self.connections = 0
        self.most_at_once = 0
        self.open: set[_Connection] = set()
        self.stalled = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._disconnected = asyncio.Event()
        self._disconnected.set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._server = server
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The address for `HOGSEND_MAIL`, without credentials."""
        return f"smtp://127.0.0.1:{self.port}"

    def set_answers(self, step: str, *answers: str | None) -> None:
        """Replace the script of one step."""
        self.script[step] = iter(answers)

    def next_answer(self, step: str) -> str | None:
        """Return the next scripted reply of a step, None for the usual one."""
        return next(self.script[step], None) if step in self.script else None

    async def drop_all(self) -> None:
        """Close every connection, like a server that restarts; return when all are closed."""
        for connection in self.open:
            connection.transport.close()
        await self.wait_for_disconnect()

    async def wait_for_disconnect(self) -> None:
        """Return when no connection is open."""
        await self._disconnected.wait()

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        if self._server is not None:
            self._server.close()
        await self.drop_all()

    def add_connection(self, connection: _Connection) -> None:
        """Count a new connection."""
        self.connections += 1
        self.open.add(connection)
        self.most_at_once = max(self.most_at_once, len(self.open))
        self._disconnected.clear()

    def remove_connection(self, connection: _Connection) -> None:
        """Forget a closed connection."""
        self.open.discard(connection)
        if not self.open:
            self._disconnected.set()

    def receive(self, sender: str, recipients: Iterable[str], raw: bytes) -> None:
        """Count one mail, and keep it if mails are kept."""
        self.count += 1
        self.last_at = time.monotonic()
        if self.keep:
            self.mails.append(ReceivedMail(sender, tuple(recipients), raw))


class _Connection(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink
        self._buffer = bytearray()
        self._in_data = False
        self._is_authenticated = sink.credentials is None
        self._in_transaction = False
        self._sender = ""
        self._recipients: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._sink.add_connection(self)
        self._reply_to(GREETING)

    def connection_lost(self, exc: Exception | None) -> None:
        self._sink.remove_connection(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer and not self.transport.is_closing():
            if not (self._read_content() if self._in_data else self._read_line()):
                return

    def _read_line(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        line = self._buffer[:end].decode("utf-8", "replace")
        del self._buffer[: end + 2]
        self._run(line)
        return True

    def _read_content(self) -> bool:
        if self._buffer.startswith(b".\r\n"):
            end = 0
        else:
            end = self._buffer.find(b"\r\n.\r\n") + 2
            if end < 2:
                return False
        content = bytes(self._buffer[:end])
        del self._buffer[: end + 3]
        self._in_data = self._in_transaction = False
        reply = self._sink.next_answer(VERDICT)
        if reply is None or reply.startswith("2"):
            # A line that is only a dot has ended the content; other doubled dots are undone.
            raw = content.removeprefix(b".") if content.startswith(b"..") else content
            self._sink.receive(self._sender, self._recipients, raw.replace(b"\r\n..", b"\r\n."))
        reply = reply or f"250 2.0.0 Ok: queued as SINK{self._sink.count:06d}"
        if self._sink.reply_delay:
            asyncio.get_running_loop().call_later(self._sink.reply_delay, self._send, reply)
        else:
            self._send(reply)
        return True

    def _run(self, line: str) -> None:
        if self._sink.keep:
            self._sink.commands.append(line)
        word = line.partition(" ")[0].upper()
        if word == "MAIL":
            self._sender, self._recipients = line[len("MAIL FROM:") :], []
            if not self._is_authenticated:
                self._send("530 5.7.0 Authentication required")
                return
            if self._in_transaction:
                self._send("503 5.5.1 Nested MAIL")
                return
        elif word == "RCPT":
            self._recipients.append(line[len("RCPT TO:") :].strip("<>"))
        elif word == "AUTH":
            self._authenticate(line)
            return
        elif word == "XCOUNT":
            self._send(f"250 {self._sink.count} {self._sink.last_at:.6f}")
            return
        self._reply_to(word)

    def _authenticate(self, line: str) -> None:
        user, _, password = (
            base64.b64decode(line.rpartition(" ")[2]).decode().removeprefix("\0").partition("\0")
        )
        self._is_authenticated = (user, password) == self._sink.credentials
        reply = self._sink.next_answer("AUTH")
        self._send(
            reply or ("235 2.7.0 Ok" if self._is_authenticated else "535 5.7.8 Wrong password")
        )

    def _reply_to(self, step: str) -> None:
        reply = self._sink.next_answer(step)
        if reply is None and step == "EHLO":
            last = len(self._sink.extensions) - 1
            lines = [
                f"250{' ' if n == last else '-'}{extension}"
                for n, extension in enumerate(self._sink.extensions)
            ]
            reply = "\r\n".join(lines)
        reply = reply or ANSWERS.get(step, UNKNOWN)
        if step in ("MAIL", "RSET"):
            self._in_transaction = step == "MAIL" and reply.startswith("2")
        self._in_data = reply.startswith("354")
        if step == "RCPT" and not reply.startswith("2"):
            self._recipients.pop()
        self._send(reply)
        if step == "QUIT" and reply != STALL:
            self.transport.close()

    def _send(self, reply: str) -> None:
        if reply == DROP:
            self.transport.abort()
        elif reply == STALL:
            self._sink.stalled.set()
        elif not self.transport.is_closing():
            self.transport.write(reply.encode() + b"\r\n")


async def _serve(port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with SmtpSink(keep=False, port=port) as sink:
        print(f"listening on {sink.port}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="An SMTP server that accepts every mail.")
    arguments.add_argument("--port", type=int, default=0)
    asyncio.run(_serve(arguments.parse_args().port))
