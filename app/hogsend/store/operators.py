"""Operators, and the one-time links that make them or let them in again.

Their signed-in browsers are in `sessions`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Literal, NamedTuple, get_args
from uuid import UUID

from ..domain.ids import new_id
from ..errors import Conflict, InvalidInput, NotFound, Unauthorized
from . import passwords
from .db import Database, Query, Transaction, Write
from .fields import to_micros
from .keys import digest_of
from .models import OperatorRow, SignInLinkRow
from .rows import RowMapper, only

Role = Literal["viewer", "operator", "owner"]
ROLES: tuple[Role, ...] = get_args(Role)
LINK_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Operator:
    """Someone who may sign in to the dashboard.

    Args:
        id: our id.
        email: the address they sign in with, lower-cased.
        role: `viewer`, `operator` or `owner`.
        created_at: when they were added.
        has_password: whether they have set one; without, only a link lets them in.
        disabled_at: since when they may not sign in, if so.
    """

    id: UUID
    email: str
    role: Role
    created_at: datetime
    has_password: bool = False
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignInLink:
    """A one-time link that has not been used.

    Args:
        email: whose it is; None lets whoever opens it say.
        role: what they become when they are new.
        expires_at: until when it works.
    """

    email: str | None
    role: Role
    expires_at: datetime


def normal_email(email: str) -> str:
    """Return an operator's address as it is kept.

    Raises:
        InvalidInput: it is no email address.
    """
    normal = email.strip().lower()
    if len(normal) > 320 or not re.fullmatch(r"[^\s@<>\"]+@[^\s@<>\"]+", normal):
        raise InvalidInput("That is no email address.", "Write it as ada@example.com.")
    if not normal.isprintable():
        raise InvalidInput("The email address has unprintable characters.", "Write it anew.")
    return normal


def _known_email(email: str) -> str:
    """Return an address as it is kept, or one that nobody has when it is none."""
    try:
        return normal_email(email)
    except InvalidInput:
        return ""


OPERATORS = RowMapper(
    Operator,
    OperatorRow,
    "o",
    has_password="o.password_hash IS NOT NULL",  # noqa: S106
)


class _Credentials(NamedTuple):
    operator: Operator
    password_hash: str | None


_CREDENTIALS = RowMapper(
    _Credentials,
    operator=OPERATORS,
    password_hash="o.password_hash",  # noqa: S106
)
_LINKS = RowMapper(SignInLink, SignInLinkRow)


def _by_email(email: str) -> Query[Operator | None]:
    return Query(
        f"SELECT {OPERATORS.columns} FROM operators o WHERE o.email = ?",
        [email],
        OPERATORS.first,
    )


def _set_hash(operator_id: UUID, hashed: str | None) -> Write:
    return Write("UPDATE operators SET password_hash = ? WHERE id = ?", [(hashed, operator_id)])


async def add(database: Database, email: str, role: Role, now: datetime) -> Operator:
    """Add an operator, who has no password yet: a link from `make_link` lets them in.

    Raises:
        InvalidInput: the email address or the role is none.
        Conflict: there is one with that address.
    """
    if role not in ROLES:
        raise InvalidInput(f"There is no role {role!r}.", f"Roles are: {', '.join(ROLES)}.")
    email = normal_email(email)
    async with database.transaction() as transaction:
        if await transaction.one(_by_email(email)) is not None:
            raise Conflict(
                f"There is an operator {email} already.",
                f"`hogsend operators reset {email}` lets them choose a new password.",
            )
        return await _insert(transaction, email, role, now)


async def _insert(transaction: Transaction, email: str, role: Role, now: datetime) -> Operator:
    operator = Operator(new_id(now), email, role, now)
    await transaction.apply(
        [
            Write(
                "INSERT INTO operators (id, email, role, created_at) VALUES (?, ?, ?, ?)",
                [(operator.id, email, role, to_micros(now))],
            )
        ]
    )
    return operator


async def list_operators(database: Database) -> list[Operator]:
    """Return every operator, in the order of their addresses."""
    return await database.read_one(
        Query(
            f"SELECT {OPERATORS.columns} FROM operators o ORDER BY o.email",
            [],
            OPERATORS.all,
        )
    )


async def find(database: Database, email: str) -> Operator | None:
    """Return the operator with this address, if there is one."""
    return await database.read_one(_by_email(_known_email(email)))


async def any_operator(database: Database) -> bool:
    """Say whether there is an operator; while there is none, a first link is due."""
    return await database.read_one(Query("SELECT 1 FROM operators LIMIT 1", [], only)) is not None


async def make_link(
    database: Database,
    now: datetime,
    *,
    email: str | None = None,
    role: Role = "owner",
    lifetime: timedelta = LINK_LIFETIME,
) -> str:
    """Make a one-time sign-in link and return its token; only the token's digest is kept.

    Args:
        database: where.
        now: the present instant.
        email: whose link it is; None lets whoever opens it say.
        role: what they become when they are new.
        lifetime: how long it works.

    Raises:
        InvalidInput: the email address is none.
    """
    token = token_urlsafe(32)
    expires_at = to_micros(now + lifetime)
    email = None if email is None else normal_email(email)
    async with database.transaction() as transaction:
        await transaction.apply(
            [
                Write(
                    "INSERT INTO sign_in_links (digest, email, role, created_at, expires_at)"
                    " VALUES (?, ?, ?, ?, ?)",
                    [(digest_of(token), email, role, to_micros(now), expires_at)],
                )
            ]
        )
    return token


async def find_link(database: Database, token: str, now: datetime) -> SignInLink | None:
    """Return the link with this token, without using it; None when it is used or expired."""
    return await database.read_one(
        Query(
            f"SELECT {_LINKS.columns} FROM sign_in_links"
            " WHERE digest = ? AND used_at IS NULL AND expires_at > ?",
            [digest_of(token), to_micros(now)],
            _LINKS.first,
        )
    )


async def use_link(
    database: Database, token: str, now: datetime, *, email: str = "", password: str = ""
) -> Operator:
    """Use a link up: the operator it names, or a new one, comes back to be signed in.

    Args:
        database: where.
        token: the link's.
        now: the present instant.
        email: what the person calls themselves; needed when the link names nobody.
        password: the one to set; the one they have stays when empty.

    Raises:
        InvalidInput: the address or the password cannot be; the link stays usable.
        Unauthorized: the link is used, expired, another person's or unknown.
    """
    hashed = await passwords.hash_of(password) if password else None
    stated = normal_email(email) if email.strip() else None
    async with database.transaction() as transaction:
        # One statement decides who of two at the same moment was first.
        link = await transaction.one(
            Query(
                "UPDATE sign_in_links SET used_at = ?"
                " WHERE digest = ? AND used_at IS NULL AND expires_at > ?"
                f" RETURNING {_LINKS.columns}",
                [to_micros(now), digest_of(token), to_micros(now)],
                _LINKS.first,
            )
        )
        if link is None or (link.email and stated and link.email != stated):
            raise Unauthorized(
                "This sign-in link is used, expired or somebody else's.",
                "Make a new one on the server with `hogsend operators link`.",
            )
        named = link.email or stated
        if named is None:
            raise InvalidInput("An email address is needed.", "Say who you are.")
        return await _let_in(transaction, link, named, hashed, now)


async def _let_in(
    transaction: Transaction, link: SignInLink, email: str, hashed: str | None, now: datetime
) -> Operator:
    operator = await transaction.one(_by_email(email))
    if operator is None:
        operator = await _insert(transaction, email, link.role, now)
    if operator.disabled_at is not None:
        raise Unauthorized("This operator may not sign in any more.", "Ask an owner.")
    if hashed is None:
        if not operator.has_password:
            raise InvalidInput("A password is needed.", "Choose one.")
        return operator
    await transaction.apply([_set_hash(operator.id, hashed)])
    return Operator(operator.id, email, operator.role, operator.created_at, has_password=True)


async def reset(database: Database, email: str, now: datetime) -> str:
    """Take an operator's password away, sign them out everywhere, and return a link's token.

    Raises:
        NotFound: there is no operator with this address.
    """
    operator = await find(database, email)
    if operator is None:
        raise NotFound(
            f"There is no operator {email.strip()!r}.",
            "`hogsend operators list` shows those that exist.",
        )
    async with database.transaction() as transaction:
        await transaction.apply(
            [
                _set_hash(operator.id, None),
                Write(
                    "UPDATE sessions SET revoked_at = ? WHERE operator_id = ?"
                    " AND revoked_at IS NULL",
                    [(to_micros(now), operator.id)],
                ),
            ]
        )
    return await make_link(database, now, email=operator.email, role=operator.role)


async def sign_in(database: Database, email: str, password: str) -> Operator | None:
    """Return the operator with this address and password; None when there is none such.

    It takes the same time whether the address is known or not.
    """
    query = Query(
        f"SELECT {_CREDENTIALS.columns} FROM operators o WHERE o.email = ?",
        [_known_email(email)],
        _CREDENTIALS.first,
    )
    found = await database.read_one(query)
    operator, kept = found or (None, None)
    if not await passwords.matches(kept, password) or operator is None or operator.disabled_at:
        return None
    if kept is not None and passwords.is_dated(kept):
        await set_password(database, operator.id, password)
    return operator


async def set_password(database: Database, operator_id: UUID, password: str) -> None:
    """Set an operator's password; sessions go on.

    Raises:
        InvalidInput: the password is too short or too long.
    """
    hashed = await passwords.hash_of(password)
    async with database.transaction() as transaction:
        await transaction.apply([_set_hash(operator_id, hashed)])
