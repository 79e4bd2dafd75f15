"""Actors of tests: an operator of each role, as they would be signed in."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from hogsend.services.actor import Actor
from hogsend.store.operators import Operator, Role


def operator_named(name: str, role: Role = "operator") -> Actor:
    """Return the actor for an operator who is called so in the audit log."""
    return Actor.from_operator(Operator(UUID(int=1), name, role, datetime(2026, 1, 1, tzinfo=UTC)))


OLGA = operator_named("olga")
