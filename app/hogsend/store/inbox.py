"""The local inbox: mails that were captured instead of sent."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from .db import Query, Row, Write, only
from .fields import from_micros, instant_or_none, to_id, to_micros

# Mail is text with much repetition; the fastest level is three times quicker than the usual one
# and leaves about a tenth more bytes.
COMPRESSION = 1
_HEADING = "send_id, to_email, from_email, subject, captured_at, read_at"


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """A captured mail as a list shows it.

    Args:
        send_id: the ledger's id of the mail.
        to_email: the envelope's recipient.
        from_email: the envelope's sender.
        subject: as people read it.
        captured_at: when it would have left.
        read_at: when an operator first opened it.
    """

    send_id: UUID
    to_email: str
    from_email: str
    subject: str
    captured_at: datetime
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CapturedMail:
    """A captured mail with its bytes, exactly as a server would have received them."""

    entry: InboxEntry
    raw: bytes


def capture(mails: Iterable[CapturedMail]) -> Write:
    """Keep mails; one that is kept already stays as it is."""
    rows = [
        (
            mail.entry.send_id,
            mail.entry.to_email,
            mail.entry.from_email,
            mail.entry.subject,
            zlib.compress(mail.raw, COMPRESSION),
            to_micros(mail.entry.captured_at),
        )
        for mail in mails
    ]
    return Write(
        "INSERT INTO inbox (send_id, to_email, from_email, subject, mail, captured_at) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (send_id) DO NOTHING",
        rows,
    )


def newest(limit: int, offset: int = 0) -> Query[list[InboxEntry]]:
    """List captured mails, newest first.

    Args:
        limit: how many at most.
        offset: how many newer ones to pass over.
    """
    return Query(
        f"SELECT {_HEADING} FROM inbox ORDER BY captured_at DESC, send_id DESC LIMIT ? OFFSET ?",
        (limit, offset),
        lambda rows: [_entry(row) for row in rows],
    )


def one(send_id: UUID) -> Query[CapturedMail | None]:
    """Find one captured mail with its bytes."""

    def read(rows: list[Row]) -> CapturedMail | None:
        return CapturedMail(_entry(rows[0]), zlib.decompress(rows[0][6])) if rows else None

    return Query(f"SELECT {_HEADING}, mail FROM inbox WHERE send_id = ?", (send_id,), read)


def count() -> Query[int]:
    """Count all captured mails."""
    return Query("SELECT COUNT(*) FROM inbox", (), only)


def count_unread() -> Query[int]:
    """Count the captured mails that no operator has opened."""
    return Query("SELECT COUNT(*) FROM inbox WHERE read_at IS NULL", (), only)


def mark_read(send_id: UUID, now: datetime) -> Write:
    """Note that an operator opened a mail; the first time stays."""
    return Write(
        "UPDATE inbox SET read_at = ? WHERE send_id = ? AND read_at IS NULL",
        [(to_micros(now), send_id)],
    )


def clear() -> Write:
    """Throw all captured mails away."""
    return Write("DELETE FROM inbox")


def _entry(row: Row) -> InboxEntry:
    return InboxEntry(
        send_id=to_id(row[0]),
        to_email=row[1],
        from_email=row[2],
        subject=row[3],
        captured_at=from_micros(row[4]),
        read_at=instant_or_none(row[5]),
    )
