"""Changes that are written together with their entry in the audit log, and the log itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from ..store import audit
from ..store.audit import AuditEntry
from ..store.db import Write
from .actor import Actor, Permission
from .installation import Installation


async def apply_audited(
    installation: Installation,
    actor: Actor,
    writes: Sequence[Write],
    action: str,
    subject: str,
    *topics: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write a change and its audit entry in one transaction, then notify open pages.

    Args:
        installation: where the change is written.
        actor: who makes the change.
        writes: the change.
        action: what the audit log calls it, such as `revoke key`.
        subject: what is changed, as the path of its screen where it has one.
        topics: the topics of the change feed that it concerns.
        before: the state before, if that is worth keeping.
        after: the state after, if that is worth keeping.
    """
    entry = build_audit_entry(installation, actor, action, subject, before=before, after=after)
    async with installation.database.transaction() as transaction:
        await transaction.apply([*writes, entry])
    if topics:
        installation.change_feed.publish(*topics)


def build_audit_entry(
    installation: Installation,
    actor: Actor,
    action: str,
    subject: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Write:
    """Return the write of an audit entry, for the transaction that makes the change itself."""
    now = installation.clock.now()
    return audit.record(actor.name, action, subject, now, before=before, after=after)


async def list_entries(
    installation: Installation,
    actor: Actor,
    limit: int,
    before: UUID | None = None,
    offset: int = 0,
) -> Sequence[AuditEntry]:
    """Return audit entries, newest first.

    Args:
        installation: whose audit log is read.
        actor: who reads it.
        limit: how many at most.
        before: only entries older than this one.
        offset: how many of the newest to leave out.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    return await audit.list_entries(installation.database, limit, before, offset)
