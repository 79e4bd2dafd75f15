"""Sessions of operators. Only the digest of a session's cookie is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from uuid import UUID

from .db import Database, Query
from .fields import to_micros
from .keys import compute_digest
from .models import SessionRow
from .operators import OPERATORS, Operator
from .rows import RowMapper

IDLE_LIMIT = timedelta(days=7)
ABSOLUTE_LIMIT = timedelta(days=30)
# How exact `seen_at` is; a finer value would make every page view a write.
_SEEN_GRAIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser.

    Args:
        digest: the digest of its cookie, which names the session and does not reveal the cookie.
        operator: the operator who is signed in.
        created_at: when they signed in.
        seen_at: when the session was last used, to about ten minutes.
    """

    digest: bytes
    operator: Operator
    created_at: datetime
    seen_at: datetime


_SESSIONS = RowMapper(
    Session,
    digest="s.digest",
    operator=OPERATORS,
    created_at="s.created_at",
    seen_at="s.seen_at",
)


async def start(database: Database, operator_id: UUID, now: datetime) -> str:
    """Start a session and return its cookie: 32 random bytes as text."""
    cookie = token_urlsafe(32)
    async with database.transaction() as transaction:
        await SessionRow.create(
            using_db=await transaction.models(),
            digest=compute_digest(cookie),
            operator_id=operator_id,
            created_at=now,
            seen_at=now,
        )
    return cookie


async def find(database: Database, cookie: str, now: datetime) -> Session | None:
    """Return the session of a cookie.

    Returns None when no session has this cookie, or when the session has ended, was not used for
    seven days, is older than thirty days, or belongs to a disabled operator. Every page needs the
    session, so one statement reads both tables.
    """
    return await database.read_one(
        Query(
            f"SELECT {_SESSIONS.columns}"
            " FROM sessions s JOIN operators o ON o.id = s.operator_id"
            " WHERE s.digest = ? AND s.revoked_at IS NULL AND s.created_at > ? AND s.seen_at > ?"
            " AND o.disabled_at IS NULL",
            [compute_digest(cookie), to_micros(now - ABSOLUTE_LIMIT), to_micros(now - IDLE_LIMIT)],
            _SESSIONS.read_first,
        )
    )


async def touch(database: Database, session: Session, now: datetime) -> None:
    """Record that a session is used, unless its use was recorded minutes ago."""
    if now - session.seen_at < _SEEN_GRAIN:
        return
    async with database.transaction() as transaction:
        sessions = SessionRow.filter(digest=session.digest)
        await sessions.using_db(await transaction.models()).update(seen_at=now)


async def end(database: Database, cookie: str, now: datetime) -> None:
    """End the session of a cookie."""
    async with database.transaction() as transaction:
        sessions = SessionRow.filter(digest=compute_digest(cookie), revoked_at__isnull=True)
        await sessions.using_db(await transaction.models()).update(revoked_at=now)


async def end_all(database: Database, operator_id: UUID, now: datetime) -> None:
    """End every session of an operator."""
    async with database.transaction() as transaction:
        sessions = SessionRow.filter(operator_id=operator_id, revoked_at__isnull=True)
        await sessions.using_db(await transaction.models()).update(revoked_at=now)
