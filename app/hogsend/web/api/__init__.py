"""The HTTP API: every route of `/v1`, each declared in the table of its noun."""

from __future__ import annotations

from . import (
    admin_events,
    emails,
    enrollments,
    events,
    events_fast_path,
    health,
    imports,
    journeys,
    keys,
    metrics,
    operators,
)
from .routes import Route, RouteTable

TABLES: tuple[RouteTable, ...] = (
    events_fast_path.routes,
    events.routes,
    emails.routes,
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
