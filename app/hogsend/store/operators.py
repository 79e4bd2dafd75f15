"""Operators, and the one-time links that create operators or sign them in.

Sessions are in `sessions`. Functions that write take a transaction instead of the database when
their change must commit together with other changes, such as an entry of the audit log.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any, Literal, cast, get_args
from uuid import UUID

from tortoise.queryset import QuerySet

from ..domain.address import check_address
from ..domain.ids import new_id
from ..errors import Conflict, InvalidInput, NotFound, Overloaded, Unauthorized
from . import passwords
from .db import Database, Transaction, Write
from .keys import compute_digest
from .models import OperatorRow, SessionRow, SignInLinkRow
from .rows import RowMapper

Role = Literal["viewer", "operator", "owner"]
ROLES: tuple[Role, ...] = get_args(Role)
LINK_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Operator:
    """Someone who may sign in to the dashboard.

    Args:
        id: our id.
        email: the address that the operator signs in with, in lower case.
        role: `viewer`, `operator` or `owner`.
        created_at: when the operator was added.
        has_password: whether the operator has a password; without it they sign in with a link.
        disabled_at: when the operator was disabled; None when they may sign in.
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
        email: the operator's address; None lets the person who opens the link choose it.
        role: the role of a new operator.
        expires_at: when the link stops working.
    """

    email: str | None
    role: Role
    expires_at: datetime


def normalize_operator_email(email: str) -> str:
    """Return an operator's address as it is stored.

    Raises:
        InvalidInput: the text is not an email address.
    """
    try:
        return check_address(email.strip().lower(), allow_dotless=True)
    except ValueError:
        raise InvalidInput(
            "That is not an email address.", "Write it as ada@example.com."
        ) from None


def _normalize_or_empty(email: str) -> str:
    """Return an address as it is stored, also one that only earlier versions accepted.

    It is empty when the text cannot be an email address.
    """
    try:
        return normalize_operator_email(email)
    except InvalidInput:
        normal = email.strip().lower()
        return normal if len(normal) <= 320 and normal.isprintable() else ""


# Used by `sessions`, which reads sessions and their operators with one statement.
OPERATORS = RowMapper(
    Operator,
    OperatorRow,
    "o",
    has_password="o.password_hash IS NOT NULL",  # noqa: S106
)


def _as_instant(value: Any) -> Any:
    """Return an instant of a model; type checkers assume that the field is an integer."""
    return value


def _to_operator(row: OperatorRow) -> Operator:
    return Operator(
        id=row.id,
        email=row.email,
        role=cast("Role", row.role),
        created_at=_as_instant(row.created_at),
        has_password=bool(row.password_hash),
        disabled_at=_as_instant(row.disabled_at),
    )


def _to_link(row: SignInLinkRow) -> SignInLink:
    return SignInLink(row.email, cast("Role", row.role), _as_instant(row.expires_at))


async def add(store: Database | Transaction, email: str, role: Role, now: datetime) -> Operator:
    """Add an operator without a password; a link from `create_link` lets them choose one.

    Raises:
        InvalidInput: the email address or the role is not valid.
        Conflict: there is an operator with that address.
    """
    if role not in ROLES:
        raise InvalidInput(f"There is no role {role!r}.", f"Roles are: {', '.join(ROLES)}.")
    email = normalize_operator_email(email)
    async with store.transaction() as transaction:
        operators = OperatorRow.filter(email=email).using_db(await transaction.models())
        if await operators.exists():
            raise Conflict(
                f"There is an operator {email} already.",
                f"`hogsend operators reset {email}` lets them choose a new password.",
            )
        return await _insert(transaction, email, role, now)


async def _insert(transaction: Transaction, email: str, role: Role, now: datetime) -> Operator:
    if role == "owner":
        await _expire_first_links(transaction, now)
    operator = Operator(new_id(now), email, role, now)
    await OperatorRow.create(
        using_db=await transaction.models(),
        id=operator.id,
        email=email,
        role=role,
        created_at=now,
    )
    return operator


async def _expire_first_links(transaction: Transaction, now: datetime) -> None:
    """Expire the links of the first starts when the first owner is added: anyone may use them.

    They count as used, because a request that waits for the lock may have an earlier `now`.
    """
    await _lock_first_links(transaction)
    connection = await transaction.models()
    if not await OperatorRow.filter(role="owner").using_db(connection).exists():
        links = _filter_first_links().using_db(connection)
        await links.update(expires_at=now, used_at=now)


def _filter_first_links() -> QuerySet[SignInLinkRow]:
    return SignInLinkRow.filter(email__isnull=True, role="owner", used_at__isnull=True)


async def _lock_first_links(transaction: Transaction) -> None:
    """Lock the links of the first starts in one order, as two people may use two of them at once.

    SQLite, which has one writer, ignores the lock.
    """
    links = _filter_first_links().select_for_update().order_by("digest")
    await links.using_db(await transaction.models())


async def list_operators(database: Database) -> list[Operator]:
    """Return every operator, in the order of their addresses."""
    with database.reading_connection() as connection:
        rows = await OperatorRow.all().using_db(connection).order_by("email")
    return [_to_operator(row) for row in rows]


async def find(database: Database, email: str) -> Operator | None:
    """Return the operator with this address, if there is one."""
    row = await _find_row(database, email)
    return None if row is None else _to_operator(row)


async def _find_row(database: Database, email: str) -> OperatorRow | None:
    with database.reading_connection() as connection:
        return await OperatorRow.get_or_none(email=_normalize_or_empty(email), using_db=connection)


async def has_operators(database: Database) -> bool:
    """Return whether there is an operator; without one, the server prints a first sign-in link."""
    with database.reading_connection() as connection:
        return await OperatorRow.all().using_db(connection).exists()


async def create_link(
    store: Database | Transaction,
    now: datetime,
    *,
    email: str | None = None,
    role: Role = "owner",
    lifetime: timedelta = LINK_LIFETIME,
) -> str:
    """Make a one-time sign-in link and return its token; only the token's digest is stored.

    Args:
        store: the database, or a transaction of it.
        now: the current time.
        email: the operator's address; None lets the person who opens the link choose it.
        role: the role of a new operator.
        lifetime: how long the link works.

    Raises:
        InvalidInput: the address is not an email address.
    """
    token = token_urlsafe(32)
    email = None if email is None else normalize_operator_email(email)
    async with store.transaction() as transaction:
        await SignInLinkRow.create(
            using_db=await transaction.models(),
            digest=compute_digest(token),
            email=email,
            role=role,
            created_at=now,
            expires_at=now + lifetime,
        )
    return token


async def find_link(database: Database, token: str, now: datetime) -> SignInLink | None:
    """Return the link with this token, without using it; None when it is used or expired."""
    with database.reading_connection() as connection:
        row = await _filter_usable_link(token, now).using_db(connection).first()
    return None if row is None else _to_link(row)


def _filter_usable_link(token: str, now: datetime) -> QuerySet[SignInLinkRow]:
    return SignInLinkRow.filter(
        digest=compute_digest(token), used_at__isnull=True, expires_at__gt=now
    )


async def use_link(
    database: Database,
    token: str,
    now: datetime,
    *,
    email: str = "",
    password: str = "",
    record_new: Callable[[Operator], Write] | None = None,
) -> Operator:
    """Use up a link, and return the operator to sign in, who is created if they are new.

    A new password ends the operator's sessions.

    Args:
        database: the open database.
        token: the link's token.
        now: the current time.
        email: the operator's address; required when the link names none.
        password: a new password; when empty, the operator keeps their current one.
        record_new: returns what is written together with a new operator.

    Raises:
        InvalidInput: the address or the password is not valid; the link stays usable.
        Unauthorized: the link is used, expired, unknown, or for another address.
    """
    hashed = await passwords.compute_hash(password) if password else None
    typed = normalize_operator_email(email) if email.strip() else None
    async with database.transaction() as transaction:
        await _lock_first_links(transaction)
        connection = await transaction.models()
        # One statement decides which of two requests at the same moment uses the link.
        used = await _filter_usable_link(token, now).using_db(connection).update(used_at=now)
        row = await SignInLinkRow.get_or_none(digest=compute_digest(token), using_db=connection)
        if not used or row is None or (row.email and typed and row.email != typed):
            raise Unauthorized(
                "This sign-in link was already used, has expired or is for another address.",
                "Create a new one on the server with `hogsend operators link`.",
            )
        address = row.email or typed
        if address is None:
            raise InvalidInput(
                "An email address is required.", "Enter the address that you sign in with."
            )
        known = await OperatorRow.get_or_none(email=address, using_db=connection)
        if known is None:
            operator = await _insert(transaction, address, _to_link(row).role, now)
            await transaction.apply([record_new(operator)] if record_new else [])
        else:
            operator = _to_operator(known)
        return await _admit(transaction, operator, hashed, now)


async def _admit(
    transaction: Transaction, operator: Operator, hashed: str | None, now: datetime
) -> Operator:
    """Set the new password of an operator who signs in with a link, if there is one.

    Raises:
        InvalidInput: the operator has no password and has chosen none.
        Unauthorized: the operator is disabled.
    """
    if operator.disabled_at is not None:
        raise Unauthorized("This operator is disabled.", "Ask an owner to enable it.")
    if hashed is None:
        if not operator.has_password:
            raise InvalidInput("A password is required.", "Choose one.")
        return operator
    await _set_hash(transaction, operator.id, hashed)
    await _end_sessions(transaction, operator.id, now)
    return replace(operator, has_password=True)


async def _end_sessions(transaction: Transaction, operator_id: UUID, now: datetime) -> None:
    sessions = SessionRow.filter(operator_id=operator_id, revoked_at__isnull=True)
    await sessions.using_db(await transaction.models()).update(revoked_at=now)


async def _set_hash(transaction: Transaction, operator_id: UUID, hashed: str | None) -> None:
    operators = OperatorRow.filter(id=operator_id).using_db(await transaction.models())
    await operators.update(password_hash=hashed)


async def reset_password(store: Database | Transaction, email: str, now: datetime) -> str:
    """Remove an operator's password, end all their sessions, and return a link's token.

    Raises:
        NotFound: there is no operator with this address.
    """
    async with store.transaction() as transaction:
        connection = await transaction.models()
        row = await OperatorRow.get_or_none(email=_normalize_or_empty(email), using_db=connection)
        if row is None:
            raise NotFound(
                f"There is no operator {email.strip()!r}.",
                "Run `hogsend operators list` to see the operators that exist.",
            )
        operator = _to_operator(row)
        await _set_hash(transaction, operator.id, None)
        await _end_sessions(transaction, operator.id, now)
        return await create_link(transaction, now, email=operator.email, role=operator.role)


async def authenticate(database: Database, email: str, password: str) -> Operator | None:
    """Return the operator with this address and password; None when they do not match.

    The check takes the same time whether or not the address is known.

    Raises:
        Overloaded: the password cannot be checked at present.
    """
    row = await _find_row(database, email)
    stored = None if row is None else row.password_hash
    matches = await passwords.is_match(stored, password)
    if row is None or not matches or row.disabled_at is not None:
        return None
    if stored is not None and passwords.is_outdated(stored):
        # A password from before today's rules, or a busy moment, does not keep its owner out.
        with suppress(InvalidInput, Overloaded):
            await set_password(database, row.id, password)
    return _to_operator(row)


async def set_password(database: Database, operator_id: UUID, password: str) -> None:
    """Set an operator's password; their sessions stay valid.

    Raises:
        InvalidInput: the password is too short or too long.
    """
    hashed = await passwords.compute_hash(password)
    async with database.transaction() as transaction:
        await _set_hash(transaction, operator_id, hashed)
