"""Holds the frequency cap, in the transaction in which mails are handed over."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ..domain.send_policy import Send
from ..domain.sending_policy import FrequencyCap
from ..store import feedback
from ..store.db import Transaction

_REASON = "frequency_cap"


class FrequencyCheck:
    """Counts the mails that contacts got lately, those of the present batch included.

    Args:
        cap: the most mails that a contact gets; None for no cap.
        now: the current time.
    """

    def __init__(self, cap: FrequencyCap | None, now: datetime) -> None:
        self._cap = cap
        self._now = now
        self._handed: dict[UUID, list[datetime]] = {}

    async def load(
        self, tx: Transaction, contact_ids: Collection[UUID], transactional_lists: Collection[str]
    ) -> None:
        """Read when contacts got their last mails.

        Args:
            tx: the transaction, in which the contacts are locked.
            contact_ids: the contacts.
            transactional_lists: the lists whose mails do not count.
        """
        if self._cap is not None and contact_ids:
            since = self._now - self._cap.per
            self._handed = await tx.fetch_one(
                feedback.find_handed(sorted(contact_ids), sorted(transactional_lists), since)
            )

    def decide(self, send: Send, cap: FrequencyCap | None) -> Send | None:
        """Return the changed row of a mail beyond the cap; count it and return None otherwise.

        Args:
            send: the row.
            cap: the cap that holds for the mail; None for a transactional one.
        """
        if cap is None:
            return None
        handed = self._handed.setdefault(send.contact_id, [])
        if len(handed) < cap.mails:
            handed.append(self._now)
            return None
        if cap.then == "skip":
            return replace(send, status="skipped", reason=_REASON, due_at=None)
        # As soon as enough of the mails are old.
        return replace(send, due_at=handed[-cap.mails] + cap.per, reason=_REASON)
