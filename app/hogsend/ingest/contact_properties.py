"""What an event or a file changes in a contact's properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..domain.contact import Contact
from ..domain.incoming import IncomingEvent, check_contact_size
from ..errors import TooLarge


def refuse_growth(contact: Contact, incoming: IncomingEvent) -> None:
    """Refuse an event that makes a contact too large, before it changes anything.

    Raises:
        TooLarge: the contact's properties are too large with the event's.
    """
    if not incoming.contact_properties and not incoming.contact_defaults:
        return
    refuse_size(contact.properties, fold_changes(contact, incoming))


def refuse_size(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse properties that make a contact too large.

    Raises:
        TooLarge: the properties are too large.
    """
    if problem := check_contact_size(before, after):
        raise TooLarge(problem, "Delete properties of the contact by setting them to null.")


def fold_changes(contact: Contact, incoming: IncomingEvent) -> Mapping[str, Any]:
    """Return a contact's properties after an event."""
    changes = incoming.contact_properties
    if incoming.contact_defaults:
        known = contact.properties
        missing = {k: v for k, v in incoming.contact_defaults.items() if k not in known}
        changes = {**missing, **changes}
    return fold_properties(contact.properties, changes)


def fold_properties(properties: Mapping[str, Any], changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return properties with the changes applied at the top level; null deletes a property."""
    if not changes:
        return properties
    merged = {**properties, **changes}
    return {name: value for name, value in merged.items() if value is not None}
