"""Makes people known without any event, as an import of contacts does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.address import normalize_email
from ..domain.contact import Contact
from ..domain.ids import first_id
from ..ingest.merge import merge_contacts
from ..store import contacts, counters, snapshot
from ..store.contacts import identities_of
from ..store.counters import Tally
from ..store.db import Database, Transaction


async def make_known(
    database: Database,
    email: str | None,
    user_id: str | None,
    properties: Mapping[str, Any],
    now: datetime,
) -> Contact:
    """Make somebody known, or change who is known already; two who are one person are merged.

    Args:
        database: where contacts are.
        email: the address that mail goes to.
        user_id: the product's id.
        properties: what is known of them; others of theirs stay.
        now: the present instant.

    Raises:
        ValueError: there is nothing that they could be known by, or the address is none.
    """
    address = normalize_email(email) if email else None
    names = identities_of(user_id, address, None)
    if not names:
        raise ValueError("A contact needs an email address or a user id.")
    tally = Tally(now)
    async with database.transaction() as tx:
        known = await _one_by(tx, names, tally, now)
        contact = known or Contact(await _id_for(tx, names[0], now))
        contact = replace(
            contact,
            user_id=contact.user_id or user_id,
            email=address or contact.email,
            properties={**contact.properties, **properties},
        )
        if known is None:
            tally.gauge(counters.CONTACTS, 1)
            await tx.apply([contacts.insert([contact], now)])
        else:
            await tx.apply([contacts.update([contact], now)])
        taken = await tx.one(contacts.by_identities(names))
        fresh = [(name, contact.id) for name in names if name not in taken]
        await tx.apply([contacts.add_identities(fresh), tally.write()])
    return contact


async def _id_for(tx: Transaction, name: str, now: datetime) -> UUID:
    """Return an id that is the same in every run: arms and holdouts are decided by it.

    It is made like every other: the instant, then a number that grows, then chance.
    """
    number = len(await tx.one(snapshot.ids("contacts")))
    noise = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7])
    return UUID(int=first_id(now).int | (number & 0xFFF) << 64 | noise)


async def _one_by(tx: Transaction, names: list[str], tally: Tally, now: datetime) -> Contact | None:
    """Return who is known by these names, as one person."""
    found = await tx.one(contacts.by_identities(names))
    ids = list(dict.fromkeys(contact.id for contact in found.values()))
    if len(ids) > 1:
        await merge_contacts(tx, ids, tally, now)
        found = await tx.one(contacts.by_identities(names))
    return next(iter(found.values()), None)
