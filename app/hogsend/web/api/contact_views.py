"""Contacts and preferences as the API answers them, in the forms that its clients know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ...domain.contact import Contact
from ...domain.ids import compute_instant
from ...services.preferences import Preferences
from .schemas import InstantView, View


class ContactView(View):
    """A contact."""

    id: UUID
    external_id: str | None
    email: str | None
    properties: dict[str, Any]
    first_seen_at: InstantView
    last_seen_at: InstantView
    created_at: InstantView
    updated_at: InstantView


class AdminContactView(ContactView):
    """A contact, with its browser."""

    anonymous_id: str | None


class PreferencesView(View):
    """Which email a contact gets."""

    id: UUID
    user_id: str
    email: str | None
    unsubscribed_all: bool
    suppressed: bool
    bounce_count: int
    categories: dict[str, bool]
    suppressed_at: InstantView | None
    last_bounce_at: InstantView | None


CONTACT_EXAMPLE: Mapping[str, Any] = {
    "id": "01a20364-0b6e-72a7-b294-d14dbb994441",
    "externalId": "ada",
    "email": "ada@example.com",
    "properties": {"plan": "pro"},
    "firstSeenAt": "2026-01-02T03:04:05.678Z",
    "lastSeenAt": "2026-01-03T03:04:05.678Z",
    "createdAt": "2026-01-02T03:04:05.678Z",
    "updatedAt": "2026-01-03T03:04:05.678Z",
}
ADMIN_CONTACT_EXAMPLE: Mapping[str, Any] = {**CONTACT_EXAMPLE, "anonymousId": None}
PREFERENCES_EXAMPLE: Mapping[str, Any] = {
    "id": "01a20364-0b6e-72a7-b294-d14dbb994441",
    "userId": "ada",
    "email": "ada@example.com",
    "unsubscribedAll": False,
    "suppressed": False,
    "bounceCount": 0,
    "categories": {"product-updates": True},
    "suppressedAt": None,
    "lastBounceAt": None,
}


def build_contact(contact: Contact) -> ContactView:
    """Return a contact as products see it."""
    return ContactView(**_describe(contact))


def build_admin_contact(contact: Contact) -> AdminContactView:
    """Return a contact as the admin API shows it."""
    return AdminContactView(**_describe(contact), anonymous_id=contact.anonymous_id)


def _describe(contact: Contact) -> dict[str, Any]:
    return {
        "id": contact.id,
        "external_id": contact.user_id,
        "email": contact.email,
        "properties": dict(contact.properties),
        "first_seen_at": contact.first_seen_at,
        "last_seen_at": contact.last_seen_at,
        # The id has the instant at which it was made. Every call that changes a contact sees it.
        "created_at": compute_instant(contact.id),
        "updated_at": contact.last_seen_at,
    }


def build_preferences(preferences: Preferences) -> PreferencesView | None:
    """Return the preferences of a contact; None without one."""
    contact = preferences.contact
    if contact is None:
        return None
    suppressed_at = preferences.suppressed_at
    return PreferencesView(
        id=contact.id,
        user_id=contact.key,
        email=contact.email,
        unsubscribed_all=preferences.is_unsubscribed_from_all,
        suppressed=suppressed_at is not None,
        bounce_count=preferences.bounces.count,
        categories=dict(preferences.categories),
        suppressed_at=suppressed_at,
        last_bounce_at=preferences.bounces.last_at,
    )
