"""The default provider: captures mail in the local inbox, and nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ...clock import Clock
from ...store import inbox
from ...store.batcher import Batcher
from ...store.change_feed import ChangeFeed
from ...store.db import Database
from .port import Accepted, BeforeHandoff, Message, Provider, TryLater

TOPIC = "inbox"
# A limit, because compressing a batch of large mails blocks the event loop.
MAILS_PER_WRITE = 50


class InboxProvider(Provider):
    """Stores mails for the dashboard's inbox, keyed by send id.

    Args:
        database: holds the inbox.
        clock: the source of the time of capture.
        changes: notified when the inbox changes.
    """

    name = "inbox"
    # The send id is the key of the table, so a repeated send is recognized for ever.
    idempotency_window = timedelta.max

    def __init__(self, database: Database, clock: Clock, changes: ChangeFeed) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes
        self._batcher = Batcher[inbox.CapturedMail, Accepted](
            self._write, max_size=MAILS_PER_WRITE, lock=database.write_lock
        )

    async def deliver(self, message: Message, before_handoff: BeforeHandoff) -> Accepted:
        """Capture one mail; a repeat of the same send changes nothing.

        Raises:
            TryLater: the database did not store the mail, or the result of the commit is unknown. A
                repeat is safe in both cases, because the same send is stored only once.
            Withdrawn: from `before_handoff`.
        """
        await before_handoff()
        entry = inbox.InboxEntry(
            send_id=message.send_id,
            to_email=message.to[0].email,
            from_email=message.from_.email,
            subject=message.subject,
            captured_at=self._clock.now(),
        )
        try:
            return await self._batcher.submit(inbox.CapturedMail(entry, message.mime_bytes))
        except Exception as error:
            raise TryLater(f"the inbox could not be written: {error}") from error

    async def close(self) -> None:
        """Wait for mails that are being written."""
        await self._batcher.wait_until_idle()

    async def _write(self, mails: Sequence[inbox.CapturedMail]) -> Sequence[Accepted | Exception]:
        async with self._database.transaction() as transaction:
            await transaction.apply([inbox.capture(mails)])
        self._changes.publish(TOPIC)
        accepted = Accepted(provider_id=None, reply="captured in the local inbox")
        return [accepted] * len(mails)
