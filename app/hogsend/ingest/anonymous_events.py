"""Events of unknown browsers: stored without a contact, and adopted when the person is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ..domain.contact import Contact
from ..domain.incoming import IncomingEvent
from ..store import contacts, counters, events
from ..store.contacts import to_identities
from ..store.counters import Tally
from ..store.db import Transaction
from ..store.events import WaitingEvent
from .rules import IngestRules


def can_wait(incoming: IncomingEvent, rules: IngestRules) -> bool:
    """Return whether an event needs no contact: no journey begins with it."""
    return not incoming.needs_contact and not rules.is_trigger(incoming.name)


async def adopt_events(
    tx: Transaction, incoming: Sequence[IncomingEvent], rules: IngestRules, tally: Tally
) -> None:
    """Make contacts of browsers whose events have waited, before other events name them.

    Such a contact is what it would be if its first event had made it: it is then found, filled in
    or merged like any other.

    Args:
        tx: the transaction.
        incoming: the events of the batch.
        rules: the journeys that decide which events need a contact.
        tally: counts the contacts; the caller writes the tally.
    """
    browsers = {
        event.anonymous_id
        for event in incoming
        if event.anonymous_id and event.contact_id is None and not can_wait(event, rules)
    }
    if not browsers:
        return
    waiting = await tx.fetch_one(events.find_without_contact(sorted(browsers)))
    if not waiting:
        return
    by_browser: dict[str, list[WaitingEvent]] = {}
    for event in waiting:
        by_browser.setdefault(event.anonymous_id, []).append(event)
    names = [f"a:{browser}" for browser in by_browser]
    owners = await tx.fetch_one(contacts.find_by_identities(names))
    for browser, known in by_browser.items():
        # Another process may have made the contact while it was stored.
        if f"a:{browser}" not in owners:
            await _make_contact(tx, browser, known)
            tally.add_to_gauge(counters.CONTACTS, 1)


async def _make_contact(tx: Transaction, browser: str, waiting: Sequence[WaitingEvent]) -> None:
    first_seen_at: datetime = waiting[0].received_at
    # Next to the id of its first event, as ids sort by time: the contact is as old as that event.
    contact_id = UUID(int=waiting[0].id.int ^ 1)
    contact = Contact(contact_id, anonymous_id=browser, event_seq=len(waiting))
    await tx.apply(
        [
            contacts.insert([contact], first_seen_at),
            contacts.add_identities(
                [(name, contact.id) for name in to_identities(None, None, browser)]
            ),
            events.adopt((event.id, contact.id, number) for number, event in enumerate(waiting, 1)),
        ]
    )
