"""The keys that sign mails."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError

from ..domain.dkim_key import DkimKey
from ..errors import Conflict
from .db import Database, Transaction
from .models import DkimKeyRow
from .rows import RowMapper

_KEYS = RowMapper(DkimKey, DkimKeyRow)


async def insert(transaction: Transaction, key: DkimKey) -> None:
    """Store a new key.

    Raises:
        Conflict: the domain has a key with this selector.
    """
    connection = await transaction.models()
    try:
        await DkimKeyRow.create(using_db=connection, **_KEYS.to_columns(key))
    except IntegrityError:
        raise Conflict(
            f"{key.domain} already has a key with the selector {key.selector}.",
            "Use another selector: a selector that was published once is not used again.",
        ) from None


async def list_keys(database: Database) -> list[DkimKey]:
    """Return every key, by domain, the newest first."""
    with database.reading_connection() as connection:
        rows = await DkimKeyRow.all().using_db(connection).order_by("domain", "-id")
    return list(map(_KEYS.from_model, rows))


async def list_active(database: Database) -> list[DkimKey]:
    """Return the keys that sign, by domain, the oldest first."""
    with database.reading_connection() as connection:
        rows = (
            await DkimKeyRow.filter(activated_at__isnull=False, retired_at__isnull=True)
            .using_db(connection)
            .order_by("domain", "id")
        )
    return list(map(_KEYS.from_model, rows))


async def activate(transaction: Transaction, key_id: UUID, now: datetime) -> None:
    """Let a key sign from now on; one that signs already keeps its instant."""
    rows = DkimKeyRow.filter(id=key_id, activated_at__isnull=True, retired_at__isnull=True)
    await rows.using_db(await transaction.models()).update(activated_at=now)


async def retire(transaction: Transaction, key_id: UUID, now: datetime) -> None:
    """Let a key not sign any more; one that is retired already keeps its instant."""
    rows = DkimKeyRow.filter(id=key_id, retired_at__isnull=True)
    await rows.using_db(await transaction.models()).update(retired_at=now)
