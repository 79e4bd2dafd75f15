"""Blocked mails: what cannot be made and why, and making it again."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from ..domain.ids import new_id
from ..errors import Conflict
from ..ingest import BatchResult
from ..store import audit, blocked_mails
from ..store.blocked_mails import BlockedGroup, BlockedMail
from .actor import Actor, Permission
from .installation import Installation
from .journey_context import JourneyContext

__all__ = [
    "BlockedGroup",
    "BlockedMail",
    "list_blocked_groups",
    "retry_all_blocked",
    "retry_blocked",
]

# Mails in one transaction: other writers wait for well under 50 ms.
_BATCH_SIZE = 100


async def list_blocked_groups(
    installation: Installation, actor: Actor, journey_id: str = ""
) -> Sequence[BlockedGroup]:
    """Return the blocked mails by template and reason, the greatest groups first.

    Args:
        installation: whose mails.
        actor: who reads them.
        journey_id: only mails of this journey; of any when empty.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    return await installation.database.read_one(blocked_mails.group(journey_id))


async def retry_blocked(context: JourneyContext, actor: Actor, send_id: UUID) -> None:
    """Make a blocked mail again now; it is blocked again if nothing has changed.

    Raises:
        Forbidden: the actor may not operate.
        Conflict: the mail is not blocked.
    """
    actor.require(Permission.OPERATE)
    now = context.clock.now()
    async with context.database.transaction() as tx:
        reasons = await tx.fetch_one(blocked_mails.find_reasons([send_id], tx.dialect.lock_rows))
        if send_id not in reasons:
            raise Conflict("This email is not blocked.", "Reload the page to see its status.")
        subject, before = f"/emails/{send_id}", {"reason": reasons[send_id]}
        entry = audit.record(actor.name, "retry email", subject, now, before=before)
        await tx.apply([blocked_mails.release([send_id], now), entry])
    await context.ingest.publish_result(BatchResult(topics={"sends"}))


async def retry_all_blocked(
    context: JourneyContext, actor: Actor, *, template: str = "", reason: str = ""
) -> int:
    """Make all blocked mails of a template, of a reason, or of both, again now.

    Mails that are blocked meanwhile are left out, so that this ends.

    Args:
        context: whose mails.
        actor: who acts.
        template: only mails of this template; of any when empty.
        reason: only mails with this reason; with any when empty.

    Returns:
        How many mails are made again.

    Raises:
        Forbidden: the actor may not operate.
    """
    actor.require(Permission.OPERATE)
    until, after, retried = new_id(context.clock.now()), None, 0
    entry_id = new_id(context.clock.now())
    selected = {key: value for key, value in (("template", template), ("reason", reason)) if value}
    while ids := await context.database.read_one(
        blocked_mails.find_ids(template, reason, after, until, _BATCH_SIZE)
    ):
        after, now = ids[-1], context.clock.now()
        async with context.database.transaction() as tx:
            reasons = await tx.fetch_one(blocked_mails.find_reasons(ids, tx.dialect.lock_rows))
            retried += len(reasons)
            entry = audit.record(
                actor.name,
                "retry emails",
                "/emails?status=blocked",
                now,
                before=selected or None,
                after={"emails": retried},
                line=entry_id,
            )
            await tx.apply([blocked_mails.release(reasons, now), entry])
        await context.ingest.publish_result(BatchResult(topics={"sends"}))
    return retried
