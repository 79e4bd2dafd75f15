"""A contact and its rows in memory, while a batch of facts about it is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment
from ..domain.incoming import IncomingEvent
from ..domain.send_policy import Consents
from ..store.json_text import to_json


@dataclass(slots=True)
class ContactState:
    """A contact with the rows that decisions depend on; each decision of a batch changes it.

    Args:
        contact: the contact.
        is_new: whether this batch creates it.
        changed: whether the contact has to be written.
        loaded: the contact as it was read; None for a new contact.
        live: the live enrollments, by id.
        entries: when the contact last entered a journey, by the journey's id and the entry key.
        unaddressed_entries: the same for entries that could send nothing for want of an address.
        held_out_by_journey: whether the contact was held out, for each journey that it has
            entered; later entries keep the answer.
        subscriptions: the contact's choice for each list.
    """

    contact: Contact
    is_new: bool = False
    changed: bool = False
    loaded: Contact | None = None
    live: dict[UUID, Enrollment] = field(default_factory=lambda: {})
    entries: dict[tuple[str, str], datetime] = field(default_factory=lambda: {})
    unaddressed_entries: dict[tuple[str, str], datetime] = field(default_factory=lambda: {})
    held_out_by_journey: dict[str, bool] = field(default_factory=lambda: {})
    subscriptions: dict[str, bool] = field(default_factory=lambda: {})

    @property
    def has_new_values(self) -> bool:
        """Whether anything has changed but the number and the instant of the last event."""
        return (
            self.loaded is None
            or self.contact.revision != self.loaded.revision
            or self.contact.properties is not self.loaded.properties
        )

    @property
    def consents(self) -> Consents:
        """The contact's choice for each list."""
        return Consents(self.subscriptions)

    def has_entered(self, entry: tuple[str, str]) -> bool:
        """Return whether the contact has entered a journey before.

        Entries that could send nothing for want of an address are included.

        Args:
            entry: the journey's id and the entry key.
        """
        return entry in self.entries or entry in self.unaddressed_entries

    def find_last_entry(self, entry: tuple[str, str]) -> datetime | None:
        """Return when the contact last entered a journey; None when no entry counts.

        An entry that could send nothing for want of an address counts until there is an address.

        Args:
            entry: the journey's id and the entry key.
        """
        at = self.entries.get(entry)
        if not self.unaddressed_entries:
            return at
        unaddressed_at = None if self.contact.email else self.unaddressed_entries.get(entry)
        return max(filter(None, (at, unaddressed_at)), default=None)

    def has_chosen(self, lists: Mapping[str, bool]) -> bool:
        """Return whether the contact has made all of these choices already; false for none."""
        return bool(lists) and all(
            self.subscriptions.get(list_id) is subscribed for list_id, subscribed in lists.items()
        )

    def has_values(self, incoming: IncomingEvent) -> bool:
        """Return whether the contact has the properties and choices of an event already."""
        properties, lists = self.contact.properties, incoming.lists
        return (not lists or self.has_chosen(lists)) and all(
            # As JSON, in which true is not 1.
            name in properties and to_json(properties[name]) == to_json(value)
            if value is not None
            else name not in properties
            for name, value in incoming.contact_properties.items()
        )

    def mark_seen(self, incoming: IncomingEvent, now: datetime) -> None:
        """Set the instant at which the contact was last seen, for a call that changes nothing else.

        A call that names the contact by our id leaves it as it is: operators make such calls, and
        the contact has done nothing.
        """
        if incoming.contact_id is not None:
            return
        contact = self.contact
        self.contact = contact.take_event(contact.event_seq, now, contact.properties)
        self.changed = True

    def raise_revision(self) -> None:
        """Raise the contact's revision, so that a turn of it that is running runs again."""
        self.contact = replace(self.contact, revision=self.contact.revision + 1)
