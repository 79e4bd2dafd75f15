"""Somebody in a test."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a test, made by `world.contact(…)`.

    Args:
        id: the contact's id.
        email: the address that they were made with, if any.
        user_id: the product's id of them, if any.
    """

    id: UUID
    email: str | None = None
    user_id: str | None = None

    def __str__(self) -> str:
        return self.email or self.user_id or str(self.id)
