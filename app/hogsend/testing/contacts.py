"""Creates and updates contacts without an event, as an import of contacts does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.address import normalize_email
from ..domain.contact import Contact
from ..domain.following import MoveCause
from ..domain.ids import compute_first_id
from ..ingest import IngestRules
from ..ingest.contact_properties import fold_properties
from ..ingest.merge import merge_contacts
from ..store import contacts, counters, enrollments, snapshot
from ..store.contacts import to_identities
from ..store.counters import Tally
from ..store.db import Database, Transaction

_CAUSE = MoveCause("world.contact")


async def upsert_contact(
    database: Database,
    email: str | None,
    user_id: str | None,
    properties: Mapping[str, Any],
    *,
    rules: IngestRules,
    now: datetime,
) -> Contact:
    """Create or update a contact; merge contacts that turn out to be the same person.

    Args:
        database: where contacts are.
        email: the address that email goes to.
        user_id: the product's id of the contact.
        properties: properties to set; the contact keeps its other properties.
        rules: the journeys.
        now: the present instant.

    Raises:
        ValueError: neither address nor id is given, or the address is invalid.
    """
    address = normalize_email(email) if email else None
    identities = to_identities(user_id, address, None)
    if not identities:
        raise ValueError("A contact needs an email address or a user id.")
    tally = Tally(now)
    async with database.transaction() as tx:
        existing = await _find_contact(tx, identities, rules, tally, now)
        contact = existing or Contact(await _compute_id(tx, identities[0], now))
        contact = replace(
            contact,
            user_id=contact.user_id or user_id,
            email=address or contact.email,
            properties=fold_properties(contact.properties, properties),
            revision=contact.revision + 1,
        )
        if existing is None:
            tally.add_to_gauge(counters.CONTACTS, 1)
            await tx.apply([contacts.insert([contact], now)])
        else:
            live = await tx.fetch_one(enrollments.find_live([contact.id]))
            moved = (e.follow_properties(contact.properties, _CAUSE, now) for e in live)
            await tx.apply([contacts.update([contact], now), enrollments.update(moved, now)])
        owners = await tx.fetch_one(contacts.find_by_identities(identities))
        added = [(identity, contact.id) for identity in identities if identity not in owners]
        await tx.apply([contacts.add_identities(added), tally.to_write()])
    return contact


async def _compute_id(tx: Transaction, identity: str, now: datetime) -> UUID:
    """Return an id that is the same in every run, because variants and holdouts depend on the id.

    The id has the layout of all ids: the instant, an increasing number, and noise.
    """
    number = len(await tx.fetch_one(snapshot.find_ids("contacts")))
    noise = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:7])
    return UUID(int=compute_first_id(now).int | (number & 0xFFF) << 64 | noise)


async def _find_contact(
    tx: Transaction, identities: list[str], rules: IngestRules, tally: Tally, now: datetime
) -> Contact | None:
    """Return the contact with these identities; merge the contacts if there are several."""
    owners = await tx.fetch_one(contacts.find_by_identities(identities))
    ids = list(dict.fromkeys(contact.id for contact in owners.values()))
    if len(ids) > 1:
        await merge_contacts(tx, ids, rules, tally, now)
        owners = await tx.fetch_one(contacts.find_by_identities(identities))
    return next(iter(owners.values()), None)
