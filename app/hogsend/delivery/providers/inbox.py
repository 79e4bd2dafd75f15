"""The provider of a fresh installation: mail is captured in the local inbox, nothing leaves."""

from __future__ import annotations

from collections.abc import Sequence

from ...clock import Clock
from ...store import inbox
from ...store.batcher import Batcher
from ...store.change_feed import ChangeFeed
from ...store.db import Database
from .port import Accepted, HandingOver, Message, TryLater

TOPIC = "inbox"
# Each mail may be large, and all of a set are compressed before anything else goes on.
MAILS_PER_WRITE = 50


class InboxProvider:
    """Keeps mails where operators can look at them, keyed by send id.

    Args:
        database: where the inbox is.
        clock: tells when a mail was captured.
        changes: told that the inbox has changed.
    """

    name = "inbox"
    remembers_sends = True

    def __init__(self, database: Database, clock: Clock, changes: ChangeFeed) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes
        self._batcher = Batcher[inbox.CapturedMail, Accepted](
            self._write, most=MAILS_PER_WRITE, turn=database.turn
        )

    async def deliver(self, message: Message, handing_over: HandingOver) -> Accepted:
        """Capture one mail; the same send again changes nothing.

        Raises:
            TryLater: the database did not take it. As the inbox remembers, that is safe to say
                even of a commit whose end was not seen.
        """
        await handing_over()
        entry = inbox.InboxEntry(
            send_id=message.send_id,
            to_email=message.to_email,
            from_email=message.from_email,
            subject=message.subject,
            captured_at=self._clock.now(),
        )
        try:
            return await self._batcher.submit(inbox.CapturedMail(entry, message.raw))
        except Exception as error:
            raise TryLater(f"the inbox could not be written: {error}") from error

    async def close(self) -> None:
        """Wait for mails that are being written."""
        await self._batcher.idle()

    async def _write(self, mails: Sequence[inbox.CapturedMail]) -> Sequence[Accepted | Exception]:
        async with self._database.transaction() as transaction:
            await transaction.apply([inbox.capture(mails)])
        self._changes.publish(TOPIC)
        accepted = Accepted(provider_id=None, reply="captured in the local inbox")
        return [accepted] * len(mails)
