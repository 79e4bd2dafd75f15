"""The dashboard: one module for each screen."""

from . import (
    audit,
    contacts,
    emails,
    enrollments,
    events,
    everyone,
    inbox,
    journeys,
    keys,
    overview,
    system,
    templates,
)
from .frame import blueprint

__all__ = [
    "audit",
    "blueprint",
    "contacts",
    "emails",
    "enrollments",
    "events",
    "everyone",
    "inbox",
    "journeys",
    "keys",
    "overview",
    "system",
    "templates",
]
