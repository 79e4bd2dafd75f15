"""Settles the sends whose worker ended in the middle of their hand-over."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from ..domain.send_policy import Send
from ..store import counters, sends
from ..store.counters import Tally
from ..store.db import Database
from .outcomes import resolve_interrupted

log = logging.getLogger("hogsend.mail")


async def settle_interrupted_sends(
    database: Database, now: datetime, window: timedelta | None
) -> None:
    """Decide about mails that may have left when their worker ended.

    If the provider recognizes repeats, the mails are queued again. Otherwise they are in doubt and
    are not repeated.

    Args:
        database: holds the ledger.
        now: the current time.
        window: how long the provider recognizes a repeated send; None if it never does.
    """
    tally = Tally(now)
    async with database.transaction() as tx:
        interrupted: list[Send] = await tx.fetch_one(
            sends.find_abandoned(tx.dialect.lock_free_rows)
        )
        settled = [resolve_interrupted(send, now, window) for send in interrupted]
        for send in settled:
            if send.status != "queued":
                tally.add_today(counters.name_send_total(send.status))
        await tx.apply([sends.update(settled, now), tally.to_write()])
    in_doubt = sum(send.status == "in_doubt" for send in settled)
    if in_doubt:
        log.warning("%d mails may or may not have left when their worker ended", in_doubt)
