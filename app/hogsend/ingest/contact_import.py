"""Imports contacts: facts without events, which start no journey.

Contacts are found, merged and changed by the rules for events. Waits that follow a property move,
and turns that are running run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import Any, Literal, NamedTuple
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment
from ..domain.following import IMPORT
from ..domain.ids import new_id
from ..domain.import_cells import ImportedChoice
from ..domain.import_rows import ContactFacts
from ..domain.incoming import MAX_CONTACT_BYTES, MAX_CONTACT_PROPERTIES, IncomingEvent
from ..domain.journey import EVERYTHING
from ..errors import TooLarge
from ..store import consents, contacts, counters, enrollments
from ..store.consents import ListDecision
from ..store.contacts import to_identities
from ..store.counters import Tally
from ..store.db import Transaction
from ..store.json_text import to_json
from .contact_properties import fold_properties, refuse_size
from .contact_resolver import ContactResolver, MergeNeeded
from .contact_state import ContactState
from .merge import merge_contacts
from .rules import IngestRules
from .waits import move_waits

SOURCE = "import"
# UTF-8 takes four bytes for a character at most: text of this length need not be encoded to see
# that it is within the limit.
_SMALL_LENGTH = MAX_CONTACT_BYTES // 4


@dataclass(frozen=True, slots=True)
class ImportedContact:
    """What a row did.

    Args:
        contact_id: the row's contact.
        change: whether the row created the contact, changed it, or had nothing new.
        has_conflict: whether another contact owns, and keeps, an identity of the row.
        kept_unsubscribed: the lists that the row subscribes to, and that the contact has left.
    """

    contact_id: UUID
    change: Literal["created", "updated", "unchanged"]
    has_conflict: bool = False
    kept_unsubscribed: Sequence[str] = ()


@dataclass
class ContactImport:
    """The changes of a transaction that imported contacts.

    Args:
        results: what each row did, or why it was refused, in the order of the rows.
        wakes: the due times of enrollments whose wait has moved, by enrollment.
        ended: the enrollments that a merge has exited.
        topics: the kinds of rows that changed.
    """

    results: list[ImportedContact | TooLarge] = field(
        default_factory=list[ImportedContact | TooLarge]
    )
    wakes: dict[UUID, datetime] = field(default_factory=dict[UUID, datetime])
    ended: list[UUID] = field(default_factory=list[UUID])
    topics: set[str] = field(default_factory=set[str])


async def import_contacts(
    tx: Transaction,
    rows: Sequence[ContactFacts],
    rules: IngestRules,
    tally: Tally,
    now: datetime,
    *,
    resubscribe: bool = False,
) -> ContactImport:
    """Import contacts in the order of their rows.

    Args:
        tx: the transaction with which all changes commit.
        rows: the facts about the contacts.
        rules: the journeys, lists and switches that decide about merges.
        tally: counts the changes; the caller writes the tally.
        now: the current time.
        resubscribe: whether a contact who has unsubscribed is subscribed again.
    """
    result = ContactImport()
    remaining = list(rows)
    is_merged = False
    while remaining:
        batch = _ImportBatch(now, resubscribe)
        identities = await batch.load(tx, remaining)
        decided = 0
        try:
            for facts, names in zip(remaining, identities, strict=True):
                imported = batch.decide(facts, names)
                if is_merged and isinstance(imported, ImportedContact):
                    # This row needed the merge, which is a change even if nothing else is new.
                    imported = replace(imported, change="updated")
                is_merged = False
                result.results.append(imported)
                decided += 1
        except MergeNeeded as needed:
            # The rows before the one that needs the merge are written first, as by `ingest_batch`.
            if decided == 0:
                merged = await merge_contacts(tx, needed.contact_ids, rules, tally, now)
                is_merged = True
                result.ended.extend(merged.ended)
                result.wakes.update(merged.wakes)
                result.topics.update(("contacts", "enrollments", "sends"))
        await batch.write(tx, tally)
        result.wakes.update(batch.wakes)
        result.topics |= batch.topics
        remaining = remaining[decided:]
    return result


class _CreatedContact(NamedTuple):
    """A contact that is to be added.

    Args:
        state: the contact.
        properties: its properties when it was created; a later row may change them.
        text: these properties as JSON; None when they are not encoded yet.
    """

    state: ContactState
    properties: Mapping[str, Any]
    text: str | None


class _ImportBatch:
    """Decides in memory what the rows of one step do, and collects what is to be written."""

    def __init__(self, now: datetime, resubscribe: bool) -> None:
        self._now = now
        self._resubscribe = resubscribe
        self._contacts = ContactResolver(now)
        self._created: list[_CreatedContact] = []
        self._changed: dict[UUID, ContactState] = {}
        self._first_seen: dict[UUID, datetime] = {}
        self._decisions: dict[tuple[UUID, str], tuple[ListDecision, datetime]] = {}
        self._suppressions: list[tuple[str, str, datetime]] = []
        self._moved: dict[UUID, Enrollment] = {}
        self.wakes: dict[UUID, datetime] = {}
        self.topics: set[str] = set()

    async def load(self, tx: Transaction, rows: Sequence[ContactFacts]) -> list[list[str]]:
        """Read what the decisions depend on; return the identities of each row."""
        identities = list(map(list_identities, rows))
        await self._contacts.load_identities(tx, list(chain.from_iterable(identities)))
        return identities

    def decide(self, facts: ContactFacts, identities: Sequence[str]) -> ImportedContact | TooLarge:
        """Decide what a row does.

        Args:
            facts: what the row says.
            identities: the identities that it names, in their stored form.

        Raises:
            MergeNeeded: the row shows that several contacts are one person.
        """
        try:
            if self._contacts.are_unknown(identities):
                return self._create(facts, identities)
            return self._change(facts, identities)
        except TooLarge as refusal:
            return refusal

    def _create(self, facts: ContactFacts, identities: Sequence[str]) -> ImportedContact:
        """Create the contact of a row whose identities are all new.

        `_change` would do the same in three times the time.

        Raises:
            TooLarge: the row has too many properties.
        """
        properties = fold_properties({}, facts.properties)
        text = to_json(properties)
        if len(text) > _SMALL_LENGTH or len(properties) > MAX_CONTACT_PROPERTIES:
            refuse_size({}, properties)
        first, last = _choose_instants(facts, self._now)
        contact = Contact(
            id=new_id(self._now),
            user_id=facts.user_id,
            email=facts.email,
            properties=properties,
            anonymous_id=facts.anonymous_id,
            first_seen_at=first,
            last_seen_at=last,
            revision=1,
        )
        state = self._contacts.add(contact, identities)
        self._add_created(state, text)
        if facts.suppression is not None:
            self._suppress(state, facts)
        if facts.choices:
            self._choose(state, facts)
        return ImportedContact(contact.id, "created")

    def _add_created(self, state: ContactState, text: str | None) -> None:
        state.changed = True
        self._created.append(_CreatedContact(state, state.contact.properties, text))

    def _change(self, facts: ContactFacts, identities: Sequence[str]) -> ImportedContact:
        """Change the contact that a row belongs to.

        Raises:
            MergeNeeded: the row shows that several contacts are one person.
            TooLarge: the row makes the properties of the contact too large.
        """
        identities_before, has_conflict = len(self._contacts.new_identities), False
        # In a file that is imported again, most rows have no new identity: then this is quicker.
        state = self._contacts.find_identified(
            identities, facts.user_id, facts.email, facts.anonymous_id
        )
        if state is None:
            state, has_conflict = self._contacts.resolve(_to_incoming(facts), facts.aliases)
        # None is only for an unknown contact id, which a row cannot have.
        assert state is not None  # noqa: S101
        contact_id = state.contact.id
        is_changed = len(self._contacts.new_identities) > identities_before
        is_changed |= self._set_properties(state, facts)
        is_changed |= self._suppress(state, facts)
        kept, has_chosen = self._choose(state, facts)
        is_changed |= has_chosen
        # A contact that `resolve` has just created. It has the identities of the row that no other
        # contact has, perhaps none; `changed` is set once it is among the created ones.
        is_new = state.is_new and not state.changed
        is_changed |= self._set_instants(state, facts, is_new=is_new)
        if is_new:
            self._add_created(state, None)
        elif is_changed and not state.is_new:
            self._changed[contact_id] = state
        change = "created" if is_new else "updated" if is_changed else "unchanged"
        return ImportedContact(contact_id, change, has_conflict, kept)

    def _set_properties(self, state: ContactState, facts: ContactFacts) -> bool:
        """Change a contact's properties; return whether anything changes.

        Raises:
            TooLarge: the properties would be too large; nothing is changed.
        """
        if not facts.properties:
            return False
        contact = state.contact
        properties = fold_properties(contact.properties, facts.properties)
        if properties == contact.properties:
            return False
        refuse_size(contact.properties, properties)
        state.contact = contact.take_event(contact.event_seq, contact.last_seen_at, properties)
        for after in move_waits(state, IMPORT, self._now):
            self._moved[after.id] = after
            self.topics.add("enrollments")
            if after.wake_at is not None:
                self.wakes[after.id] = after.wake_at
        return True

    def _suppress(self, state: ContactState, facts: ContactFacts) -> bool:
        """Suppress the address of a row, if it asks for that; return whether anything changes."""
        suppression, address = facts.suppression, facts.email
        known = self._contacts.suppressed_addresses
        if suppression is None or address is None or address in known:
            return False
        known[address] = suppression.reason
        self._suppressions.append((address, suppression.reason, suppression.at or self._now))
        _raise_revision(state)
        return True

    def _choose(self, state: ContactState, facts: ContactFacts) -> tuple[list[str], bool]:
        """Apply a row's choices about lists.

        Returns:
            The lists that the contact has left and that the row would subscribe it to again; then
            whether anything changes.
        """
        kept: list[str] = []
        has_chosen = False
        for list_id, choice in facts.choices.items():
            before = state.subscriptions.get(list_id)
            if before is choice.subscribed or (before is None and _is_default(list_id, choice)):
                continue
            if before is False and not self._resubscribe:
                kept.append(list_id)
                continue
            state.subscriptions[list_id] = choice.subscribed
            self._record_choice(state.contact, list_id, choice)
            has_chosen = True
        if has_chosen:
            _raise_revision(state)
        return kept, has_chosen

    def _record_choice(self, contact: Contact, list_id: str, choice: ImportedChoice) -> None:
        decision = ListDecision(contact.id, list_id, choice.subscribed, choice.source or SOURCE)
        self._decisions[contact.id, list_id] = (decision, choice.at or self._now)

    def _set_instants(self, state: ContactState, facts: ContactFacts, *, is_new: bool) -> bool:
        """Set when a new contact was first and last seen; of a known one, an earlier first instant.

        Returns:
            Whether a known contact changes.
        """
        first, contact = facts.first_seen_at, state.contact
        if is_new:
            first, last = _choose_instants(facts, self._now)
            state.contact = replace(contact, first_seen_at=first, last_seen_at=last)
        elif first is not None and first < contact.first_seen_at:
            state.contact = replace(contact, first_seen_at=first)
            if not state.is_new:
                self._first_seen[contact.id] = first
            return True
        return False

    async def write(self, tx: Transaction, tally: Tally) -> None:
        """Write the changes."""
        created = [
            (row.state.contact, row.text)
            if row.text is not None and row.state.contact.properties is row.properties
            else (row.state.contact, to_json(row.state.contact.properties))
            for row in self._created
        ]
        changed = [state.contact for state in self._changed.values()]
        if created or changed:
            self.topics.add("contacts")
        tally.add_to_gauge(counters.CONTACTS, len(created))
        await tx.apply(
            [
                contacts.insert_imported(created, self._now),
                contacts.update_imported(changed, self._now),
                contacts.set_first_seen(list(self._first_seen.items())),
                contacts.add_identities(self._contacts.new_identities),
                enrollments.update(self._moved.values(), self._now),
                consents.record_decisions_at(list(self._decisions.values())),
                consents.suppress_others(self._suppressions),
                consents.suppress(self._contacts.new_suppressions, self._now),
            ]
        )


def _is_default(list_id: str, choice: ImportedChoice) -> bool:
    """Return whether a choice is what holds without one, so that nothing needs to be stored.

    Most files have "subscribed" for every contact who has not unsubscribed. A choice that somebody
    has made has an instant, in our own exports.
    """
    return list_id == EVERYTHING and choice.subscribed and choice.at is None


def _raise_revision(state: ContactState) -> None:
    # No turn runs for a contact that this batch creates.
    if not state.is_new:
        state.raise_revision()


def list_identities(facts: ContactFacts) -> list[str]:
    """Return the identities that a row names, in their stored form."""
    identities = to_identities(facts.user_id, facts.email, facts.anonymous_id)
    identities.extend(facts.aliases)
    return identities


def _choose_instants(facts: ContactFacts, now: datetime) -> tuple[datetime, datetime]:
    """Return when a new contact was first and last seen."""
    first, last = facts.first_seen_at, facts.last_seen_at
    if first is None and last is None:
        return now, now
    first = min(filter(None, (first, last)))
    return first, max(first, last or now)


def _to_incoming(facts: ContactFacts) -> IncomingEvent:
    return IncomingEvent(
        "",
        user_id=facts.user_id,
        email=facts.email,
        anonymous_id=facts.anonymous_id,
        contact_properties=facts.properties,
        source=SOURCE,
    )
