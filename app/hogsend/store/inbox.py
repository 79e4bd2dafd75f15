"""The local inbox: mails that were captured instead of sent."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from .db import Query, Write
from .fields import to_micros
from .models import InboxRow
from .rows import RowMapper, only
from .stored import Stored

# Mail is repetitive text: the fastest level is three times as fast as the default one, and its
# result is about a tenth larger.
COMPRESSION = 1


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """A captured mail as a list shows it.

    Args:
        send_id: the send that it belongs to.
        to_email: the envelope's recipient.
        from_email: the envelope's sender.
        subject: the decoded subject.
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


ENTRIES = RowMapper(InboxEntry, InboxRow)
_MAILS = RowMapper(
    CapturedMail,
    entry=ENTRIES,
    raw=Stored(zlib.decompress, columns=("mail",)),
    row_id=("entry",),
)
_NEW = ENTRIES.writing(without=("read_at",), extra=("mail",))


def capture(mails: Iterable[CapturedMail]) -> Write:
    """Store mails; one that is stored already stays as it is."""
    return Write(
        f"INSERT INTO inbox ({_NEW.names}) VALUES ({_NEW.placeholders}) "
        "ON CONFLICT (send_id) DO NOTHING",
        [_NEW.values(mail.entry, zlib.compress(mail.raw, COMPRESSION)) for mail in mails],
    )


def newest(limit: int, offset: int = 0) -> Query[list[InboxEntry]]:
    """Query captured mails, newest first.

    Args:
        limit: how many at most.
        offset: how many newer ones to skip.
    """
    return Query(
        f"SELECT {ENTRIES.columns} FROM inbox "
        "ORDER BY captured_at DESC, send_id DESC LIMIT ? OFFSET ?",
        (limit, offset),
        ENTRIES.all,
    )


def one(send_id: UUID) -> Query[CapturedMail | None]:
    """Query one captured mail with its bytes."""
    return Query(f"SELECT {_MAILS.columns} FROM inbox WHERE send_id = ?", (send_id,), _MAILS.first)


def count() -> Query[int]:
    """Query how many mails are captured."""
    return Query("SELECT COUNT(*) FROM inbox", (), only)


def count_unread() -> Query[int]:
    """Query how many captured mails no operator has opened."""
    return Query("SELECT COUNT(*) FROM inbox WHERE read_at IS NULL", (), only)


def mark_read(send_id: UUID, now: datetime) -> Write:
    """Record that an operator opened a mail; the first time stays."""
    return Write(
        "UPDATE inbox SET read_at = ? WHERE send_id = ? AND read_at IS NULL",
        [(to_micros(now), send_id)],
    )


def clear() -> Write:
    """Delete all captured mails."""
    return Write("DELETE FROM inbox")
