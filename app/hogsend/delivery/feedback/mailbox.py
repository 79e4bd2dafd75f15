"""Reads the bounces in a mailbox over IMAP, every minute."""

from __future__ import annotations

import asyncio
import imaplib
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from ...config.bounces_setting import BounceSource
from ...errors import StoreUnavailable
from ..providers.tls import create_verifying_context
from .inbound import InboundMail
from .mail_parts import MAX_MAIL_BYTES

log = logging.getLogger("hogsend.mail")

PROCESSED = "Processed"
_INTERVAL, _MAX_INTERVAL = 60.0, 900.0
_TIMEOUT = 10.0
# So many mails are read in one session; the others follow in the next.
_MAX_MAILS = 500


class BounceMailbox:
    """Reads unread mails; `run` until `close`.

    A mail counts as read once what it reports is committed. One that is read twice, such as after a
    kill between the two, changes nothing.

    Args:
        inbound: takes the mails.
        source: the mailbox.
        is_leader: returns whether this worker reads it, where there are several workers.

    Attributes:
        problem: why the mailbox cannot be read; None if it can.
    """

    def __init__(
        self,
        inbound: InboundMail,
        source: BounceSource,
        is_leader: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self.problem: str | None = None
        self._inbound = inbound
        self._source = source
        self._is_leader = is_leader
        self._closing = asyncio.Event()

    async def run(self) -> None:
        """Read the mailbox every minute; after failures ever less often, until closed."""
        interval = _INTERVAL
        while not self._closing.is_set():
            is_complete = await self.poll()
            interval = _INTERVAL if self.problem is None else min(interval * 2, _MAX_INTERVAL)
            if is_complete:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), interval)

    async def close(self) -> None:
        """End `run` after the current mail."""
        self._closing.set()

    async def poll(self) -> bool:
        """Read what is unread now; return whether nothing is left, or has to wait."""
        try:
            if self._is_leader is not None and not await self._is_leader():
                self.problem = None
                return True
            count = await self._read_unread()
        except (OSError, imaplib.IMAP4.error, StoreUnavailable) as error:
            self._note_problem(_describe(error))
            return True
        except Exception as error:
            log.exception("the mailbox of bounces could not be read")
            self.problem = type(error).__name__
            return True
        if self.problem is not None:
            log.info("the mailbox of bounces can be read again")
            self.problem = None
        return count < _MAX_MAILS

    def _note_problem(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("the mailbox of bounces cannot be read; trying again: %s", problem)
        self.problem = problem

    async def _read_unread(self) -> int:
        session = await asyncio.to_thread(_Session, self._source)
        try:
            numbers = await asyncio.to_thread(session.list_unread)
            for number in numbers[:_MAX_MAILS]:
                if self._closing.is_set():
                    break
                raw = await asyncio.to_thread(session.fetch, number)
                is_readable = raw is None or await self._receive(raw)
                await asyncio.to_thread(session.settle, number, is_readable=is_readable)
            return len(numbers)
        finally:
            await asyncio.to_thread(session.close)

    async def _receive(self, raw: bytes) -> bool:
        """Record what a mail reports; return False for one that can never be read."""
        try:
            await self._inbound.receive(raw)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("a bounce in the mailbox cannot be read, and is flagged there")
            return False
        return True


class _Session:
    """A connection to the mailbox. Its methods block.

    Args:
        source: the mailbox.

    Raises:
        OSError: the server cannot be reached, or its certificate is not valid.
        imaplib.IMAP4.error: it refuses the password, or has no such folder.
    """

    def __init__(self, source: BounceSource) -> None:
        if source.scheme == "imaps":
            context = create_verifying_context()
            self._imap: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                source.host, source.port, ssl_context=context, timeout=_TIMEOUT
            )
        else:
            self._imap = imaplib.IMAP4(source.host, source.port, timeout=_TIMEOUT)
        try:
            self._imap.login(source.user, source.password)
            _check(self._imap.select(_quote(source.folder)))
            self._processed = self._find_processed()
        except BaseException:
            self.close()
            raise

    def _find_processed(self) -> str | None:
        """Return the folder that read mails move to, if there is one and the server can move."""
        (capabilities,) = _check(self._imap.capability())
        if b"MOVE" not in capabilities.upper().split():
            return None
        for name in (PROCESSED, f"INBOX.{PROCESSED}", f"INBOX/{PROCESSED}"):
            if any(_check(self._imap.list('""', _quote(name)))):
                return name
        return None

    def list_unread(self) -> Sequence[str]:
        """Return the numbers of the unread mails, the oldest first."""
        (numbers,) = _check(self._imap.uid("SEARCH", "UNSEEN")) or [b""]
        return (numbers or b"").decode("ascii").split()

    def fetch(self, number: str) -> bytes | None:
        """Return the beginning of a mail; None if it is gone."""
        parts: list[Any] = _check(
            self._imap.uid("FETCH", number, f"(BODY.PEEK[]<0.{MAX_MAIL_BYTES}>)")
        )
        # A literal is a pair of what comes before it and its bytes.
        return next(
            (bytes(part[1]) for part in parts if part and not isinstance(part, bytes)), None
        )

    def settle(self, number: str, *, is_readable: bool) -> None:
        """Mark a mail as read, and put it away."""
        flags = r"(\Seen)" if is_readable else r"(\Seen \Flagged)"
        _check(self._imap.uid("STORE", number, "+FLAGS.SILENT", flags))
        if self._processed is not None and is_readable:
            _check(self._imap.uid("MOVE", number, _quote(self._processed)))

    def close(self) -> None:
        """End the connection."""
        with suppress(OSError, imaplib.IMAP4.error):
            self._imap.logout()


def _check(answer: tuple[str, list[Any]]) -> list[Any]:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(data[0] if data else status)
    return data


def _quote(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _describe(error: Exception) -> str:
    text = error.args[0] if error.args and isinstance(error.args[0], bytes) else str(error)
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return text.removeprefix("b'").removesuffix("'")[:200] or type(error).__name__
