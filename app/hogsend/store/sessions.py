"""Signed-in browsers. A session's cookie is never kept, only its digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from uuid import UUID

from .db import Database, Query, Write
from .fields import to_micros
from .keys import digest_of
from .operators import OPERATORS, Operator
from .rows import RowMapper

IDLE_LIMIT = timedelta(days=7)
ABSOLUTE_LIMIT = timedelta(days=30)
# `seen_at` needs to be no finer than this; finer would make every page view a write.
_SEEN_GRAIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser.

    Args:
        digest: the digest of its cookie; names the session, and says nothing of the cookie.
        operator: who is signed in.
        created_at: when they signed in.
        seen_at: when they were last there, to some minutes.
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
    """Begin a session and return its cookie: 32 random bytes as text."""
    cookie = token_urlsafe(32)
    instant = to_micros(now)
    async with database.transaction() as transaction:
        await transaction.apply(
            [
                Write(
                    "INSERT INTO sessions (digest, operator_id, created_at, seen_at)"
                    " VALUES (?, ?, ?, ?)",
                    [(digest_of(cookie), operator_id, instant, instant)],
                )
            ]
        )
    return cookie


async def find(database: Database, cookie: str, now: datetime) -> Session | None:
    """Return the session of a cookie.

    None when there is none, it was ended, nobody was there for seven days, it is older than
    thirty, or the operator may not sign in any more.
    """
    return await database.read_one(
        Query(
            f"SELECT {_SESSIONS.columns}"
            " FROM sessions s JOIN operators o ON o.id = s.operator_id"
            " WHERE s.digest = ? AND s.revoked_at IS NULL AND s.created_at > ? AND s.seen_at > ?"
            " AND o.disabled_at IS NULL",
            [digest_of(cookie), to_micros(now - ABSOLUTE_LIMIT), to_micros(now - IDLE_LIMIT)],
            _SESSIONS.first,
        )
    )


async def touch(database: Database, session: Session, now: datetime) -> None:
    """Remember that somebody is there; does nothing when that was remembered minutes ago."""
    if now - session.seen_at < _SEEN_GRAIN:
        return
    async with database.transaction() as transaction:
        await transaction.apply(
            [
                Write(
                    "UPDATE sessions SET seen_at = ? WHERE digest = ?",
                    [(to_micros(now), session.digest)],
                )
            ]
        )


async def end(database: Database, cookie: str, now: datetime) -> None:
    """End the session of a cookie."""
    await _revoke(database, "digest", digest_of(cookie), now)


async def end_all(database: Database, operator_id: UUID, now: datetime) -> None:
    """End every session of an operator."""
    await _revoke(database, "operator_id", operator_id, now)


async def _revoke(database: Database, column: str, value: bytes | UUID, now: datetime) -> None:
    async with database.transaction() as transaction:
        await transaction.apply(
            [
                Write(
                    f"UPDATE sessions SET revoked_at = ? WHERE {column} = ? AND revoked_at IS NULL",
                    [(to_micros(now), value)],
                )
            ]
        )
