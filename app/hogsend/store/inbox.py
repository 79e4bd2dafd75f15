"""The local inbox: mails that were captured instead of sent."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ..domain.erasure import ERASED
from .db import Database, Transaction, Write
from .models import InboxRow
from .rows import RowMapper
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
_NEW = ENTRIES.build_write_columns(without=("read_at",), extra=("mail",))


def capture(mails: Iterable[CapturedMail]) -> Write:
    """Store mails; one that is stored already stays as it is, and one to an erased contact is not.

    This is a statement, because every mail goes through it while no provider is configured.
    """
    return Write(
        f"INSERT INTO inbox ({_NEW.names}) SELECT {_NEW.placeholders} "
        "WHERE NOT EXISTS (SELECT 1 FROM sends WHERE id = ? AND reason = ?) "
        "ON CONFLICT (send_id) DO NOTHING",
        [
            _NEW.values(
                mail.entry, zlib.compress(mail.raw, COMPRESSION), mail.entry.send_id, ERASED
            )
            for mail in mails
        ],
    )


async def find(database: Database, send_id: UUID) -> CapturedMail | None:
    """Return a captured mail with its bytes, if there is one."""
    with database.reading_connection() as connection:
        row = await InboxRow.get_or_none(send_id=send_id, using_db=connection)
    return None if row is None else _MAILS.from_model(row)


async def mark_read(database: Database, send_id: UUID, now: datetime) -> None:
    """Record that an operator opened a mail; the first time stays."""
    async with database.transaction() as transaction:
        unread = InboxRow.filter(send_id=send_id, read_at__isnull=True)
        await unread.using_db(await transaction.models()).update(read_at=now)


async def clear(store: Database | Transaction) -> int:
    """Delete all captured mails, and return how many there were."""
    async with store.transaction() as transaction:
        return await InboxRow.all().using_db(await transaction.models()).delete()
