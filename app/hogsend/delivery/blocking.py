"""Stores why mails are blocked, and makes blocked mails due again or fails them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ..store import blocked_mails, counters, direct_mails
from ..store.blocked_mails import BlockedMail
from ..store.counters import Tally
from ..store.db import Transaction
from .outcomes import DeliveryOutcome


@dataclass(frozen=True, slots=True)
class Unblock:
    """A blocked mail that is made again, or that fails for good.

    Args:
        send_id: the mail's send.
        reason: why the mail fails; None to make it again.
    """

    send_id: UUID
    reason: str | None = None


async def store_blocks(tx: Transaction, outcomes: Sequence[DeliveryOutcome], now: datetime) -> None:
    """Store why mails are blocked, with the versions of their templates that failed before."""
    blocks = {outcome.send.id: outcome for outcome in outcomes if outcome.block is not None}
    known = await tx.fetch_one(blocked_mails.find(list(blocks)))
    mails: list[BlockedMail] = []
    for send_id, outcome in blocks.items():
        assert outcome.block is not None  # noqa: S101 (selected above)
        version, facts = outcome.block.version, outcome.block.facts
        before = known.get(send_id)
        versions = before.add_version(version) if before else version
        mails.append(BlockedMail(send_id, outcome.send.template, versions, now, facts))
    await tx.apply([blocked_mails.store(mails)])


async def write_unblocks(
    tx: Transaction, unblocks: Sequence[Unblock], tally: Tally, now: datetime
) -> None:
    """Make blocked mails due again, or fail them; those that are not blocked stay as they are."""
    blocked = await tx.fetch_one(
        blocked_mails.find_reasons([unblock.send_id for unblock in unblocks], tx.dialect.lock_rows)
    )
    current = [unblock for unblock in unblocks if unblock.send_id in blocked]
    failed = {unblock.send_id: unblock.reason for unblock in current if unblock.reason is not None}
    for _ in failed:
        tally.add_today(counters.name_send_total("failed"))
    released = [unblock.send_id for unblock in current if unblock.reason is None]
    await tx.apply(
        [
            blocked_mails.release(released, now),
            blocked_mails.fail(failed, now),
            *direct_mails.forget(failed),
        ]
    )
