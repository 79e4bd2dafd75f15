"""The dashboard: one module for each screen."""

from . import (
    audit,
    bulk_actions,
    contacts,
    emails,
    enrollments,
    events,
    imports,
    inbox,
    journeys,
    keys,
    overview,
    privacy,
    sending,
    system,
    templates,
)
from .base import blueprint

__all__ = [
    "audit",
    "blueprint",
    "bulk_actions",
    "contacts",
    "emails",
    "enrollments",
    "events",
    "imports",
    "inbox",
    "journeys",
    "keys",
    "overview",
    "privacy",
    "sending",
    "system",
    "templates",
]
