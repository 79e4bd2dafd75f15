"""Where a life can end: named points around every statement, every hand-over and every step.

The program knows nothing of this. In a process that is to be killed, the seams between its parts
are wrapped: the database's transactions, the SMTP session, and the functions of the steps. What a
transaction is called is told by who opens it, so one of a kind that has no name here is noticed.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from aiosmtplib.protocol import SMTPProtocol
from tortoise.connection import get_connections

from hogsend.delivery.providers.port import Accepted, HandingOver
from hogsend.delivery.providers.smtp_envelope import Envelope
from hogsend.delivery.providers.smtp_session import SmtpSession
from hogsend.store.db import WRITE, Database
from hogsend.store.transactions import Transaction

# There is one of these for each mail only where it is captured, and none over SMTP.
INBOX = "inbox"
# Who opens a transaction in a process that takes facts, plays and delivers, and what it is called.
KINDS = {
    "catalogue.see_journeys": "journeys",
    "delivery.ledger.Ledger._conclude": "conclude",
    "delivery.ledger.Ledger._mark": "mark",
    "delivery.ledger.Ledger._mark_and_conclude": "mark and conclude",
    "delivery.mailer.Mailer.recover": "recover",
    "delivery.tracking.Tracker._judge": "judge",
    "delivery.tracking.Tracker._write": "hit",
    "delivery.providers.inbox.InboxProvider._write": INBOX,
    "ingest.door.Ingest._write_once": "ingest",
    "ingest.orders.Orders._in_steps": "order for many",
    "ingest.orders.Orders.give": "order",
    "retention.Retention._expire": "expire",
    "retention.Retention._replace": "sum up",
    "turns.player.Player._commit": "turn",
    "turns.player.Player._keep": "step",
    "turns.player.Player._park": "park",
}
UNNAMED = "unnamed"

ADDRESSING = "hand-over: before MAIL FROM"
ADDRESSED = "hand-over: recipient accepted"
MARKED = "hand-over: marked"
ASKED = "hand-over: text asked for"
POURING = "hand-over: in the middle of the text"
POURED = "hand-over: after the final dot"
READ = "hand-over: reply read"
HAND_OVER = (ADDRESSING, ADDRESSED, MARKED, ASKED, POURING, POURED, READ)

_WRITING = re.compile(r"(INSERT|UPDATE|DELETE)(?: OR [A-Z]+)?(?: INTO| FROM)? (\w+)")
_READING = ("SELECT", "WITH", "PRAGMA", "ROLLBACK")


class Fate:
    """When this process ends.

    Args:
        point: the name of the point it dies at; None lets it live.
        number: how often it passes that point before, and this once.
    """

    def __init__(self, point: str | None = None, number: int = 1) -> None:
        self._point = point
        self._number = number
        self.kind = UNNAMED
        self.passed: Counter[str] = Counter()

    def passes(self, name: str) -> None:
        """Note that a point is passed, or die at it."""
        self.passed[name] += 1
        if self.is_sealed(name):
            os.kill(os.getpid(), signal.SIGKILL)

    def is_sealed(self, name: str, ahead: int = 0) -> bool:
        """Say whether the process dies when it has passed a point so many times more."""
        return name == self._point and self.passed[name] + ahead >= self._number

    def statement(self, sql: str) -> None:
        """Note a statement that is about to run on the writing connection, on its thread."""
        if sql.startswith(_READING):
            return
        writing = _WRITING.match(sql)
        what = f"{writing[1]} {writing[2]}" if writing else sql.split(" ", 1)[0]
        self.passes(f"{self.kind}: before {what}")


_fate = Fate()


def passes(name: str) -> None:
    """Note that a journey's code passes a point, or die at it."""
    _fate.passes(name)


def watch(fate: Fate) -> None:
    """Let a fate hang over everything that this process does from now on."""
    global _fate
    _fate = fate
    _watch_transactions(fate)
    _watch_hand_overs(fate)


def _watch_transactions(fate: Fate) -> None:
    opened, begun = Database.open, Database.transaction

    async def open_watched(self: Database) -> None:
        await opened(self)
        client: Any = get_connections().get(WRITE)
        await client._connection.set_trace_callback(fate.statement)

    def transaction(self: Database) -> AbstractAsyncContextManager[Transaction]:
        frame = sys._getframe(1)
        module = frame.f_globals["__name__"].removeprefix("hogsend.")
        who = f"{module}.{frame.f_code.co_qualname}"
        return named(begun(self), KINDS.get(who, f"{UNNAMED} ({who})"))

    @asynccontextmanager
    async def named(
        real: AbstractAsyncContextManager[Transaction], kind: str
    ) -> AsyncGenerator[Transaction]:
        async with real as inner:
            # The connection is ours from here to the end: others wait for it.
            fate.kind = kind
            yield inner
        fate.kind = UNNAMED
        fate.passes(f"{kind}: after COMMIT")

    Database.open = open_watched
    Database.transaction = transaction


def _watch_hand_overs(fate: Fate) -> None:
    address, hand_over, write = SmtpSession.address, SmtpSession.hand_over, SMTPProtocol.write

    async def address_watched(self: SmtpSession, envelope: Envelope) -> None:
        fate.passes(ADDRESSING)
        await address(self, envelope)
        fate.passes(ADDRESSED)

    async def hand_over_watched(
        self: SmtpSession, raw: bytes, handing_over: HandingOver
    ) -> Accepted:
        async def marked() -> None:
            await handing_over()
            fate.passes(MARKED)

        accepted = await hand_over(self, raw, marked)
        fate.passes(READ)
        return accepted

    def write_watched(self: SMTPProtocol, data: bytes) -> None:
        if not data.endswith(b"\r\n.\r\n"):
            write(self, data)
            return
        fate.passes(ASKED)
        if fate.is_sealed(POURING, ahead=1):
            write(self, data[: len(data) // 2])
        fate.passes(POURING)
        write(self, data)
        fate.passes(POURED)

    SmtpSession.address = address_watched
    SmtpSession.hand_over = hand_over_watched
    SMTPProtocol.write = write_watched
