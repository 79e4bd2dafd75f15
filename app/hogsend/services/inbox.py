"""The inbox: mail that was captured instead of sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ..domain.send_policy import Send
from ..errors import NotFound
from ..store import inbox, sends
from ..store.inbox import InboxEntry
from ..store.read_models import inbox as read_model
from ..store.read_models.inbox import MAX_COUNTED
from .actor import Actor, Permission
from .audit import build_audit_entry
from .installation import Installation
from .masked_mail import mask_mail

__all__ = [
    "MAX_COUNTED",
    "CapturedMailDetail",
    "InboxEntry",
    "clear_inbox",
    "count_unread",
    "list_mails",
    "open_mail",
]


@dataclass(frozen=True, slots=True)
class CapturedMailDetail:
    """A captured mail.

    Args:
        entry: its line of the inbox.
        raw: the whole message, RFC 5322.
        send: its row of the ledger; None when that is no longer kept.
    """

    entry: InboxEntry
    raw: bytes
    send: Send | None


async def list_mails(
    installation: Installation,
    actor: Actor,
    *,
    to: str = "",
    before: UUID | None = None,
    limit: int,
) -> Sequence[InboxEntry]:
    """Return captured mails, newest first.

    Args:
        installation: whose inbox.
        actor: who reads it.
        to: only mails to this address; to any when empty.
        before: only mails older than this send.
        limit: how many at most.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    return await read_model.list_mails(installation.database, limit, before, to)


async def count_unread(installation: Installation, actor: Actor) -> int:
    """Return how many captured mails are unread; counts no more than `MAX_COUNTED`.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    return await installation.database.read_one(read_model.count_unread())


async def open_mail(installation: Installation, actor: Actor, send_id: UUID) -> CapturedMailDetail:
    """Return a captured mail and mark it as read.

    For an actor who may only read, the mail stays unread and its links are masked.

    Raises:
        Forbidden: the actor may not read.
        NotFound: no mail of this send was captured, or the inbox was cleared.
    """
    actor.require(Permission.READ)
    database = installation.database
    captured = await inbox.find(database, send_id)
    if captured is None:
        raise NotFound("There is no such mail.", "The inbox may have been cleared.")
    can_act = actor.can_act_for_recipients
    if captured.entry.read_at is None and can_act:
        await inbox.mark_read(database, send_id, installation.clock.now())
    ledger = await database.read_one(sends.find_by_ids([send_id]))
    raw = captured.raw if can_act else mask_mail(captured.raw)
    return CapturedMailDetail(captured.entry, raw, ledger.get(send_id))


async def clear_inbox(installation: Installation, actor: Actor) -> None:
    """Delete every captured mail; the ledger keeps its record of each.

    Raises:
        Forbidden: the actor may not operate.
    """
    actor.require(Permission.OPERATE)
    async with installation.database.transaction() as transaction:
        if not await inbox.clear(transaction):
            return
        await transaction.apply([build_audit_entry(installation, actor, "clear", "/inbox")])
    installation.change_feed.publish("inbox")
