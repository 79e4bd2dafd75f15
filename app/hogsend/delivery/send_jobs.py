"""Reads what due mails are made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ..errors import CorruptRow
from ..store import consents, contacts, events, sends
from ..store.corrupt_row_failures import fail_send
from ..store.db import Database
from .ledger import SendJob, facts_of


async def load_jobs(database: Database, ids: Sequence[UUID], now: datetime) -> list[SendJob]:
    """Read mails with what they are made of; one of a row that cannot be read fails alone.

    Args:
        database: where they are.
        ids: the mails; those that are not queued any more, or not due yet, are left out: one that
            was looked up just before a try of it failed is to wait for its next.
        now: the present instant.
    """
    try:
        return await _load(database, ids, now)
    except CorruptRow as error:
        if len(ids) == 1:
            await fail_send(database, ids[0], error, now)
            return []
    return [job for one in ids for job in await load_jobs(database, [one], now)]


async def _load(database: Database, ids: Sequence[UUID], now: datetime) -> list[SendJob]:
    rows, people, triggers, said, suppressed = await database.read(
        sends.by_ids(ids),
        contacts.of_sends(ids),
        events.triggers_of_sends(ids),
        consents.of_sends(ids),
        consents.suppressed_of_sends(ids),
    )
    return [
        SendJob(
            send,
            people[send.contact_id],
            triggers.get(send.id),
            facts_of(people[send.contact_id], said, suppressed, send),
        )
        for send in rows.values()
        if send.status == "queued" and send.due_at is not None and send.due_at <= now
    ]
