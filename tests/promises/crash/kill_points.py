"""Named points at which a worker can be killed: around every statement, hand-over and step.

The program knows nothing of these points. A worker that is to be killed patches the database's
transactions, the SMTP session and the functions of its steps. A transaction is named after the
function that opens it, so the test fails when a function without a name opens one.
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

from hogsend.delivery.providers.port import Accepted, BeforeHandoff
from hogsend.delivery.providers.smtp_envelope import Envelope
from hogsend.delivery.providers.smtp_session import SmtpSession
from hogsend.store.db import WRITE_CONNECTION, Database
from hogsend.store.transactions import Transaction

# With the local inbox there is one of these transactions for each mail, over SMTP none.
INBOX = "inbox"
# The functions that open a transaction in a worker, and the name of that transaction.
TRANSACTIONS = {
    "delivery.ledger.Ledger._begin": "mark",
    "delivery.ledger.Ledger._begin_and_conclude": "mark and conclude",
    "delivery.ledger.Ledger._conclude": "conclude",
    "delivery.providers.inbox.InboxProvider._write": INBOX,
    "delivery.recovery.settle_interrupted_sends": "recover",
    "delivery.tracking.Tracker._judge": "judge",
    "delivery.tracking.Tracker._write": "hit",
    "ingest.service.Ingest._write_once": "ingest",
    "process.journey_sync.sync_journeys": "journeys",
    "process.retention.Retention._expire": "expire",
    "process.retention.Retention._replace": "summarize",
    "services.bulk_actions._run_in_batches": "bulk action",
    "services.enrollment_actions.run_action": "action",
    "turns.runner.TurnRunner._commit": "turn",
    "turns.runner.TurnRunner._store_steps": "step",
    "turns.runner.TurnRunner._park": "park",
}
UNNAMED = "unnamed"

BEFORE_MAIL_FROM = "hand-off: before MAIL FROM"
RECIPIENT_ACCEPTED = "hand-off: recipient accepted"
SEND_MARKED = "hand-off: send marked"
DATA_ACCEPTED = "hand-off: DATA accepted"
MIDDLE_OF_TEXT = "hand-off: in the middle of the text"
FINAL_DOT_SENT = "hand-off: after the final dot"
REPLY_READ = "hand-off: reply read"
HANDOFF = (
    BEFORE_MAIL_FROM,
    RECIPIENT_ACCEPTED,
    SEND_MARKED,
    DATA_ACCEPTED,
    MIDDLE_OF_TEXT,
    FINAL_DOT_SENT,
    REPLY_READ,
)

_WRITE_STATEMENT = re.compile(r"(INSERT|UPDATE|DELETE)(?: OR [A-Z]+)?(?: INTO| FROM)? (\w+)")
_IGNORED_STATEMENTS = ("SELECT", "WITH", "PRAGMA", "ROLLBACK")


class KillSwitch:
    """Kills this process at one of its points, and counts how often each point is reached.

    Args:
        point: the name of the point; None never kills.
        number: at which time the point is reached, counted from 1.
    """

    def __init__(self, point: str | None = None, number: int = 1) -> None:
        self._point = point
        self._number = number
        self.transaction = UNNAMED
        self.reached: Counter[str] = Counter()

    def reach(self, name: str) -> None:
        """Count a point, and kill the process if this is the time."""
        self.reached[name] += 1
        if self.is_killed_at(name):
            os.kill(os.getpid(), signal.SIGKILL)

    def is_killed_at(self, name: str, ahead: int = 0) -> bool:
        """Return whether the process is killed when it has reached a point `ahead` more times."""
        return name == self._point and self.reached[name] + ahead >= self._number

    def before_statement(self, sql: str) -> None:
        """Reach the point before a statement. Called on the thread of the write connection."""
        if sql.startswith(_IGNORED_STATEMENTS):
            return
        match = _WRITE_STATEMENT.match(sql)
        statement = f"{match[1]} {match[2]}" if match else sql.split(" ", 1)[0]
        self.reach(f"{self.transaction}: before {statement}")


_installed = KillSwitch()


def reach(name: str) -> None:
    """Reach a point in a journey's code."""
    _installed.reach(name)


def install(switch: KillSwitch) -> None:
    """Patch this process so that everything it does from now on reaches the switch's points."""
    global _installed
    _installed = switch
    _patch_transactions(switch)
    _patch_handoff(switch)


def _patch_transactions(switch: KillSwitch) -> None:
    original_open, original_transaction = Database.open, Database.transaction

    async def open_traced(self: Database) -> None:
        await original_open(self)
        client: Any = get_connections().get(WRITE_CONNECTION)
        await client._connection.set_trace_callback(switch.before_statement)

    def transaction(self: Database) -> AbstractAsyncContextManager[Transaction]:
        frame = sys._getframe(1)
        module = frame.f_globals["__name__"].removeprefix("hogsend.")
        opener = f"{module}.{frame.f_code.co_qualname}"
        name = TRANSACTIONS.get(opener, f"{UNNAMED} ({opener})")
        return traced(original_transaction(self), name)

    @asynccontextmanager
    async def traced(
        original: AbstractAsyncContextManager[Transaction], name: str
    ) -> AsyncGenerator[Transaction]:
        async with original as inner:
            # No other transaction runs on this connection until this one ends.
            switch.transaction = name
            yield inner
        switch.transaction = UNNAMED
        switch.reach(f"{name}: after COMMIT")

    database: Any = Database
    database.open = open_traced
    database.transaction = transaction


def _patch_handoff(switch: KillSwitch) -> None:
    send_envelope, send_content = SmtpSession.send_envelope, SmtpSession.send_content
    write = SMTPProtocol.write

    async def send_envelope_traced(self: SmtpSession, envelope: Envelope) -> None:
        switch.reach(BEFORE_MAIL_FROM)
        await send_envelope(self, envelope)
        switch.reach(RECIPIENT_ACCEPTED)

    async def send_content_traced(
        self: SmtpSession, content: bytes, before_handoff: BeforeHandoff
    ) -> Accepted:
        async def before_handoff_traced() -> None:
            await before_handoff()
            switch.reach(SEND_MARKED)

        accepted = await send_content(self, content, before_handoff_traced)
        switch.reach(REPLY_READ)
        return accepted

    def write_traced(self: SMTPProtocol, data: bytes) -> None:
        if not data.endswith(b"\r\n.\r\n"):
            write(self, data)
            return
        switch.reach(DATA_ACCEPTED)
        if switch.is_killed_at(MIDDLE_OF_TEXT, ahead=1):
            write(self, data[: len(data) // 2])
        switch.reach(MIDDLE_OF_TEXT)
        write(self, data)
        switch.reach(FINAL_DOT_SENT)

    SmtpSession.send_envelope = send_envelope_traced
    SmtpSession.send_content = send_content_traced
    SMTPProtocol.write = write_traced
