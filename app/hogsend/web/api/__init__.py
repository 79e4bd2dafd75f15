"""The HTTP API: every route of `/v1` and of other formats, in the table of its noun."""

from __future__ import annotations

from . import (
    admin_contacts,
    admin_emails,
    admin_events,
    contact_timeline,
    contacts,
    email_webhooks,
    emails,
    enrollments,
    events,
    events_fast_path,
    exports,
    health,
    imports,
    journeys,
    keys,
    lists,
    metrics,
    operators,
    posthog,
    privacy,
    segment,
    sending,
    suppressions,
    templates,
)
from .routes import Route, RouteTable

TABLES: tuple[RouteTable, ...] = (
    events_fast_path.routes,
    events.routes,
    emails.routes,
    email_webhooks.routes,
    contacts.routes,
    lists.routes,
    admin_contacts.routes,
    contact_timeline.routes,
    admin_emails.routes,
    templates.routes,
    suppressions.routes,
    journeys.routes,
    enrollments.routes,
    admin_events.routes,
    metrics.routes,
    sending.routes,
    keys.routes,
    operators.routes,
    privacy.routes,
    segment.routes,
    posthog.routes,
    imports.routes,
    exports.routes,
    health.routes,
)


def list_routes() -> list[Route]:
    """Return every route of the API."""
    return [route for table in TABLES for route, _ in table.routes]
