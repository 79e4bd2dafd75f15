"""An SMTP server that takes everything, quickly, and can be told to misbehave.

In a test it runs in the test's own loop. For measurements it is a process of its own:

    python -m tests.sinks.smtp_sink --port 2525

which prints `listening on PORT`, and answers `XCOUNT` with `250 MAILS LAST`: how many mails it has
taken and when the last one was complete, in seconds of the machine's monotonic clock.
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

DROP = "drop the connection"
STALL = "say nothing"
# A script's stages: the greeting, each command by its name, and the verdict after the final dot.
GREETING, VERDICT = "GREETING", "."

EHLO = ("sink", "PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
ANSWERS = {
    GREETING: "220 sink ESMTP",
    "HELO": "250 sink",
    "MAIL": "250 2.1.0 Ok",
    "RCPT": "250 2.1.5 Ok",
    "DATA": "354 go on",
    "RSET": "250 2.0.0 Ok",
    "NOOP": "250 2.0.0 Ok",
    "QUIT": "221 2.0.0 Bye",
}
UNKNOWN = "502 5.5.2 unknown command"


@dataclass(frozen=True, slots=True)
class TakenMail:
    """A mail as it came through the wire, dots undoubled.

    Args:
        sender: what `MAIL FROM:` said, with its parameters.
        recipient: what `RCPT TO:` said.
        raw: the content.
    """

    sender: str
    recipient: str
    raw: bytes


class SmtpSink:
    """A server on loopback; `async with` starts and stops it.

    Args:
        script: what to answer at each stage (`GREETING`, `EHLO`, `MAIL`, `RCPT`, `DATA`, `.`, …)
            before the usual answer comes back: reply lines, `DROP`, `STALL` or None for the usual
            answer, each used once.
        offers: what `EHLO` answers.
        credentials: user and password without which `MAIL` is refused.
        keep: whether mails are kept, or only counted.
        port: where to listen; 0 lets the system choose.
        hesitation: how long after it has a mail it says so, in seconds, as a server that looks
            for viruses does.
    """

    def __init__(
        self,
        script: Mapping[str, Iterable[str | None]] | None = None,
        *,
        offers: Iterable[str] = EHLO,
        credentials: tuple[str, str] | None = None,
        keep: bool = True,
        port: int = 0,
        hesitation: float = 0.0,
    ) -> None:
        self.script: dict[str, Iterator[str | None]] = {
            stage: iter(answers) for stage, answers in (script or {}).items()
        }
        self.offers = [*offers, *(["AUTH PLAIN"] if credentials else [])]
        self.credentials = credentials
        self.keep = keep
        self.port = port
        self.hesitation = hesitation
        self.mails: list[TakenMail] = []
        self.commands: list[str] = []
        self.count = 0
        self.last_at = 0.0
        self.connections = 0
        self.most_at_once = 0
        self.open: set[_Conversation] = set()
        self.stalled = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._deserted = asyncio.Event()
        self._deserted.set()

    async def __aenter__(self) -> SmtpSink:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Conversation(self), "127.0.0.1", self.port)
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

    def will_answer(self, stage: str, *answers: str | None) -> None:
        """Replace what the script says for a stage."""
        self.script[stage] = iter(answers)

    def next_answer(self, stage: str) -> str | None:
        """Return what the script says for a stage, once."""
        return next(self.script[stage], None) if stage in self.script else None

    async def drop_all(self) -> None:
        """End every connection, as a server that restarts does; return when all are closed."""
        for conversation in self.open:
            conversation.transport.close()
        await self.deserted()

    async def deserted(self) -> None:
        """Return when no connection is open."""
        await self._deserted.wait()

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        await self.drop_all()

    def joined(self, conversation: _Conversation) -> None:
        """Note a new connection."""
        self.connections += 1
        self.open.add(conversation)
        self.most_at_once = max(self.most_at_once, len(self.open))
        self._deserted.clear()

    def left(self, conversation: _Conversation) -> None:
        """Note the end of a connection."""
        self.open.discard(conversation)
        if not self.open:
            self._deserted.set()

    def take(self, sender: str, recipient: str, raw: bytes) -> None:
        """Count one mail, and keep it when mails are kept."""
        self.count += 1
        self.last_at = time.monotonic()
        if self.keep:
            self.mails.append(TakenMail(sender, recipient, raw))


class _Conversation(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink
        self._buffer = bytearray()
        self._in_data = False
        self._signed_in = sink.credentials is None
        self._in_transaction = False
        self._sender = self._recipient = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._sink.joined(self)
        self._answer(GREETING)

    def connection_lost(self, exc: Exception | None) -> None:
        self._sink.left(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer and not self.transport.is_closing():
            if not (self._take_content() if self._in_data else self._take_line()):
                return

    def _take_line(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        line = self._buffer[:end].decode("utf-8", "replace")
        del self._buffer[: end + 2]
        self._obey(line)
        return True

    def _take_content(self) -> bool:
        if self._buffer.startswith(b".\r\n"):
            end = 0
        else:
            end = self._buffer.find(b"\r\n.\r\n") + 2
            if end < 2:
                return False
        content = bytes(self._buffer[:end])
        del self._buffer[: end + 3]
        self._in_data = self._in_transaction = False
        said = self._sink.next_answer(VERDICT)
        if said is None or said.startswith("2"):
            # Without its doubled dots; a line that is only a dot has ended the content.
            raw = content.removeprefix(b".") if content.startswith(b"..") else content
            self._sink.take(self._sender, self._recipient, raw.replace(b"\r\n..", b"\r\n."))
        said = said or f"250 2.0.0 Ok: queued as SINK{self._sink.count:06d}"
        if self._sink.hesitation:
            asyncio.get_running_loop().call_later(self._sink.hesitation, self._say, said)
        else:
            self._say(said)
        return True

    def _obey(self, line: str) -> None:
        if self._sink.keep:
            self._sink.commands.append(line)
        word = line.partition(" ")[0].upper()
        if word == "MAIL":
            self._sender = line[len("MAIL FROM:") :]
            if not self._signed_in:
                self._say("530 5.7.0 Authentication required")
                return
            if self._in_transaction:
                self._say("503 5.5.1 Nested MAIL")
                return
        elif word == "RCPT":
            self._recipient = line[len("RCPT TO:") :]
        elif word == "AUTH":
            self._sign_in(line)
            return
        elif word == "XCOUNT":
            self._say(f"250 {self._sink.count} {self._sink.last_at:.6f}")
            return
        self._answer(word)

    def _sign_in(self, line: str) -> None:
        user, _, password = (
            base64.b64decode(line.rpartition(" ")[2]).decode().removeprefix("\0").partition("\0")
        )
        self._signed_in = (user, password) == self._sink.credentials
        said = self._sink.next_answer("AUTH")
        self._say(said or ("235 2.7.0 Ok" if self._signed_in else "535 5.7.8 Wrong password"))

    def _answer(self, stage: str) -> None:
        said = self._sink.next_answer(stage)
        if said is None and stage == "EHLO":
            last = len(self._sink.offers) - 1
            lines = [f"250{' ' if n == last else '-'}{o}" for n, o in enumerate(self._sink.offers)]
            said = "\r\n".join(lines)
        said = said or ANSWERS.get(stage, UNKNOWN)
        if stage in ("MAIL", "RSET"):
            self._in_transaction = stage == "MAIL" and said.startswith("2")
        self._in_data = said.startswith("354")
        self._say(said)
        if stage == "QUIT" and said != STALL:
            self.transport.close()

    def _say(self, said: str) -> None:
        if said == DROP:
            self.transport.abort()
        elif said == STALL:
            self._sink.stalled.set()
        elif not self.transport.is_closing():
            self.transport.write(said.encode() + b"\r\n")


async def _serve(port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with SmtpSink(keep=False, port=port) as sink:
        print(f"listening on {sink.port}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="An SMTP server that takes everything.")
    arguments.add_argument("--port", type=int, default=0)
    asyncio.run(_serve(arguments.parse_args().port))
