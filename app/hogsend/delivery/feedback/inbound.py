"""Turns mails that came to the return path into `Feedback`, for sends that are proven only."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from ...clock import Clock
from ..providers.port import Feedback, FeedbackKind
from ..tokens import Tokens
from .mail_parts import MAX_MAIL_BYTES
from .reading import read_mail
from .report import MailReport, Reading, ReportKind
from .return_path import ReturnPath

PROVIDER = "bounces"
# What fails this mail and is not the recipient's fault has no suppression.
_KINDS: dict[ReportKind, FeedbackKind] = {
    "hard": "hard_bounce",
    "soft": "soft_bounce",
    "content": "rejected",
    "policy": "rejected",
    "refused": "rejected",
    "delayed": "delayed",
    "delivered": "delivered",
    "complaint": "complaint",
}
# A link of ours, as in the `List-Unsubscribe` header of a mail that a complaint returns.
_LINK = re.compile(r"/([upm])/([A-Za-z0-9_-]{40,600})")
_SOFT_BREAK = re.compile(r"=\r?\n|\r?\n[ \t]")


class ReportHandler(Protocol):
    """Records what happened to sends."""

    async def handle(self, provider: str, reports: Sequence[Feedback]) -> int:
        """Record reports, of which repeated ones change nothing; return how many were new."""
        ...


class InboundMail:
    """Reads mails of strangers, and passes on what they prove.

    A report counts only with the signed return path of a send, and a complaint with that or one of
    our signed links: what is forged concerns no send. Anybody who got one of our mails knows its
    return path, so a report is only about the recipient of its send, whatever address it names.

    Args:
        return_path: verifies return paths.
        tokens: verifies links.
        clock: gives the time of reports.
        handler: records them.
    """

    def __init__(
        self, return_path: ReturnPath, tokens: Tokens, clock: Clock, handler: ReportHandler
    ) -> None:
        self.return_path = return_path
        self._tokens = tokens
        self._clock = clock
        self._handler = handler

    async def receive(self, raw: bytes, recipients: Sequence[str] = ()) -> int:
        """Read a mail, and record what it reports; return how many reports were new.

        Args:
            raw: the mail.
            recipients: the addresses of its envelope, if they are known.
        """
        raw = raw[:MAX_MAIL_BYTES]
        # Parsing an unusual mail takes some tenths of a second.
        reports = await asyncio.to_thread(self.read, raw, recipients)
        return await self._handler.handle(PROVIDER, reports) if reports else 0

    def read(self, raw: bytes, recipients: Sequence[str] = ()) -> list[Feedback]:
        """Return what a mail reports of sends that it proves."""
        reading = read_mail(raw)
        if not reading.reports:
            return []
        send_id = self._find_send(reading, raw, recipients)
        if send_id is None:
            return []
        digest = hashlib.sha256(raw).hexdigest()[:32]
        return [
            self._build_feedback(report, send_id, f"{digest}:{number}")
            for number, report in enumerate(reading.reports)
        ]

    def _find_send(self, reading: Reading, raw: bytes, recipients: Sequence[str]) -> UUID | None:
        for address in recipients:
            send_id = self.return_path.read(address)
            if send_id is not None:
                return send_id
        text = _SOFT_BREAK.sub("", raw.decode("latin-1"))
        send_id = self.return_path.find(text)
        if send_id is None and reading.kind == "complaint":
            return self._find_link(text)
        return send_id

    def _find_link(self, text: str) -> UUID | None:
        for match in _LINK.finditer(text):
            kind, token = match[1], match[2]
            if kind == "m":
                send_id = self._tokens.read_view(token)
            elif kind == "u":
                recipient = self._tokens.read_unsubscribe(token)
                send_id = recipient and recipient.send_id
            else:
                recipient = self._tokens.read_preferences(token)
                send_id = recipient and recipient.send_id
            if send_id is not None:
                return send_id
        return None

    def _build_feedback(self, report: MailReport, send_id: UUID, event_id: str) -> Feedback:
        return Feedback(
            kind=_KINDS[report.kind],
            at=self._clock.now(),
            email="",
            send_id=send_id,
            event_id=event_id,
            reply=report.reply,
            code=report.code,
        )
