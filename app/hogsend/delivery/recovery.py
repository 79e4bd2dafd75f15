"""Settles the sends whose worker ended in the middle of their hand-over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from ..domain.addressee import Addressee
from ..domain.send_policy import OnDoubt, Send
from ..ingest.addressee_resolver import AddresseeResolver
from ..store import addressees, counters, direct_mails, sends
from ..store.counters import Tally
from ..store.db import Database, Transaction
from .outcomes import resolve_interrupted

_BATCH_SIZE = 500

log = logging.getLogger("hogsend.mail")


async def settle_interrupted_sends(
    database: Database,
    now: datetime,
    get_window: Callable[[str | None], timedelta | None],
    get_on_doubt: Callable[[str], OnDoubt] = lambda _: "ask",
) -> None:
    """Decide about mails that may have left when their worker ended.

    Queued mails of version 0.1.0 that go to another address than their contact's get the contact of
    that address first, so that consent and links are the recipient's.

    If their provider recognizes repeats, the mails are queued again. Otherwise they are in doubt
    and are not repeated, unless their template says otherwise.

    Args:
        database: holds the ledger.
        now: the current time.
        get_window: returns how long the provider of this name recognizes a repeated send; None if
            it never does.
        get_on_doubt: returns what happens with a mail of a template that may have left.
    """
    tally = Tally(now)
    async with database.transaction() as tx:
        await _assign_recipients(tx, tally, now)
        interrupted: list[Send] = await tx.fetch_one(
            sends.find_abandoned(tx.dialect.lock_skipping_locked)
        )
        settled = [
            resolve_interrupted(send, now, get_window(send.provider), get_on_doubt(send.template))
            for send in interrupted
        ]
        for send in settled:
            if send.status != "queued":
                tally.add_today(counters.name_send_total(send.status))
        await tx.apply(
            [sends.update(settled, now), *direct_mails.forget_ended(settled), tally.to_write()]
        )
    in_doubt = sum(send.status == "in_doubt" for send in settled)
    if in_doubt:
        log.warning("%d mails may or may not have left when their worker ended", in_doubt)


async def _assign_recipients(tx: Transaction, tally: Tally, now: datetime) -> None:
    """Replace the addresses of queued mails by contacts, which are found or created."""
    is_last = False
    while not is_last:
        rows: list[Send] = await tx.fetch_one(
            addressees.find_queued_with_address(_BATCH_SIZE, tx.dialect.lock_skipping_locked)
        )
        resolver = AddresseeResolver(now)
        people = {send.id: Addressee(email=send.address) for send in rows}
        await resolver.load(tx, people.values(), [])
        assigned = [(resolver.find_or_create(people[send.id]).id, send) for send in rows]
        await resolver.write(tx, tally)
        await tx.apply([addressees.assign_contacts(assigned, now)])
        is_last = len(rows) < _BATCH_SIZE
