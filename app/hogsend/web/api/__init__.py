"""The HTTP API: every route of `/v1`, each declared in the table of its noun."""

from __future__ import annotations

from . import (
    admin_contacts,
    admin_events,
    contact_timeline,
    contacts,
    emails,
    enrollments,
    events,
    events_fast_path,
    health,
    imports,
    journeys,
    keys,
    lists,
    metrics,
    operators,
)
from .routes import Route, RouteTable

TABLES: tuple[RouteTable, ...] = (
    events_fast_path.routes,
    events.routes,
    emails.routes,
    contacts.routes,
    lists.routes,
    admin_contacts.routes,
    contact_timeline.routes,
    journeys.routes,
    enrollments.routes,
    admin_events.routes,
    metrics.routes,
    keys.routes,
    operators.routes,
    imports.routes,
    health.routes,
)


def list_routes() -> list[Route]:
    """Return every route of the API."""
    return [route for table in TABLES for route, _ in table.routes]
